"""Sessions: a client keeps its backend through a failover and a reload, by cookie or by address."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from fixtures.clients import Clients
from halab.cluster import Cluster
from halab.director import Director
from halab.faults import keepalived_killed, keepalived_stopped
from halab.invariants import Kind
from halab.lan import Lan
from halab.visitor import Visitor, seen_by

pytestmark = [
    pytest.mark.disruptive,
    pytest.mark.configuration(persistence="cookie"),
    pytest.mark.configuration(persistence="stick-table"),
    pytest.mark.usefixtures("handed_back"),
]


@pytest.fixture
def visitors(cluster: Cluster, clients: Clients) -> list[Visitor]:
    """Two on each client: they share its address, and each has cookies of its own."""
    return [
        Visitor(client, number, cluster.vip, cluster.ports[0])
        for client in clients.all
        for number in (1, 2)
    ]


def seen_again(visitors: list[Visitor]) -> dict[str, str]:
    """As before, but the last comes first.

    A new worker begins its round robin anew, and would give those who come in the same order the
    same servers, with no memory of them at all.
    """
    return seen_by(reversed(visitors))


def requests_of(director: Director, cluster: Cluster) -> int:
    """How many requests its HAProxy has sent to web VMs; health checks are none."""
    servers = director.haproxy().servers(cluster.topology.haproxy.backend)
    return sum(server.stot for server in servers.values())


@pytest.mark.parametrize(
    ("fault", "leaves"),
    [(keepalived_stopped, ()), (keepalived_killed, (Kind.TWO_HOLDERS,))],
    ids=["keepalived_stopped", "keepalived_killed"],
)
def test_clients_keep_their_backends_through_a_failover(
    cluster: Cluster,
    inflict: Callable,
    lan: Lan,
    visitors: list[Visitor],
    fault: Callable[[Director], AbstractContextManager[None]],
    leaves: tuple[Kind, ...],
) -> None:
    """The other director's HAProxy knows each client's backend, by the cookie or from its peer."""
    for broken in leaves:
        lan.expects(broken, "a killed keepalived leaves the VIP on its NIC")
    before = seen_by(visitors)
    served = requests_of(cluster.backup, cluster)

    inflict(fault(cluster.master))
    cluster.vip_reaches(cluster.backup).until(within=30)

    assert seen_again(visitors) == before
    assert requests_of(cluster.backup, cluster) - served == len(visitors)


def test_clients_keep_their_backends_through_a_reload(
    cluster: Cluster, steady: None, visitors: list[Visitor]
) -> None:
    """A new worker knows what the old one knew: from the cookie, or from the old one itself."""
    before = seen_by(visitors)
    cluster.master.haproxy().reload()
    assert seen_again(visitors) == before
