"""Planned work: what an operator does on purpose costs clients nothing, or what VRRP needs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.budgets import Budgets
from fixtures.clients import Clients
from fixtures.evidence import Evidence
from fixtures.round_trip import Travels
from halab.cluster import Cluster
from halab.faults import Fault
from halab.invariants import Kind
from halab.lan import Lan
from halab.maintenance import (
    drained,
    haproxy_reloaded,
    in_maintenance,
    keepalived_reloaded,
    priority_changed,
    rebooted,
)
from halab.service import FAULT, HEALED
from halab.topology import VirtualMachine
from halab.wait import Condition

pytestmark = pytest.mark.disruptive

RELOADS = 50


@pytest.mark.gate
def test_reloads_of_haproxy_cost_no_request(
    cluster: Cluster, clients: Clients, inflict: Callable
) -> None:
    """An old worker hands its sockets to the new one, and ends what it has begun."""
    haproxy = cluster.master.haproxy()
    before = haproxy.pid()

    with clients.probing() as service:
        inflict(haproxy_reloaded(haproxy, RELOADS))

    assert haproxy.pid() != before
    assert service.lost.total() == 0


@pytest.mark.gate
def test_reload_of_keepalived_costs_no_request(
    cluster: Cluster, clients: Clients, inflict: Callable, lan: Lan
) -> None:
    """keepalived keeps the VIP, and its office, while it reads its configuration again."""
    with cluster.master.keepalived.logging() as log, clients.probing() as service:
        inflict(keepalived_reloaded(cluster.master))
        lan.only(cluster.master).until(within=10)

    assert "Reloading" in log.text
    assert not lan.resigned(cluster.master)
    assert cluster.holders() == [cluster.master]
    assert service.lost.total() == 0


@pytest.mark.gate
def test_master_is_drained_and_rebooted(
    cluster: Cluster, clients: Clients, inflict: Callable, evidence: Evidence, budgets: Budgets
) -> None:
    """Clients pay skew_time when it goes and one advert_int when it is back, by itself."""
    resignation, preemption = budgets.resignation, budgets.preemption

    with clients.probing(until=cluster.vip_on(cluster.master)) as service:
        inflict(rebooted(cluster, cluster.master))

    # It may have the VIP again before it lets us in: outages are told apart by their beginning.
    seen = service.service
    drain = [o for o in seen.outages if o.start - seen.at(FAULT) <= resignation.value]
    left = max((o.duration for o in drain), default=0.0)
    back = max((o.duration for o in seen.outages if o not in drain), default=0.0)
    evidence.measure("outage when it goes", left, resignation, seen.resolution)
    evidence.measure("outage when it is back", back, preemption, seen.resolution)
    assert left <= resignation.value + seen.resolution
    assert back <= preemption.value + seen.resolution


@pytest.mark.gate
@pytest.mark.parametrize("work", [drained, in_maintenance])
def test_backend_is_taken_out_and_put_back(
    cluster: Cluster,
    clients: Clients,
    inflict: Callable,
    work: Callable[[Cluster, VirtualMachine], Fault],
) -> None:
    """It gets no request meanwhile, no client notices, and it has its share again after."""
    vm, other = cluster.backends[4], cluster.backends[5]
    turns = 10

    with clients.probing() as service:
        put_back = inflict(work(cluster, vm))
        before = requests_to(cluster, vm)
        service.awaiting(gets_more(cluster, other, 1))
        service.mark("taken out")
        gets_more(cluster, other, turns).until(within=10)
        meanwhile = requests_to(cluster, vm) - before
        service.healed()
        put_back()
        gets_more(cluster, vm, turns).until(within=10)

    seen = service.service
    served = {r.backend for r in seen.during("taken out", HEALED).requests}
    assert meanwhile == 0
    assert vm.name not in served, "who still sends it clients is not the HAProxy that was told"
    assert service.lost.total() == 0


def requests_to(cluster: Cluster, vm: VirtualMachine) -> int:
    """How many requests the MASTER's HAProxy has sent it; health checks are none."""
    return cluster.master.haproxy().servers(cluster.topology.haproxy.backend)[vm.name].stot


def gets_more(cluster: Cluster, vm: VirtualMachine, requests: int) -> Condition:
    """From now on it is sent so many requests."""
    before = requests_to(cluster, vm)
    return Condition(
        f"{vm.name} gets {requests} requests more",
        lambda: requests_to(cluster, vm) - before >= requests,
        seen=lambda: f"{requests_to(cluster, vm) - before}",
    )


def test_vip_follows_a_changed_priority(
    cluster: Cluster, round_trip: Travels, budgets: Budgets, lan: Lan
) -> None:
    """The VIP moves from a MASTER made the worse of the two, and back; both serve meanwhile.

    The old MASTER serves until the new one's first advert, so clients lose an advert_int at most.
    """
    silence, preemption = budgets.silence, budgets.preemption
    below = cluster.topology.backup.priority - 10

    lan.expects(Kind.WRONG_ADVERT, f"the MASTER's priority is {below} for now")

    trip = round_trip(
        priority_changed(cluster.master, below),
        cluster.vip_on(cluster.backup),
        then=lambda: lan.expects_no_more(Kind.WRONG_ADVERT),
    )

    trip.keeps(taken=silence, outage=preemption, back=preemption)
