"""Faults that come together, or again and again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.budgets import Budgets
from fixtures.clients import Clients
from fixtures.evidence import Evidence
from halab.budget import Budget, Work
from halab.cluster import Cluster
from halab.faults import flapping, powered_off, server_off
from halab.invariants import Kind
from halab.lan import Lan

pytestmark = [pytest.mark.disruptive, pytest.mark.configuration(check_inter=1)]

TIMES = 5


@pytest.mark.rests_on("front panel")
@pytest.mark.usefixtures("handed_back")
def test_master_is_lost_while_a_server_is_dying(
    cluster: Cluster, clients: Clients, inflict: Callable, evidence: Evidence, budgets: Budgets
) -> None:
    """Neither makes the other worse: the takeover takes its time, and dead VMs have their share.

    The BACKUP's HAProxy finds them DOWN by checks of its own. Clients that lose a dead VM's turn
    just before or after the takeover see it as one outage.
    """
    server = list(cluster.servers)[-1]
    gone = [vm for vm in cluster.backends if vm.server == server]
    check = cluster.backup.haproxy().deployed().check_of(gone[0].name)
    detection = Budget.detection(check, silent=True).and_(*cluster.lab.takeover_works)

    with clients.probing() as service:
        inflict(server_off(cluster, server))
        inflict(powered_off(cluster, cluster.master))
        down = service.awaiting(cluster.down(gone, by=cluster.backup))

    seen, interval = service.service, service.service.interval
    turns = Work(f"{len(gone)} dead VMs' turns before and after", 2 * len(gone) * interval)
    outage = budgets.silence.and_(turns)
    share = Budget.lost_share(seen, detection, len(gone), len(cluster.backends))
    most = Budget(
        share.value + outage.value / interval,
        f"{share.terms}, and the takeover's {outage.value:.3f} s × {1 / interval:g}/s",
        share.unit,
    )
    evidence.measure("outage", service.longest_outage, outage, seen.resolution)
    evidence.measure("until all DOWN", down.after, detection, down.polling)
    evidence.measure("requests lost", service.through, most)
    assert service.longest_outage <= outage.value + seen.resolution
    assert down.after <= detection.value + down.polling
    assert len(gone) < service.through <= most.value


@pytest.mark.parametrize(
    ("away", "there"),
    [
        # dead again before it has the VIP
        pytest.param(0.5, 0.5, id="faster than VRRP"),
        # the VIP moves both ways each time
        pytest.param(4.0, 5.0, id="slower than VRRP", marks=pytest.mark.nightly),
    ],
)
def test_flapping_master_costs_each_time_what_once_costs(
    cluster: Cluster,
    clients: Clients,
    inflict: Callable,
    evidence: Evidence,
    budgets: Budgets,
    lan: Lan,
    away: float,
    there: float,
) -> None:
    """keepalived that dies five times over keeps nobody waiting longer than one that dies once."""
    silence = budgets.silence

    with clients.probing(until=cluster.vip_on(cluster.master)) as service:
        lan.expects(Kind.TWO_HOLDERS, "a killed keepalived leaves the VIP on its NIC")
        inflict(flapping(cluster.master, TIMES, away, there))

    number = len(service.service.outages)
    evidence.measure(
        f"longest of {number} outages", service.longest_outage, silence, service.resolution
    )
    assert service.longest_outage <= silence.value + service.resolution
