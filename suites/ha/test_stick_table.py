"""The stick table: both directors hold the same entries, whatever happens to one of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.clients import Clients
from halab.cluster import Cluster
from halab.faults import keepalived_stopped
from halab.visitor import Visitor, seen_by
from halab.wait import Condition

pytestmark = [
    pytest.mark.disruptive,
    pytest.mark.configuration(persistence="stick-table"),
    pytest.mark.usefixtures("handed_back"),
]

WITHIN = 2.0
"""Seconds in which a peer is told: it is pushed at once, and a lost connection tried anew."""


@pytest.fixture
def forgotten(cluster: Cluster, steady: None) -> None:
    """Neither director knows of any client."""
    for director in cluster.directors.values():
        director.haproxy().tell(f"clear table {cluster.topology.haproxy.backend}")


def visited(cluster: Cluster, clients: Clients) -> dict[str, str]:
    """The backend of each client by its address, from a visit just made."""
    visitors = [Visitor(client, 1, cluster.vip, cluster.ports[0]) for client in clients.all]
    by_name = seen_by(visitors)
    return {str(v.client.node.address): by_name[v.name] for v in visitors}


def both_hold(cluster: Cluster, entries: dict[str, str]) -> Condition:
    """The tables of both directors are these entries."""
    backend = cluster.topology.haproxy.backend

    def tables() -> dict[str, dict[str, str]]:
        return {name: d.haproxy().table(backend) for name, d in cluster.directors.items()}

    return Condition(
        f"both directors' stick tables are {entries}",
        lambda: all(table.items() >= entries.items() for table in tables().values()),
        seen=tables,
    )


def test_backup_holds_what_the_master_learns(
    cluster: Cluster, clients: Clients, forgotten: None
) -> None:
    """The MASTER tells its peer of each new client at once."""
    both_hold(cluster, visited(cluster, clients)).until(within=WITHIN)


def test_master_holds_what_the_backup_learns_in_its_place(
    cluster: Cluster, clients: Clients, forgotten: None, inflict: Callable
) -> None:
    """And so it knows, when it has the VIP again, who came meanwhile."""
    inflict(keepalived_stopped(cluster.master))
    cluster.vip_reaches(cluster.backup).until(within=30)
    both_hold(cluster, visited(cluster, clients)).until(within=WITHIN)


@pytest.mark.parametrize("role", ["master", "backup"])
def test_reload_keeps_the_table(
    cluster: Cluster, clients: Clients, forgotten: None, role: str
) -> None:
    """The new worker has it from the old one, or from its peer."""
    served = visited(cluster, clients)
    both_hold(cluster, served).until(within=WITHIN)
    getattr(cluster, role).haproxy().reload()
    both_hold(cluster, served).until(within=WITHIN)
