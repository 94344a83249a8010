"""The watch on the LAN, on a real one: what it sees of a split brain and its healing."""

from __future__ import annotations

import math
from typing import Any

import pytest
from testinfra.backend.base import CommandResult

from fixtures.evidence import Evidence
from halab import lan as watched
from halab import wait
from halab.cluster import Cluster
from halab.director import Director
from halab.errors import NodeError
from halab.invariants import Kind
from halab.lan import Lan, Listening
from halab.node import Node
from tests.mutations.breakage.node import Break, nft

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("first", "announces"), [("master", True), ("backup", False)], ids=["master", "backup"]
)
def test_directors_that_do_not_hear_each_other(
    cluster: Cluster, lan: Lan, evidence: Evidence, first: str, announces: bool
) -> None:
    """Both are MASTER, which is seen and forgiven; after the heal one is, as ``first`` hears.

    The MASTER says by gratuitous ARP that the VIP is his when he hears a worse one. If that one
    hears him before, it goes without a word, and so he has no reason to (keepalived 2.2.7).
    """
    cluster.await_steady()
    hears, then = getattr(cluster, first), {"master": cluster.backup, "backup": cluster.master}
    lan.expects(Kind.TWO_MASTERS, "neither director hears the other")
    lan.expects(Kind.TWO_HOLDERS, "each has the VIP while it is MASTER")
    if not announces:
        lan.expects(Kind.UNANNOUNCED, "the MASTER never hears the other")
    with deaf(then[first]):
        with deaf(hears):
            evidence.mark("the directors are cut off from each other")
            cluster.vip_reaches(cluster.backup).until(within=10)
            wait.passing(2)
        healed = wait.clock()
        evidence.mark(f"{hears.name} hears again")
        wait.passing(one_hears := 1.5 * cluster.topology.vrrp.advert_int)
    lan.only(cluster.master).until(within=10)

    (split,) = lan.breaches(Kind.TWO_MASTERS)
    assert 1 < split.span.lasted < 6
    settled = lan.settlement(healed)
    assert settled.owner == cluster.master.name
    assert settled.after <= one_hears + lan.rules.overlap.value
    assert (settled.announced < math.inf) == announces, lan.timeline()
    assert bool(lan.breaches(Kind.UNANNOUNCED)) == (not announces)
    lan.expects_no_more(Kind.TWO_MASTERS)
    lan.expects_no_more(Kind.TWO_HOLDERS)
    cluster.await_steady()


def deaf(director: Director) -> Break:
    """A director that hears no adverts."""
    return nft(director.node, "ip", "input", "ip protocol 112 drop")


def test_a_test_pays_for_one_look_at_the_clients_clock(
    listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watch asks nothing else of any node; how long that takes: benchmarks/test_watch.py."""
    asked: list[tuple[str, str]] = []
    ask = Node.ask

    def counted(node: Node, command: str, *values: str, **more: Any) -> CommandResult:
        asked.append((node.name, command))
        return ask(node, command, *values, **more)

    monkeypatch.setattr(Node, "ask", counted)
    lan = Lan(listening)
    assert lan.unforgiven() == ()
    lan.summary()
    assert asked == [(listening.client.node.name, "date +%s.%N")]


def test_deaf_client_judges_nothing(cluster: Cluster) -> None:
    """A capture that has ended is no silence of the directors."""
    client = cluster.first_client
    with watched.listening(client, watched.rules(cluster)) as listening:
        client.node.run("kill $(pidof tcpdump)")
        with pytest.raises(NodeError, match="has not heard its own questions"):
            wait.until(lambda: listening.heard() and None, what="it tells that", within=10)
