"""The lab of real machines: found, never built and never taken down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from halab.client import PROBER
from halab.errors import LabError
from halab.hypervisor.unknown import UnknownHypervisor
from halab.lab import guard
from halab.lab.lab import Lab
from halab.lab.plan import Secrets
from halab.node import each
from halab.placement import Machine
from halab.topology import Topology
from halab.topology_lab import Remote
from halab.transport import Access


class RemoteLab(Lab):
    """Real machines at the topology's addresses, reached as ``labs.remote`` says."""

    kind = "remote"
    boots_within = 600.0
    directors_have_a_kernel = True
    has_front_panel = False

    def __init__(self, topology: Topology, name: str) -> None:
        """Raises :class:`LabError` where the topology does not say how to get in."""
        self.described = described(topology)
        access = Access(
            self.described.user,
            _file(self.described.key, "key"),
            _file(self.described.known_hosts, "known_hosts"),
            self.described.port,
        )
        self.secrets = Secrets.given(topology)
        self.journal = None
        self.hypervisor = UnknownHypervisor()
        self.rack_up(topology, name, access, access)
        self.machine: Machine | None = None
        guard.release(topology.networks)

    @property
    def directors_are(self) -> Machine:
        """What was found."""
        assert self.machine is not None, "nobody has looked yet"
        return self.machine

    def has_own_kernel(self, _machine: str) -> bool:
        """Real machines have; but nobody gave us their clocks to set, which others trust."""
        return False

    def _do(self, do: str, machine: str = "", **_how: Any) -> Any:
        raise LabError(
            f"the remote lab {self.name!r} has no front panel: {do.replace('_', ' ')} {machine}"
        )

    def close(self) -> None:
        """Take the prober from the clients, and close all connections."""
        clients = {**self.topology.clients, **self.topology.routed_clients}
        reached = [self.nodes[name] for name in clients if self.nodes[name].backend.connected]
        each(reached, lambda node: node.ask("rm -f %s", PROBER))
        super().close()


def described(topology: Topology) -> Remote:
    """How to get into the lab of real machines; raises :class:`LabError` where it is not said."""
    if topology.labs.remote is None:
        raise LabError(
            f"the topology {topology.name!r} has no labs.remote, which says how to get into real "
            "machines: see docs/remote-lab.md"
        )
    return topology.labs.remote


def _file(name: str, setting: str) -> Path:
    path = Path(name).expanduser()
    if not path.is_file():
        raise LabError(f"labs.remote.{setting}: there is no file {path}: see docs/remote-lab.md")
    return path
