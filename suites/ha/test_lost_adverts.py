"""Lost adverts: the VIP moves after as many as Master_Down_Interval lets pass, no sooner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from fixtures.budgets import Budgets
from fixtures.clients import Clients
from fixtures.evidence import Evidence
from halab import capture, vrrp, wait
from halab.cluster import Cluster
from halab.director import Director
from halab.faults import (
    Fault,
    adverts_lost,
    adverts_lost_in_a_row,
)
from halab.lan import Lan
from halab.silence import Silences
from halab.vrrp import Advert
from halab.wait import Condition

pytestmark = pytest.mark.disruptive


@contextmanager
def listening(director: Director, cluster: Cluster) -> Iterator[Callable[[], list[Advert]]]:
    """The cluster's adverts that this director's NIC has had by the time they are asked for."""
    node, router = director.node, cluster.topology.vrrp.virtual_router_id
    recording = node.record(capture.command(node.nic, "vrrp", vrrp.snaplen(1)))

    def seen() -> list[Advert]:
        packets = capture.packets(bytes(recording.so_far()))
        adverts = (Advert.decode(packet.at, packet.frame) for packet in packets)
        return [a for a in adverts if a and a.virtual_router_id == router]

    with ExitStack() as ending:
        ending.callback(recording.finish)
        recording.await_said("listening on", within=10)
        yield seen


@pytest.mark.rests_on("front panel")
@pytest.mark.parametrize(
    ("loss", "adverts", "in_a_row"),
    [
        pytest.param(lambda c: adverts_lost_in_a_row(c, 2), 0, 2, id="two in a row"),
        pytest.param(lambda c: adverts_lost_in_a_row(c, 3), 0, 3, id="three in a row"),
        pytest.param(adverts_lost, 4, None, id="at random"),
    ],
)
def test_lost_adverts_move_the_vip_only_after_master_down_interval(
    cluster: Cluster,
    clients: Clients,
    inflict: Callable,
    evidence: Evidence,
    lan: Lan,
    budgets: Budgets,
    loss: Callable[[Cluster], Fault],
    adverts: int,
    in_a_row: int | None,
) -> None:
    """Three in a row are a takeover, two are none: what the BACKUP heard on its NIC decides.

    A capture there has what it heard and what it sent on one clock (RFC 5798 section 6.4.2). The
    MASTER hears the BACKUP's first advert and answers it, so that it is MASTER for a moment only.
    But whoever hears the BACKUP's announcement after the MASTER's stays with it until the next one.
    """
    late = sum(work.seconds for work in cluster.lab.takeover_works)
    timers = cluster.backup.keepalived.instance().timers
    budget = budgets.announced_again
    lan.expects_split_brain("what would end the BACKUP's mastership may be lost too")

    with listening(cluster.backup, cluster) as adverts_seen, clients.probing() as watch:

        def silences() -> Silences:
            return Silences.of(adverts_seen(), cluster.master, cluster.backup, timers)

        Condition("an advert is heard", adverts_seen).until(within=10)
        heal = inflict(loss(cluster))
        wait.passing(adverts * timers.advert_int)
        Condition("an advert has been lost", lambda: silences().lost).until(within=30)
        heal()
        lan.only(cluster.master, adverts=2).until(within=10)
        ours = silences()

    lost, due, takeovers = ours.lost, ours.due, ours.takeovers
    evidence.note(f"lost in a row: {lost}; takeovers: {len(takeovers)}")
    evidence.measure("outage", watch.longest_outage, budget, watch.resolution)
    assert lost, "no advert was lost"
    assert takeovers or not watch.lost.total()
    assert len(takeovers) == len(due), (
        f"{len(due)} silences were long enough; lost in a row: {lost}"
    )
    assert all(0 <= at - when <= late for at, when in zip(takeovers, due, strict=True))
    assert watch.longest_outage <= budget.value + watch.resolution
    if in_a_row is not None:
        assert lost == [in_a_row]
        assert bool(takeovers) == (in_a_row >= timers.down_timer_adverts)
