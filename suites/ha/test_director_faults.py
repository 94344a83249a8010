"""Faults of a director, in the thesis's set-up: what the VIP follows, and what it does not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from fixtures.budgets import Budgets
from fixtures.clients import Clients
from fixtures.evidence import Evidence
from fixtures.round_trip import Travels
from halab import wait
from halab.budget import Budget, Work
from halab.cluster import Cluster
from halab.faults import (
    cpu_starved,
    director_frozen,
    disk_full,
    each_of,
    haproxy_frozen,
    haproxy_held_dead,
    haproxy_stopped,
    keepalived_frozen,
    keepalived_stopped,
    nic_down,
    port_down,
)
from halab.haproxy import HAProxy
from halab.invariants import Kind
from halab.lab.cgroup import PERIOD
from halab.lan import Lan
from halab.outage import Outcome
from halab.service import FAULT, HEALED, Service

pytestmark = pytest.mark.disruptive

LEFT = "who stands still leaves the VIP on its NIC, and its kernel answers ARP for it"
BY_HAND = pytest.mark.rests_on("front panel")
STARVED = 0.1
"""Of one CPU, for all that runs on a director."""


@pytest.mark.gate
@pytest.mark.parametrize(
    ("fault", "leaves_the_vip"),
    [
        pytest.param(lambda c: keepalived_frozen(c.master), True, id="keepalived frozen"),
        pytest.param(
            lambda c: director_frozen(c, c.master), True, id="director frozen", marks=BY_HAND
        ),
        pytest.param(lambda c: nic_down(c, c.master), False, id="NIC down"),
        pytest.param(lambda c: port_down(c, c.master), False, id="switch port down", marks=BY_HAND),
    ],
)
def test_silent_master_is_replaced_and_comes_back(
    cluster: Cluster,
    round_trip: Travels,
    budgets: Budgets,
    lan: Lan,
    fault: Callable[[Cluster], AbstractContextManager[None]],
    leaves_the_vip: bool,
) -> None:
    """Nobody can say goodbye: Master_Down_Interval, and one advert_int when all is well again.

    Who has lost its NIC knows, by ``track_interface`` and at once, and gives the VIP up: it has to
    wait for it, as any BACKUP. A MASTER that was cut off for as long as its checks take has lost
    its backends meanwhile.
    """
    silence = budgets.silence
    waits = cluster.master.keepalived.instance().timers.master_down_interval
    if leaves_the_vip:
        lan.expects(Kind.TWO_HOLDERS, LEFT)

    trip = round_trip(fault(cluster), cluster.vip_reaches(cluster.backup), waiting=leaves_the_vip)

    seen = trip.watch.service
    back = budgets.return_after(seen.at(HEALED) - seen.at(FAULT))
    outage = max(silence, back, key=lambda budget: budget.value)
    returned = None if leaves_the_vip else budgets.recovery
    trip.keeps(taken=silence, outage=outage, back=back, returned=returned)
    gave_it_up = trip.healing + trip.returned.after + trip.returned.polling >= waits
    assert gave_it_up or leaves_the_vip, "it had the VIP all the time, without a NIC"


@pytest.mark.rests_on("interface tracking")
@pytest.mark.parametrize(
    ("fault", "seen_as"),
    [
        pytest.param(haproxy_stopped, Outcome.REFUSED, id="stopped"),
        pytest.param(haproxy_held_dead, Outcome.REFUSED, id="held dead"),
        pytest.param(haproxy_frozen, Outcome.TIMEOUT, id="frozen"),
    ],
)
def test_vip_stays_with_a_dead_haproxy(
    cluster: Cluster,
    clients: Clients,
    inflict: Callable,
    evidence: Evidence,
    lan: Lan,
    fault: Callable[[HAProxy], AbstractContextManager[None]],
    seen_as: Outcome,
) -> None:
    """With track_interface alone the service is gone until somebody mends HAProxy.

    keepalived looks at the NIC and at nothing else, as the thesis has it. test_tracking.py has
    the remedies.
    """
    adverts = cluster.backup.keepalived.instance().timers.adverts_outlasted

    with clients.probing(waiting=True) as service:
        began = wait.clock()
        heal = inflict(fault(cluster.master.haproxy()))
        struck = wait.clock()
        lan.only(cluster.master, adverts).until(within=2 * adverts)
        assert cluster.holders() == [cluster.master]
        least = wait.clock() - struck
        heal()
        most = wait.clock() - began
        service.healed()

    seen = service.service
    frozen = seen_as is Outcome.TIMEOUT
    lasted = Budget.thawed(most, seen) if frozen else Budget(most, "the fault itself")
    evidence.measure("the service was gone for", service.longest_outage, lasted, seen.resolution)
    # what a thawed HAProxy finds waiting for it, a timeout old at most, it still answers
    answered = seen.timeout if frozen else 0
    assert least - answered <= service.longest_outage <= lasted.value + seen.resolution
    assert seen.through.most_common(1)[0][0] is seen_as
    assert lost_later(seen, lasted.value - most) == 0


def lost_later(service: Service, late: float) -> int:
    """Requests lost that are younger than those which the healed HAProxy found waiting for it.

    And than those of the next ``late`` seconds, which waited for them.
    """
    settled = service.at(HEALED) + service.timeout + late
    return sum(not request.ok for request in service.requests if request.intended > settled)


@pytest.mark.rests_on("front panel")
def test_starved_master_keeps_the_vip(
    cluster: Cluster, clients: Clients, inflict: Callable, evidence: Evidence, lan: Lan
) -> None:
    """Something runs away with the CPU: keepalived needs next to none, and moves nothing.

    HAProxy needs more than it gets, so the service may be gone while that lasts, as with a dead
    one. A second MASTER would come of an advert that is late by Master_Down_Interval.
    """
    node, lab = cluster.master.node, cluster.lab
    lasting = cluster.backup.keepalived.instance().timers.master_down_interval + 0.4
    spin = f"import time; t = time.monotonic()\nwhile time.monotonic() - t < {lasting}: pass\n"
    with clients.probing(waiting=True) as service:
        alone = lan.only(cluster.master, 2)
        heal = inflict(cpu_starved(cluster, cluster.master, STARVED))
        began, before = wait.clock(), lab.cpu_time(node.name)
        node.run("python3 -", stdin=spin)
        had, lasted = lab.cpu_time(node.name) - before, wait.clock() - began
        assert cluster.holders() == [cluster.master]
        alone.until(within=10)
        heal()
        service.healed()

    share = Budget(STARVED * lasted, f"{STARVED:g} of one CPU for {lasted:.3f} s")
    # what is left of the quota of a period that began before, and the whole of the last one's
    most = share.and_(Work("a period at either end", 2 * STARVED * PERIOD / 1e6))
    evidence.measure("CPU time that the director had", had, most)
    evidence.note(f"the service was gone for {service.longest_outage:.3f} s of that")
    assert share.value / 2 < had <= most.value
    seen = service.service
    starved = seen.at(HEALED) - seen.at(FAULT)
    assert lost_later(seen, Budget.thawed(starved, seen).value - starved) == 0


@pytest.mark.rests_on("small disks")
@pytest.mark.usefixtures("handed_back")
@pytest.mark.parametrize("folder", ["/run", "/var"])
def test_full_disk_costs_nothing_and_hinders_no_failover(
    cluster: Cluster,
    clients: Clients,
    inflict: Callable,
    evidence: Evidence,
    budgets: Budgets,
    folder: str,
) -> None:
    """Neither HAProxy nor keepalived needs a byte of it to serve, to resign or to take over."""
    nodes = [director.node for director in cluster.directors.values()]

    with clients.probing() as quiet:
        free = inflict(each_of(nodes, lambda node: disk_full(node, folder)))
    more = f"{folder}/more"
    tried = [node.ask("head -c 8192 /dev/zero > %s; rm -f %s", more, more) for node in nodes]
    assert all("No space left" in write.stderr for write in tried)
    assert cluster.holders() == [cluster.master]

    with clients.probing(until=cluster.vip_on(cluster.backup)) as service:
        inflict(keepalived_stopped(cluster.master))
    free()

    budget = budgets.resignation
    evidence.measure("outage of a failover", service.longest_outage, budget, service.resolution)
    assert quiet.lost.total() == 0
    assert service.longest_outage <= budget.value + service.resolution
