"""A director's clock is set wrong: VRRP and HAProxy count seconds, not the time of day."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.clients import Clients
from halab.cluster import Cluster
from halab.faults import clock_jumped, each_of
from halab.faults.clock import HOUR
from halab.lan import Lan


@pytest.mark.disruptive
@pytest.mark.rests_on("clocks")
@pytest.mark.parametrize("seconds", [HOUR, -HOUR], ids=["ahead", "back"])
def test_jump_of_both_clocks_moves_nothing(
    cluster: Cluster, clients: Clients, inflict: Callable, lan: Lan, seconds: float
) -> None:
    """The VIP stays where it is, and nothing is lost, when the clocks jump and when they return.

    One of both is a jump ahead. It may end what is under way just then, in a HAProxy whose timers
    go by the time of day.
    """
    nodes = [director.node for director in cluster.directors.values()]
    if not all(cluster.lab.has_own_kernel(node.name) for node in nodes):
        pytest.skip(
            f"the directors of the {cluster.lab.kind} lab have this host's kernel, and so its "
            "clock, which is never set: run with --lab=emulated"
        )
    adverts = cluster.backup.keepalived.instance().timers.adverts_outlasted

    with clients.probing() as service:
        heal = inflict(each_of(nodes, lambda node: clock_jumped(cluster, node, seconds)))
        lan.only(cluster.master, adverts).until(within=30)
        heal()
        lan.only(cluster.master, adverts).until(within=30)

    assert cluster.holders() == [cluster.master]
    if cluster.master.haproxy().minds_the_time_of_day:
        assert service.service.lost_at_once
    else:
        assert service.lost.total() == 0
