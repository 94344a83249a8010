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

from halab import wait
from halab.errors import LabError
from halab.hypervisor.libvirt import LibvirtHypervisor
from halab.lab import guard, image, namespace, rack
from halab.lab.hosting import GUESTS, Hosting, compared, hypervisor
from halab.lab.journal import Journal
from halab.lab.lab import Lab, this_machine
from halab.lab.plan import Secrets, fingerprint, prepare, require_this_machine
from halab.lab.qemu import Emulation
from halab.lab.rack_panel import RackPanel
from halab.placement import Machine
from halab.redaction import end_of
from halab.topology import Topology
from halab.topology_hypervisor import HypervisorHost
from halab.transport import Access

Progress = Callable[[str], None]


class EmbeddedLab(RackPanel, Lab):
    """A standing lab; :meth:`find` one or :meth:`start` one, then :meth:`enter` it."""

    kind = "embedded"

    def __init__(self, topology: Topology, name: str) -> None:
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
        self.owner: int = facts["owner"]
        # QEMU without KVM has one thread for all CPUs of a director
        self.directors_cpus_run_at_once = facts.get("directors_accelerator") != "tcg"
        access = Access("root", self.state / "id_ed25519", self.state / "known_hosts")
        self.guests = facts.get("guests", GUESTS[0])
        self.accelerator: str | None = facts.get("accelerator")
        self.hypervisor = hypervisor(topology, self.accelerator)
        # an emulated CPU takes its time over a key exchange
        into_vms = replace(access, connect=20) if self.guests == "libvirt" else access
        self.journal: Journal = Journal(self.state / "journal")
        self.inside: int | None = None
        self.rack: subprocess.Popen[bytes] | None = None
        self.plug_in(self.state / "control")
        self.rack_up(topology, name, access, into_vms)

    @classmethod
    def director_machine(cls) -> Machine:
        """What a director is to those who place things on it: here all have the host's CPUs."""
        return this_machine()

    def compared(self, host: HypervisorHost) -> LibvirtHypervisor:
        """QEMU's libvirt on any server of a lab that was built with it."""
        return compared(self.topology, host, self.accelerator)

    @property
    def directors_are(self) -> Machine:
        """Known before the lab stands."""
        return self.director_machine()

    # -- coming and going ------------------------------------------------------------------

    @classmethod
    def find(cls, topology: Topology, name: str) -> EmbeddedLab | None:
        """The standing lab of that name, or None. What a dead one left is cleared first."""
        guard.guard(topology.networks, None)
        if not rack.state(name).exists():
            return None
        with rack.starting_or_ending():
            if rack.answers(name):
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
        java = image.ensure(progress, image.JAVA) if guests == "java" else None
        with rack.starting_or_ending():
            if rack.answers(name):
                raise LabError(f"a lab named {name!r} stands already: ./run lab status")
            if rack.state(name).exists():
                rack.clear(name)
            try:
                plan = prepare(
                    topology, name, cls.kind, disk, standing, emulation, hosting,
                    guests=guests, web_disk=java,
                )  # fmt: skip
                process = _launch(name, plan, standing)
            except BaseException:
                # no janitor is there yet, or it waits for its turn
                if not rack.answers(name):
                    rack.clear(name)
                raise
        lab = cls(topology, name)
        lab.rack = process
        return lab

    @classmethod
    def emulation(cls, _progress: Progress) -> Emulation | None:
        """What the directors are emulated with, if they are; built first if it is not there."""
        return None

    @property
    def is_going(self) -> bool:
        """True for one whose run has ended, whatever ended it."""
        return not self.standing and not Path(f"/proc/{self.owner}").exists()

    @property
    def is_around_us(self) -> bool:
        """True for a process that was started inside of it, by a run that goes on."""
        place = self.operators_place()
        try:
            return os.fstat(place).st_ino == namespace.network()
        finally:
            os.close(place)

    def enter(self) -> None:
        """Move this thread, and all that it starts from now on, to the operator's place."""
        place = self.operators_place()
        try:
            namespace.enter_network(place)
        finally:
            os.close(place)
        self.inside = namespace.network()
        guard.guard(self.topology.networks, self.inside)

    def last_words(self, machine: str) -> str:
        """The end of its console."""
        return end_of(self.console(machine))

    def await_its_end(self) -> None:
        """Wait until nothing is left of one that is going."""
        self.close()
        state = rack.state(self.name)
        wait.until(
            lambda: not state.exists(), what=f"lab {self.name!r} is gone", within=10, every=0.02
        )

    def close(self) -> None:
        """Close all connections to the lab, which stands on."""
        super().close()
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


# The write end of the lifeline is held by this process and by no other: it ends with us.
_lifelines: list[int] = []

# What was started to outlive us; its end is nobody's here to wait for.
_standing: list[subprocess.Popen[bytes]] = []


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
    else:
        _standing.append(process)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")

    def died() -> bool:
        # its last words are in the log; the janitor clears up once the lock is free
        return log.stat().st_size > 0 and not (children.exists() and children.read_text())

    wait.until(
        lambda: rack.answers(name) or died(),
        what=f"the rack of the lab {name!r} answers",
        within=20,
        every=0.02,
        seen=lambda: end_of(log.read_text(), 500),
    )
    if died():
        raise LabError(
            f"the lab {name!r} could not be started: {log.read_text().strip().splitlines()[-1]}"
        )
    return process
