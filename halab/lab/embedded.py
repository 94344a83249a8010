"""The embedded lab: the whole cluster on this machine, in namespaces of its own."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halab import wait
from halab.errors import LabError, Unreachable
from halab.lab import guard, image, namespace, rack
from halab.lab.keys import KeyPair
from halab.lab.machine import Blueprint
from halab.node import Node, each
from halab.topology import Server, Topology
from halab.transport import Access

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Secrets:
    """The passwords of one lab, which its nodes' configurations need. Never shown."""

    vrrp: str
    stats: str

    def __repr__(self) -> str:
        return "Secrets(…)"

    @classmethod
    def of(cls, topology: Topology) -> Secrets:
        """The topology's passwords, or new ones where it has none."""
        vrrp, stats = topology.vrrp.authentication.auth_pass, topology.haproxy.stats.password
        return cls(
            vrrp=vrrp.get_secret_value() if vrrp else secrets.token_hex(4),
            stats=stats.get_secret_value() if stats else secrets.token_urlsafe(16),
        )


class EmbeddedLab:
    """A standing lab; :meth:`find` one or :meth:`start` one, then :meth:`enter` it."""

    kind = "embedded"

    def __init__(self, topology: Topology, name: str) -> None:
        self.topology = topology
        self.name = name
        self.state = rack.state(name)
        facts = json.loads((self.state / "lab.json").read_text())
        if facts["topology"] != _fingerprint(topology):
            raise LabError(
                f"the standing lab {name!r} was built from another topology: ./run lab down"
            )
        self.secrets = Secrets(**json.loads((self.state / "secrets.json").read_text()))
        self.standing: bool = facts["standing"]
        self.access = Access("root", self.state / "id_ed25519", self.state / "known_hosts")
        self._control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._control.settimeout(30)
        self._control.connect(str(self.state / "control"))
        self._answers = self._control.makefile()
        self.inside: int | None = None
        self.rack: subprocess.Popen[bytes] | None = None
        self.nodes: dict[str, Node] = {
            machine.name: Node(machine.name, machine.address, self.access, machine.nic)
            for machine in topology.nodes.values()
        }
        self.vms: dict[str, Node] = {
            vm.name: Node(vm.name, vm.address, self.access) for vm in topology.vms
        }

    # -- coming and going ------------------------------------------------------------------

    @classmethod
    def find(cls, topology: Topology, name: str) -> EmbeddedLab | None:
        """The standing lab of that name, or None. What a dead one left is cleared first."""
        guard.guard(topology.network, None)
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
        cls, topology: Topology, name: str, progress: Progress, *, standing: bool = False
    ) -> EmbeddedLab:
        """Build the lab and boot its machines.

        Unless ``standing``, it goes when this process goes, whatever ends it.
        Raises :class:`LabError` that names what this machine lacks.
        """
        guard.guard(topology.network, None)
        _require_this_machine()
        disk = image.ensure(progress)
        with rack.starting_or_ending():
            if _answers(name):
                raise LabError(f"a lab named {name!r} stands already: ./run lab status")
            if rack.state(name).exists():
                rack.clear(name)
            plan = _prepare(topology, name, disk, standing)
            process = _launch(name, plan, standing)
        lab = cls(topology, name)
        lab.rack = process
        return lab

    def enter(self) -> None:
        """Move this thread, and all that it starts from now on, to the operator's place."""
        with self._rack_answering():
            self._control.sendall(b'{"do": "enter"}')
            answer, fds, _, _ = socket.recv_fds(self._control, 4096, 1)
        if not fds:
            raise LabError(f"the lab {self.name!r} cannot be entered: {answer.decode()}")
        try:
            namespace.enter_network(fds[0])
        finally:
            os.close(fds[0])
        self.inside = namespace.network()
        guard.guard(self.topology.network, self.inside)

    def await_nodes(self, within: float = 30) -> None:
        """Wait until every node's sshd lets us in; raises NotReached with what a node said."""

        def in_(node: Node) -> None:
            wait.until(
                lambda: _lets_in(node),
                what=f"{node.name} serves SSH",
                within=within,
                every=0.05,
                seen=lambda: self.console(node.name)[-300:],
            )

        each(self.nodes.values(), in_)

    def close(self) -> None:
        """Close all connections to the lab, which stands on."""
        for node in (*self.nodes.values(), *self.vms.values()):
            node.close()
        self._answers.close()
        self._control.close()

    def down(self) -> None:
        """Take the lab down; when this returns, nothing of it is left on the host."""
        self.close()
        take_down(self.name)
        if self.rack is not None:
            self.rack.wait(10)
        guard.guard(self.topology.network, None)

    # -- power and cables ------------------------------------------------------------------

    def power_off(self, machine: str) -> None:
        """Cut a machine's power, at once and without a word to anyone."""
        self.nodes[machine].close()
        self._do("power_off", machine)

    def power_on(self, machine: str) -> None:
        """Switch a machine on; returns before it has booted."""
        self._do("power_on", machine)

    def port_down(self, machine: str) -> None:
        """Take the carrier from a machine's cable, at the switch."""
        self._do("port_down", machine)

    def port_up(self, machine: str) -> None:
        """Give a machine's cable its carrier back."""
        self._do("port_up", machine)

    def status(self) -> dict[str, str]:
        """``on``, ``off`` or ``died (status)`` for each machine."""
        answer: dict[str, str] = self._do("status")
        return answer

    def console(self, machine: str) -> str:
        """The last 4,000 characters of a machine's console."""
        return str(self._do("console", machine))

    def _do(self, do: str, machine: str = "") -> Any:
        with self._rack_answering():
            self._control.sendall(json.dumps({"do": do, "machine": machine}).encode())
            line = self._answers.readline()
            if not line:
                raise ConnectionResetError("it has ended")
        answer = json.loads(line)
        if "error" in answer:
            raise LabError(f"lab {self.name!r}: {answer['error']}")
        return answer["ok"]

    @contextmanager
    def _rack_answering(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise LabError(
                f"the rack of the lab {self.name!r} does not answer ({error}); the next run, or "
                "./run lab down, clears up what it left"
            ) from error


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


def _fingerprint(topology: Topology) -> str:
    return hashlib.sha256(topology.model_dump_json().encode()).hexdigest()[:12]


def _require_this_machine() -> None:
    if os.geteuid() != 0:
        raise LabError("the embedded lab needs root: run it with sudo")
    if shutil.which("systemd-nspawn") is None:
        raise LabError("systemd-nspawn is missing: apt-get install systemd-container, or ./run")
    if not Path("/proc/self/ns/net").exists():
        raise LabError("this kernel has no network namespaces (CONFIG_NET_NS)")


def _prepare(topology: Topology, name: str, disk: Path, standing: bool) -> dict[str, Any]:
    """Lay out the lab's state folder and give the rack's plan."""
    state = rack.state(name)
    state.mkdir(mode=0o700)
    key = KeyPair.generate()
    vm_hostkey = KeyPair.generate()
    known = [f"{vm.address} {vm_hostkey.public}\n" for vm in topology.vms]
    machines = []
    for machine in topology.nodes.values():
        hostkey = KeyPair.generate()
        known.append(f"{machine.address} {hostkey.public}\n")
        files = [
            ("/etc/ssh/ssh_host_ed25519_key", hostkey.private, 0o600),
            ("/root/.ssh/authorized_keys", key.public + "\n", 0o600),
            ("/etc/hostname", machine.name + "\n", 0o644),
        ]
        binds = []
        if isinstance(machine, Server):
            files.append(("/srv/ssh/ssh_host_ed25519_key", vm_hostkey.private, 0o600))
            binds.append((str(disk), "/srv/image"))
        machines.append(
            Blueprint(
                name=machine.name,
                address=ipaddress.IPv4Interface((machine.address, topology.network.prefixlen)),
                bridged=isinstance(machine, Server),
                binds=tuple(binds),
                files=tuple(files),
            )
        )
    _private(state / "id_ed25519", key.private)
    _private(state / "known_hosts", "".join(known))
    made = Secrets.of(topology)
    _private(state / "secrets.json", json.dumps({"vrrp": made.vrrp, "stats": made.stats}))
    facts = {"topology": _fingerprint(topology), "standing": standing, "owner": os.getpid()}
    _private(state / "lab.json", json.dumps(facts))
    operator = (topology.labs.embedded.operator, topology.network.prefixlen)
    return {
        "lab": name,
        "image": str(disk),
        "operator": str(ipaddress.IPv4Interface(operator)),
        "machines": [rack.encode(machine) for machine in machines],
    }


def _private(path: Path, content: str) -> None:
    with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
        file.write(content)


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
