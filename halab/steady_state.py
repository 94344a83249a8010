"""The steady state: what every test begins from, and what every fault must come back to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from halab.director import Director
from halab.errors import NodeError
from halab.haproxy import HAProxy
from halab.names import listed

if TYPE_CHECKING:
    from halab.cluster import Cluster


def findings(cluster: Cluster) -> list[str]:
    """What departs from the steady state, a line each; empty when all is well.

    Steady is: every director runs what the configuration says, sees every backend UP by a
    check that has been made, and the VIP is on the MASTER alone. At layer 4 every backend gets
    connections, which it does by such a check too.
    """
    looks: list[Callable[[], Iterable[str]]] = []
    for director in cluster.directors.values():
        looks.append(partial(_of_director, cluster, director))
        looks += [
            partial(_of_haproxy, cluster, director.haproxy(process))
            for process in cluster.processes
        ]
        if not cluster.processes:
            looks.append(partial(_of_ipvs, cluster, director))
    with ThreadPoolExecutor(len(looks)) as pool:
        return [line for lines in pool.map(_looked, looks) for line in lines]


def _looked(look: Callable[[], Iterable[str]]) -> list[str]:
    try:
        return list(look())
    except NodeError as error:
        return [str(error)]


def _of_director(cluster: Cluster, director: Director) -> Iterator[str]:
    holds, should = director.holds(cluster.vip), director is cluster.master
    if holds != should:
        on = "on" if holds else "not on"
        yield f"{director.name}: the VIP {cluster.vip} is {on} {director.node.nic}"


def _of_haproxy(cluster: Cluster, haproxy: HAProxy) -> Iterator[str]:
    servers = haproxy.servers(cluster.topology.haproxy.backend)
    expected = {vm.name for vm in cluster.backends}
    for what, names in (
        ("has no", expected - servers.keys()),
        ("has an unknown", servers.keys() - expected),
        ("sees down", {n for n, s in servers.items() if not s.up}),
        ("has not checked", {n for n, s in servers.items() if s.up and not s.check_passed}),
    ):
        if names:
            yield f"{haproxy.node.name}: HAProxy {haproxy.process} {what} {listed(names)}"


def _of_ipvs(cluster: Cluster, director: Director) -> Iterator[str]:
    there = director.ipvs.destinations(cluster.vip, cluster.ports[0]).keys()
    expected = {vm.address: vm.name for vm in cluster.backends}
    for what, names in (
        ("sends nothing to", {expected[address] for address in expected.keys() - there}),
        ("sends to an unknown", set(map(str, there - expected.keys()))),
    ):
        if names:
            yield f"{director.name}: IPVS {what} {listed(names)}"
