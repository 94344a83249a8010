"""The embedded lab: the whole cluster on this machine, in namespaces of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from halab import cpu, wait
from halab.budget import Work
from halab.errors import LabError, Unreachable
from halab.lab import guard, image, namespace, rack
from halab.lab.front_panel import FrontPanel
from halab.lab.hosting import GUESTS, Hosting, hypervisor
from halab.lab.journal import Journal
from halab.lab.plan import Secrets, fingerprint, prepare, require_this_machine
from halab.lab.qemu import Emulation
from halab.node import Node, each
from halab.placement import Machine
from halab.topology import Topology
from halab.transport import Access

Progress = Callable[[str], None]


class EmbeddedLab(FrontPanel):
    """A standing lab; :meth:`find` one or :meth:`start` one, then :meth:`enter` it."""

    kind = "embedded"
    boots_within = 30.0
    probe_interval = 0.002
    """Seconds between a client's requests, as close as its directors can bear."""
    shared: tuple[Work, ...] = ()
    """What a takeover may take longer because other labs are at work on this machine."""
    directors_have_a_kernel = False
    """Each its own: one that is shared tells of processes in the first network namespace only."""

    def __init__(self, topology: Topology, name: str) -> None:
        self.topology = topology
        self.state = rack.state(name)
        facts = rack.facts(name)
        if "kind" not in facts:
            raise LabError(
                f"the standing lab {name!r} was built by an older version: ./run lab down"
            )
        if facts["kind"] != self.kind:
            raise LabError(
                f"the standing lab {name!r} is an {facts['kind']} one: ./run lab down, or give "
                f"the {self.kind} one another name"
            )
        self.secrets = Secrets(**json.loads((self.state / "secrets.json").read_text()))
        if facts["topology"] != fingerprint(topology) or not self.secrets.fit(topology):
            raise LabError(
                f"the standing lab {name!r} was built from another topology: ./run lab down"
            )
        self.standing: bool = facts["standing"]
        # QEMU without KVM has one thread for all CPUs of a director
        self.directors_cpus_run_at_once = facts.get("directors_accelerator") != "tcg"
        self.access = Access("root", self.state / "id_ed25519", self.state / "known_hosts")
        self.guests: str = facts.get("guests", GUESTS[0])
        self.hypervisor = hypervisor(topology, facts.get("accelerator"))
        # an emulated CPU takes its time over a key exchange
        into_vms = replace(self.access, connect=20) if self.guests == "libvirt" else self.access
        super().__init__(name, self.state / "control")
        self.journal = Journal(self.state / "journal")
        self.inside: int | None = None
        self.rack: subprocess.Popen[bytes] | None = None
        nodes = topology.nodes.values()
        self.nodes = {
            n.name: Node(n.name, n.address, self.access, n.nic, self.journal) for n in nodes
        }
        self.vms = {
            vm.name: Node(vm.name, vm.address, into_vms, journal=self.journal)
            for vm in topology.vms
        }

    @classmethod
    def director_machine(cls) -> Machine:
        """What a director is to those who place things on it: here all have the host's CPUs."""
        online = cpu.cpus_in(Path("/sys/devices/system/cpu/online").read_text())
        nodes = Path("/sys/devices/system/node/online")
        return Machine(online, len(cpu.cpus_in(nodes.read_text())) if nodes.exists() else 1)

    @property
    def takeover_works(self) -> tuple[Work, ...]:
        """What a takeover may take once VRRP's timer has run out, by who grants it."""
        own = Work("takeover_work", self.topology.vrrp.takeover_work)
        return (own, *self.shared)

    # -- coming and going ------------------------------------------------------------------

    @classmethod
    def find(cls, topology: Topology, name: str) -> EmbeddedLab | None:
        """The standing lab of that name, or None. What a dead one left is cleared first."""
        guard.guard(topology.networks, None)
        if not rack.state(name).exists():
            return None
        with rack.starting_or_ending():
            if _answers(name):
                return cls(topology, name)
            if rack.state(name).exists():
                rack.clear(name)
        return None

    @classmethod
    def start(
        cls,
        topology: Topology,
        name: str,
        progress: Progress,
        *,
        standing: bool = False,
        guests: str = GUESTS[0],
    ) -> EmbeddedLab:
        """Build the lab and boot its machines; ``guests``, one of GUESTS, is what its VMs are.

        Unless ``standing``, it goes when this process goes, whatever ends it.
        Raises :class:`LabError` that names what this machine lacks.
        """
        guard.guard(topology.networks, None)
        require_this_machine()
        disk, emulation = image.ensure(progress), cls.emulation(progress)
        guested = guests == "libvirt"
        hosting = Hosting.ensure(progress, "the web VMs are libvirt guests") if guested else None
        with rack.starting_or_ending():
            if _answers(name):
                raise LabError(f"a lab named {name!r} stands already: ./run lab status")
            if rack.state(name).exists():
                rack.clear(name)
            plan = prepare(topology, name, cls.kind, disk, standing, emulation, hosting)
            process = _launch(name, plan, standing)
        lab = cls(topology, name)
        lab.rack = process
        return lab

    @classmethod
    def emulation(cls, _progress: Progress) -> Emulation | None:
        """What the directors are emulated with, if they are; built first if it is not there."""
        return None

    def enter(self) -> None:
        """Move this thread, and all that it starts from now on, to the operator's place."""
        place = self.operators_place()
        try:
            namespace.enter_network(place)
        finally:
            os.close(place)
        self.inside = namespace.network()
        guard.guard(self.topology.networks, self.inside)

    def await_nodes(self, *names: str) -> None:
        """Wait until the sshd of these nodes, or of all, lets us in.

        Raises NotReached with what a node said.
        """

        def in_(node: Node) -> None:
            wait.until(
                lambda: _lets_in(node),
                what=f"{node.name} serves SSH",
                within=self.boots_within,
                every=0.05,
                seen=lambda: self.console(node.name)[-300:],
            )

        each([self.nodes[name] for name in names or self.nodes], in_)

    def has_own_kernel(self, _machine: str) -> bool:
        """True for a machine whose kernel, and so whose clock, is not this host's."""
        return False

    def close(self) -> None:
        """Close all connections to the lab, which stands on."""
        for node in (*self.nodes.values(), *self.vms.values()):
            node.close()
        self.hang_up()

    def down(self) -> None:
        """Take the lab down; when this returns, nothing of it is left on the host."""
        self.close()
        take_down(self.name)
        if self.rack is not None:
            self.rack.wait(10)
        guard.guard(self.topology.networks, None)


def take_down(name: str) -> bool:
    """Take down the lab of that name, whatever topology it was built from; False if none stands.

    When this returns, nothing of it is left on the host.
    """
    state = rack.state(name)
    if not state.exists():
        return False
    with rack.starting_or_ending(), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
        try:
            control.connect(str(state / "control"))
        except (FileNotFoundError, ConnectionRefusedError):  # its rack has died
            rack.clear(name)
        else:
            control.sendall(b'{"do": "down"}')
    wait.until(lambda: not state.exists(), what=f"lab {name!r} is gone", within=10, every=0.02)
    return True


def _lets_in(node: Node) -> bool:
    try:
        return node.ask("true").rc == 0
    except Unreachable:  # not yet; the caller knows how long to wait
        return False


def _answers(name: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(rack.state(name) / "control"))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True


# The write end of the lifeline is held by this process and by no other: it ends with us.
_lifelines: list[int] = []


def _launch(name: str, plan: dict[str, Any], standing: bool) -> subprocess.Popen[bytes]:
    """Start the rack and wait until it answers; the process that cleans up behind it."""
    lifeline = None
    if not standing:
        lifeline, ours = os.pipe()
        _lifelines.append(ours)
    log = rack.state(name) / "rack.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "halab.lab.rack"],
            stdin=subprocess.PIPE,
            stdout=errors,
            stderr=errors,
            start_new_session=True,
            pass_fds=() if lifeline is None else (lifeline,),
            cwd=Path(__file__).parents[2],
        )
    assert process.stdin is not None
    with process.stdin as stdin:
        stdin.write(json.dumps({**plan, "lifeline": lifeline}).encode())
    if lifeline is not None:
        os.close(lifeline)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")

    def died() -> bool:
        # its last words are in the log; the janitor clears up once the lock is free
        return log.stat().st_size > 0 and not (children.exists() and children.read_text())

    wait.until(
        lambda: _answers(name) or died(),
        what=f"the rack of the lab {name!r} answers",
        within=20,
        every=0.02,
        seen=lambda: log.read_text()[-500:],
    )
    if died():
        raise LabError(
            f"the lab {name!r} could not be started: {log.read_text().strip().splitlines()[-1]}"
        )
    return process
