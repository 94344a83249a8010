"""What can be seen of a cluster in which a test has just failed, before anything is mended."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from halab import arp_table, portrait
from halab.cluster import Cluster
from halab.director import Director
from halab.errors import NodeError
from halab.found import FoundCluster
from halab.invariants import Kind
from halab.node import Node, each
from halab.portrait import DirectorSeen, Portrait
from halab.set_up import scrubbed

T = TypeVar("T")


@dataclass(frozen=True)
class Clues:
    """By name of node; a node that tells nothing is in none of them but the portrait.

    ``broken`` is what the LAN's watch has against the test; ``inflicted`` is true while a fault of
    the test may explain what is dead or silent.
    """

    portrait: Portrait
    broken: frozenset[Kind] = frozenset()
    inflicted: bool = False
    processes: frozenset[int] = frozenset()
    """The HAProxy processes that each director is to have."""
    differences: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    """Of directors: by path, lines that are not to be there ("+") and that are missing ("-")."""
    macs: Mapping[str, str] = field(default_factory=dict)
    neighbours: Mapping[str, str] = field(default_factory=dict)
    """Of clients in the LAN: the MAC that they have for the VIP."""
    rules: Mapping[str, str] = field(default_factory=dict)
    """Of directors: nftables' tables beside those that are deployed."""
    deaf: Mapping[str, str] = field(default_factory=dict)
    """Of directors: the ``vrrp_track_process`` that came to the file after keepalived's start."""
    logins: Mapping[str, str] = field(default_factory=dict)
    """Of machines that were found: who logs in there, and where, as ssh takes it."""

    @property
    def answering(self) -> list[DirectorSeen]:
        """The directors that told of themselves."""
        return [director for director in self.portrait.directors if not director.silent]


def read(cluster: Cluster, broken: frozenset[Kind], inflicted: bool) -> Clues:
    """Look at the directors and at the clients' ARP tables; nothing is asked of the network."""
    directors, seen = cluster.directors, portrait.read(cluster)
    nodes = [directors[director.name].node for director in seen.directors if not director.silent]
    clients = [*cluster.clients.values()]
    differ = partial(_differences, cluster)
    return Clues(
        seen,
        broken,
        inflicted,
        frozenset(cluster.processes if cluster.configuration else ()),
        _told(nodes, lambda node: differ(directors[node.name])),
        _told(nodes, lambda node: directors[node.name].mac()),
        _told(clients, lambda node: arp_table.entry(node, cluster.vip)),
        _told(nodes, lambda node: foreign(node.run("nft list ruleset"))),
        _told(nodes, lambda node: directors[node.name].keepalived.not_restarted_for()),
        _logins(cluster),
    )


def _logins(cluster: Cluster) -> dict[str, str]:
    if not isinstance(cluster, FoundCluster):
        return {}
    user, vms = cluster.lab.access.user, [cluster.vm(vm.name) for vm in cluster.backends]
    named = zip((vm.name for vm in cluster.backends), vms, strict=True)
    machines = [*cluster.lab.nodes.items(), *named]
    return {name: f"{user}@{machine.address}" for name, machine in machines}


def _told(nodes: list[Node], ask: Callable[[Node], T | None]) -> dict[str, T]:
    """What nodes have to tell; those that do not answer have nothing."""

    def one(node: Node) -> T | None:
        try:
            return ask(node)
        except NodeError:  # the portrait says which director is silent, and why
            return None

    return {name: told for name, told in each(nodes, one).items() if told}


def _differences(cluster: Cluster, director: Director) -> dict[str, tuple[str, ...]]:
    """What is deployed beside what the configuration asks for; of somebody's own files, nothing."""
    if isinstance(cluster, FoundCluster) or cluster.configuration is None:
        return {}
    wanted = cluster.files(director.name, cluster.configuration)
    found = {}
    for path, text in wanted.items():
        there = director.node.ask("cat -- %s", path).stdout
        if there != text:
            found[path] = difference(text, there)
    return found


def foreign(ruleset: str) -> str:
    """The tables of a ruleset that are not those of halab/templates/vrrp.nft.j2."""
    tables = re.findall(r"^table .*?^}", ruleset, re.MULTILINE | re.DOTALL)
    ours = ("table ip vrrp {", "table ip layer4 {")
    return "\n".join(table for table in tables if not table.startswith(ours))


def difference(wanted: str, there: str) -> tuple[str, ...]:
    """Lines that are missing ("-") or too many ("+"), without their indent and their passwords."""
    lines = difflib.unified_diff(wanted.splitlines(), there.splitlines(), n=0, lineterm="")
    changed = [line for line in lines if line[0] in "+-" and not line.startswith(("+++", "---"))]
    return tuple(scrubbed(line[0] + line[1:].strip(), [wanted, there]) for line in changed)
