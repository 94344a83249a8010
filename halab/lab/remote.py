"""The lab of real machines: found, never built and never taken down."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import paramiko
from paramiko.hostkeys import InvalidHostKey
from paramiko.pkey import UnknownKeyType

from halab.client import leavings
from halab.errors import LabError, NodeError
from halab.hypervisor import own_guest
from halab.hypervisor.libvirt import LibvirtHypervisor
from halab.hypervisor.unknown import UnknownHypervisor
from halab.lab import guard
from halab.lab.disruption import check
from halab.lab.intent import Intents, heal
from halab.lab.lab import Lab
from halab.lab.lock import Lock
from halab.lab.plan import Secrets
from halab.lab.privilege import commands, functions
from halab.node import Node, each
from halab.placement import Machine
from halab.topology import Topology
from halab.topology_hypervisor import HypervisorHost
from halab.topology_lab import Remote
from halab.transport import Access

# Somebody else's machine: whatever its language, and wherever its login finds commands.
BEFORE = "export LC_ALL=C PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; "


class RemoteLab(Lab):
    """Real machines at the topology's addresses, reached as ``labs.remote`` says."""

    kind = "remote"
    boots_within = 600.0
    directors_have_a_kernel = True
    has_front_panel = False
    nic_down_lasts = 15.0

    def __init__(self, topology: Topology, name: str, *, allowed: bool = False) -> None:
        """``allowed`` where this run was started to break it, if it may be broken.

        Raises :class:`LabError` where the topology does not say how to get in.
        """
        self.described = described(topology)
        self.allowed = allowed
        sudo = commands(self.described.user, disposable=self.described.disposable)
        access = Access(
            self.described.user,
            _private_key(_file(self.described.key, "key")),
            _known_hosts(_file(self.described.known_hosts, "known_hosts")),
            self.described.port,
            before=BEFORE + functions(sudo),
            sudo=sudo,
        )
        self.probe_interval = self.described.probe_interval
        self.secrets = Secrets.given(topology)
        self.hypervisor = UnknownHypervisor()
        machines: dict[str, Node] = {}
        # signs of life go over connections of their own, which no fault closes
        self.beside = {
            machine.name: Node(machine.name, machine.address, access)
            for machine in (*topology.nodes.values(), *topology.vms)
        }
        self.journal = self.intents = Intents(
            machines,
            self.beside,
            self._permit,
            self.described.silence,
        )
        self.rack_up(topology, name, access, access)
        machines |= self.nodes | self.vms
        self.lock = Lock([self.beside[director] for director in topology.directors])
        self.machine: Machine | None = None
        guard.release(topology.networks)

    @property
    def strikable(self) -> list[Node]:
        """Every machine that a test may break: the nodes, and the web VMs that let us in."""
        vms = each(self.vms.values(), lambda node: node.lets_in())
        return [*self.nodes.values(), *(self.vms[name] for name, in_ in vms.items() if in_)]

    def _permit(self, node: Node) -> None:
        self.lock.require()
        check(self.described, node, allowed=self.allowed)

    def heal(self, *, dry_run: bool = False) -> dict[str, list[str]]:
        """Mend what dead runs left; what it was, by machine. ``dry_run`` only tells.

        Raises :class:`halab.errors.NotMended` where that could not be done everywhere. Nobody is
        asked where the lab is not disposable: nothing of it has been broken.
        """
        if not dry_run:
            self._take_leavings(self.clients)
        return heal(self.strikable, dry_run=dry_run) if self.described.disposable else {}

    def compared(self, host: HypervisorHost) -> LibvirtHypervisor:
        """What the topology says that server has, if it has it."""
        assert self.topology.hypervisors is not None
        return own_guest.compared(self.nodes[host.server], host, self.topology.hypervisors.guest)

    @property
    def directors_are(self) -> Machine:
        """What was found."""
        assert self.machine is not None, "nobody has looked yet"
        return self.machine

    def has_own_kernel(self, _machine: str) -> bool:
        """Real machines have; but nobody gave us their clocks to set, which others trust."""
        return False

    def nic_up(self, machine: str) -> None:
        """It comes up by itself: nobody else can reach it."""

    def _do(self, do: str, machine: str = "", **_how: Any) -> Any:
        raise LabError(
            f"the remote lab {self.name!r} has no front panel: {do.replace('_', ' ')} {machine}"
        )

    @property
    def clients(self) -> list[Node]:
        """In the LAN, and behind gateways."""
        return [
            self.nodes[name] for name in (*self.topology.clients, *self.topology.routed_clients)
        ]

    def _take_leavings(self, nodes: list[Node]) -> None:
        def take(node: Node) -> None:
            with suppress(NodeError):  # whoever needs it will say that it does not answer
                node.ask(f"rm -f {leavings(self.access.user)}")

        each(nodes, take)

    def close(self) -> None:
        """Take our programs from the clients, let go of the lab, and close all connections."""
        self._take_leavings([node for node in self.clients if node.backend.connected])
        self.intents.close()
        self.lock.release()
        for node in self.beside.values():
            node.close()
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


def _known_hosts(path: Path) -> Path:
    """The file, which is one: else each node would tell of it, in words of a library's."""
    try:
        paramiko.HostKeys(str(path))
    except (InvalidHostKey, ValueError, OSError) as error:
        raise LabError(
            f"labs.remote.known_hosts: {path} cannot be read as known_hosts ({error}): make it by "
            "ssh-keyscan, see docs/remote-lab.md"
        ) from None
    return path


def _private_key(path: Path) -> Path:
    """The file, which is one that needs no passphrase; of what is in it nothing is told."""
    try:
        paramiko.PKey.from_path(path)
    except (paramiko.SSHException, UnknownKeyType, ValueError, TypeError, OSError):
        raise LabError(
            f"labs.remote.key: {path} is no private key that can be used without a passphrase: "
            "make one by ssh-keygen -t ed25519, see docs/remote-lab.md"
        ) from None
    return path
