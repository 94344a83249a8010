"""Failover as each kind of client feels it: new connections, kept ones, slow pages, a router."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import pytest

from fixtures.budgets import Budgets
from fixtures.clients import Clients
from fixtures.evidence import Evidence
from halab.budget import Budget, Work
from halab.cluster import Cluster
from halab.faults import keepalived_killed, keepalived_stopped, powered_off
from halab.invariants import Kind
from halab.lan import Lan
from halab.outage import Outcome
from halab.probe import TAKES
from halab.wait import Condition

pytestmark = [pytest.mark.disruptive, pytest.mark.usefixtures("handed_back")]

# A director that is gone, or has no VIP, answers nothing. The new MASTER resets what goes on from
# before it, if that is still waited for: segments said again, pages half had. None refuses.
LOSSES = {Outcome.TIMEOUT, Outcome.RESET}


@dataclass(frozen=True)
class Fault:
    """What becomes of the MASTER, and for how long clients may then be without service."""

    strikes: Callable[[Cluster], AbstractContextManager[None]]
    ends: Callable[[Cluster], Condition]
    budget: Callable[[Budgets], Budget]
    on_the_lan: Mapping[Kind, str] = field(default_factory=dict)
    marks: tuple[pytest.MarkDecorator, ...] = ()


FAULTS = {
    "stopped": Fault(
        lambda cluster: keepalived_stopped(cluster.master),
        lambda cluster: cluster.vip_on(cluster.backup),
        lambda budgets: budgets.resignation,
    ),
    # The old MASTER serves on until the new one's gratuitous ARP.
    "killed": Fault(
        lambda cluster: keepalived_killed(cluster.master),
        lambda cluster: cluster.vip_reaches(cluster.backup),
        lambda budgets: budgets.silence,
        {Kind.TWO_HOLDERS: "a killed keepalived leaves the VIP on its NIC"},
    ),
    "without power": Fault(
        lambda cluster: powered_off(cluster, cluster.master),
        lambda cluster: cluster.vip_reaches(cluster.backup),
        lambda budgets: budgets.silence,
        marks=(pytest.mark.rests_on("front panel"),),
    ),
}


@pytest.mark.gate
@pytest.mark.rests_on("slow page")
@pytest.mark.parametrize(
    "fault",
    [pytest.param(made, id=name, marks=made.marks) for name, made in FAULTS.items()],
)
def test_every_kind_of_client_is_back_within_its_budget(
    cluster: Cluster,
    clients: Clients,
    inflict: Callable,
    evidence: Evidence,
    budgets: Budgets,
    lan: Lan,
    fault: Fault,
) -> None:
    """All wait for the takeover; whoever had an answer under way, that answer's time longer.

    A kept connection dies with its director. Its client needs no time beyond the takeover to
    notice: the new MASTER, which has no such socket, answers its next segment with RST (RFC 9293
    section 3.5.2), and it asks again on a new connection. So its budget is that of new ones.
    A slow page that is half had is lost whole, from when it was asked for.
    """
    budget = fault.budget(budgets)
    limits = dict.fromkeys(("new", "keepalive", "routed"), budget)
    limits["slow"] = budget.and_(Work("the slow page takes", TAKES))

    with clients.of_every_kind(until=fault.ends(cluster)) as watches:
        for breach, reason in fault.on_the_lan.items():
            lan.expects(breach, reason)
        inflict(fault.strikes(cluster))

    over = []
    for kind, watch in watches.by_kind.items():
        taken = evidence.measure(
            f"outage, {kind}", watch.longest_outage, limits[kind], watch.resolution
        )
        if taken.margin < 0:
            over.append(str(taken))
    assert not over, "; ".join(over)
    unexpected = {
        kind: losses
        for kind, watch in watches.by_kind.items()
        if (losses := set(watch.service.through) - LOSSES)
    }
    assert unexpected == {}
