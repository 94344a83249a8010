"""A portrait of the cluster at a moment: what directors are and run, who has the VIP, who is UP."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from halab.cluster import Cluster
from halab.director import Director
from halab.errors import NodeError
from halab.haproxy_stat import Stat, Status
from halab.names import listed

_LOOK = """\
uname -r
getconf _NPROCESSORS_ONLN
haproxy -v 2>&1 | sed -nE '1s/.*version ([^ ]+).*/\\1/p'
keepalived --version 2>&1 | sed -nE '1s/^Keepalived v?([^ ]+).*/\\1/p'
systemctl is-active keepalived.service || true
cut -d ' ' -f 3 /proc/$(systemctl show -P MainPID keepalived.service)/stat 2>/dev/null || echo -
"""


@dataclass(frozen=True)
class DirectorSeen:
    """A director, by its own word; ``silent`` says why it gave none."""

    name: str
    address: str
    state: str
    """MASTER or BACKUP, as the topology has it."""
    silent: str = ""
    kernel: str = ""
    cpus: int = 0
    haproxy: str = ""
    keepalived: str = ""
    keepalived_runs: bool = False
    keepalived_frozen: bool = False
    holds: bool = False
    processes: frozenset[int] = frozenset()
    ipvs: bool = False
    """It balances at layer 4, without HAProxy."""
    backends: Mapping[str, str] = field(default_factory=dict)
    """What its first HAProxy holds each server for, such as "UP" or "DOWN (L4CON)"."""
    weights: Mapping[str, int] = field(default_factory=dict)
    """Its turns in a round, of each server that is UP."""


@dataclass(frozen=True)
class Portrait:
    """Directors with their view of the backends, and what else there is, by name."""

    vip: str
    configuration: str
    directors: tuple[DirectorSeen, ...]
    servers: Mapping[str, tuple[str, ...]]
    """The names of the web VMs that each server is to run."""
    clients: tuple[str, ...]
    routed: tuple[str, ...] = ()

    @property
    def holders(self) -> list[str]:
        """The directors that have the VIP."""
        return [director.name for director in self.directors if director.holds]

    def facts(self) -> dict[str, str]:
        """What is worth a line of the report's table."""
        vms = sum(map(len, self.servers.values()))
        routed = f", {len(self.routed)} behind a gateway" if self.routed else ""
        return {
            "Nodes": f"{len(self.directors)} directors, {len(self.servers)} servers with {vms} "
            f"web VMs, {len(self.clients)} clients{routed}",
            "Kernel of directors": self._by_director("kernel"),
            "CPUs of directors": self._by_director("cpus"),
            "HAProxy": self._by_director("haproxy"),
            "keepalived": self._by_director("keepalived"),
        }

    def _by_director(self, fact: str) -> str:
        """The fact, once where it is the same on all."""
        told = {d.name: str(getattr(d, fact)) for d in self.directors if not d.silent}
        if len(set(told.values())) <= 1:
            return next(iter(told.values()), "unknown")
        return ", ".join(f"{name} {value}" for name, value in told.items())

    def sentence(self) -> str:
        """The whole in words, for who cannot see its drawing."""
        held = " and ".join(self.holders) or "nobody"
        parts = [f"The VIP {self.vip} is held by {held}"]
        for d in self.directors:
            if d.silent:
                parts.append(f"{d.name} ({d.state}) does not answer: {d.silent}")
                continue
            stopped = [] if d.keepalived_runs else ["keepalived does not run"]
            stopped += ["keepalived is frozen"] if d.keepalived_frozen else []
            stopped += [] if d.processes or d.ipvs else ["no HAProxy runs"]
            bad = {n: state for n, state in d.backends.items() if state != "UP"}
            seen = f"{len(d.backends) - len(bad)} of {len(d.backends)} backends UP"
            seen += f", {listed(f'{name} {state}' for name, state in bad.items())}" if bad else ""
            parts.append(f"{d.name} ({d.state}): {', '.join([*stopped, seen])}")
        return "; ".join(parts) + "."


def read(cluster: Cluster) -> Portrait:
    """Ask both directors; what one of them does not tell is no error but a part of the finding.

    A cluster on its way to a configuration has no web VMs yet that are to be there.
    """
    topology, configuration = cluster.topology, cluster.configuration
    vms = cluster.vms_by_server if configuration else {}
    with ThreadPoolExecutor(len(cluster.directors)) as pool:
        found = pool.map(partial(_director, cluster), cluster.directors.values())
    return Portrait(
        str(cluster.vip),
        configuration.label if configuration else "",
        tuple(found),
        {server: tuple(_natural(names)) for server, names in vms.items()},
        tuple(topology.clients),
        tuple(topology.routed_clients),
    )


def _natural(names: frozenset[str]) -> list[str]:
    return sorted(names, key=lambda name: (len(name), name))


def _director(cluster: Cluster, director: Director) -> DirectorSeen:
    described = cluster.topology.directors[director.name]
    who = (director.name, str(described.address), str(described.state))
    try:
        told = director.node.run(_LOOK).splitlines()
        kernel, cpus, haproxy, keepalived, active, state = told
        processes, holds = director.haproxy_processes(), director.holds(cluster.vip)
    except (NodeError, ValueError) as error:
        return DirectorSeen(*who, silent=str(error))
    ipvs = cluster.configuration is not None and not cluster.processes
    try:
        backends, weights = (_sent_to if ipvs else _held)(cluster, director)
    except NodeError:  # it does not run, which is told by the processes
        backends, weights = {}, {}
    return DirectorSeen(
        *who,
        kernel=kernel,
        cpus=int(cpus),
        haproxy=haproxy,
        keepalived=keepalived,
        keepalived_runs=active == "active",
        keepalived_frozen=state == "T",
        holds=holds,
        processes=processes,
        ipvs=ipvs,
        backends=backends,
        weights=weights,
    )


def _held(cluster: Cluster, director: Director) -> tuple[dict[str, str], dict[str, int]]:
    """What HAProxy holds each server for, and the turns of each that is UP."""
    servers = director.haproxy().servers(cluster.topology.haproxy.backend)
    states = {name: _state(server) for name, server in servers.items()}
    return states, {name: server.weight or 0 for name, server in servers.items() if server.up}


def _sent_to(cluster: Cluster, director: Director) -> tuple[dict[str, str], dict[str, int]]:
    """The same of IPVS, which has no word for a server but that it sends to it."""
    there = director.ipvs.destinations(cluster.vip, cluster.ports[0])
    states = {vm.name: "UP" if vm.address in there else "DOWN" for vm in cluster.backends}
    weights = {vm.name: there[vm.address].weight for vm in cluster.backends if vm.address in there}
    return states, weights


def _state(server: Stat) -> str:
    """The status, and for what is not UP the check's word for it."""
    if server.status is Status.UP or not server.check_status:
        return server.status.value
    return f"{server.status.value} ({server.check_status})"
