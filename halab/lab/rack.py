"""The rack: the process that a built lab hangs on.

It is PID 1 of a PID namespace and owns the lab's network and mount namespaces, so that the
kernel takes down every machine, mount and interface when it ends, whatever ended it. Its
parent outside, the janitor, clears what has a name on the host (control groups, the state
folder, the inotify limit) and holds the lifeline: when the run that asked for the lab is
gone, so is the lab.

Both speak JSON lines over the UNIX socket ``control`` in the lab's state folder.
"""

from __future__ import annotations

import fcntl
import ipaddress
import json
import os
import selectors
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from halab.errors import HalabError
from halab.lab import cgroup, inotify, namespace, switch
from halab.lab.machine import Blueprint, Machine
from halab.lab.qemu import Emulation, QemuMachine
from halab.lab.switch import Loss, Route

STATE = Path("/run/halab")
OPERATOR = "operator"
REBOOTS = 0.1
"""Seconds after which a machine that asks for a reboot gets it, at the latest."""
BUTTONS = ("power_on", "power_off", "nic_up", "freeze", "thaw", "feed")
CABLES = ("port_up", "port_down")
"""What a machine does when told to, without more words."""


def state(lab: str) -> Path:
    """The folder on the host where a standing lab keeps its socket, keys and facts."""
    return STATE / lab


def facts(lab: str) -> dict[str, Any]:
    """What a standing lab says of itself: its kind, its topology's fingerprint, its owner."""
    said: dict[str, Any] = json.loads((state(lab) / "lab.json").read_text())
    return said


@contextmanager
def starting_or_ending() -> Iterator[None]:
    """Held while a lab comes or goes, so that two runs never do so at once."""
    with ExitStack() as ends:
        ends.callback(os.close, _locked_state())
        # whatever became of it: on a full disk no lab comes, and nothing of it may stay
        ends.callback(_remove_if_empty)
        yield


def _remove_if_empty() -> None:
    if not any(STATE.iterdir()):
        STATE.rmdir()


def _locked_state() -> int:
    """The state folder, locked; made again if another run removed it while this one waited."""
    while True:
        STATE.mkdir(mode=0o755, exist_ok=True)
        folder = os.open(STATE, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(folder, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if os.fstat(folder).st_ino == STATE.stat().st_ino:
                return folder
        os.close(folder)


def answers(lab: str) -> bool:
    """True while the rack of that lab is there, however busy it is."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        try:
            probe.connect(str(state(lab) / "control"))
        except BlockingIOError:  # so many have called that it has room for no more
            return True
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True


def clear_dead() -> list[str]:
    """Remove what labs left whose rack and janitor both died; their names."""
    if not STATE.exists():
        return []
    with starting_or_ending():
        dead = [folder.name for folder in STATE.iterdir() if folder.is_dir()]
        dead = sorted(name for name in dead if not answers(name))
        for name in dead:
            clear(name)
    return dead


def clear(lab: str) -> None:
    """Remove what a lab whose rack has ended left on the host. Doing it twice does no harm."""
    cgroup.remove(lab)
    shutil.rmtree(state(lab), ignore_errors=True)
    if not any(entry.is_dir() for entry in STATE.iterdir()):
        inotify.restore_limit(STATE / "inotify")


def blueprint(data: dict[str, Any]) -> Blueprint:
    """The inverse of what ``start`` sends."""
    return Blueprint(
        name=data["name"],
        address=ipaddress.IPv4Interface(data["address"]),
        bridged=data["bridged"],
        binds=tuple((a, b) for a, b in data["binds"]),
        files=tuple((a, b, c) for a, b, c in data["files"]),
        emulation=Emulation(**data["emulation"]) if data["emulation"] else None,
        image=data["image"],
        devices=tuple(data["devices"]),
        lan=data["lan"],
        routes=tuple(Route(*route) for route in data["routes"]),
        behind=ipaddress.IPv4Interface(data["behind"]) if data["behind"] else None,
        queues=data["queues"],
        nics=data["nics"],
        cpu_weight=data["cpu_weight"],
    )


def encode(plan: Blueprint) -> dict[str, Any]:
    """A blueprint as JSON can carry it."""
    behind = str(plan.behind) if plan.behind else None
    return {**asdict(plan), "address": str(plan.address), "behind": behind}


def main() -> int:
    """``python -m halab.lab.rack``: the plan on stdin; see :mod:`halab.lab.embedded`."""
    plan = json.load(sys.stdin)
    lab: str = plan["lab"]
    lifeline: int | None = plan["lifeline"]
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    inotify.raise_limit(STATE / "inotify")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(state(lab) / "control"))
    # a new PID namespace is for children only: the janitor itself stays on the host
    namespace.unshare(namespace.CLONE_NEWPID)
    child = os.fork()
    if child == 0:
        namespace.die_with_parent()
        namespace.unshare(namespace.CLONE_NEWNS | namespace.CLONE_NEWNET)
        return _rack(plan, listener)
    listener.close()
    _janitor(lab, child, lifeline)
    return 0


def _janitor(lab: str, child: int, lifeline: int | None) -> None:
    ours = os.open(state(lab), os.O_RDONLY | os.O_DIRECTORY)
    rack = os.pidfd_open(child)
    with selectors.DefaultSelector() as selector:
        selector.register(rack, selectors.EVENT_READ)
        if lifeline is not None:
            selector.register(lifeline, selectors.EVENT_READ)
        selector.select()
    with suppress(ProcessLookupError):  # it has ended already
        signal.pidfd_send_signal(rack, signal.SIGKILL)
    os.waitpid(child, 0)
    with starting_or_ending():
        # a run in a hurry may have cleared it already, and built another of that name
        if not state(lab).exists() or os.path.samestat(os.fstat(ours), state(lab).stat()):
            clear(lab)


def _rack(plan: dict[str, Any], listener: socket.socket) -> int:
    # the lab's /run is its own: pins of namespaces and nspawn's files go with it
    namespace.mount("none", "/", None, namespace.MS_REC | namespace.MS_PRIVATE)
    namespace.mount("proc", "/proc", "proc")
    namespace.mount("tmpfs", "/run", "tmpfs", 0, "mode=755")
    switch.set_up()
    operator = ipaddress.IPv4Interface(plan["operator"])
    switch.plug(OPERATOR, operator, routes=tuple(Route(*route) for route in plan["routes"]))
    machines = {
        made.name: (QemuMachine if made.emulation else Machine)(
            plan["lab"], made, Path(plan["image"]), Path("/run/machines", made.name)
        )
        for made in map(blueprint, plan["machines"])
    }
    for machine in machines.values():
        machine.rack()
        machine.power_on()
    listener.listen(16)
    Control(machines).serve(listener)
    return 0


class Control:
    """The rack's front panel: one request, one answer, in the order in which they come."""

    def __init__(self, machines: dict[str, Machine]) -> None:
        self.machines = machines

    def serve(self, listener: socket.socket) -> None:
        """Answer until told to go down; a request that fails is answered with its error."""
        with selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            while True:
                ready = selector.select(REBOOTS)
                for machine in self.machines.values():
                    machine.reboot_if_asked()
                for key, _ in ready:
                    if key.fileobj is listener:
                        connection, _ = listener.accept()
                        selector.register(connection, selectors.EVENT_READ)
                    else:
                        assert isinstance(key.fileobj, socket.socket)
                        line = key.fileobj.recv(65536)
                        if not line:
                            selector.unregister(key.fileobj)
                            key.fileobj.close()
                        elif not self._answer(key.fileobj, json.loads(line)):
                            return

    def _answer(self, connection: socket.socket, request: dict[str, Any]) -> bool:
        do, name = request["do"], request.get("machine", "")
        if do == "down":
            return False
        try:
            if do == "enter":
                with open(f"/run/netns/{OPERATOR}") as netns:
                    socket.send_fds(connection, [b'{"ok": null}\n'], [netns.fileno()])
                return True
            answer = {"ok": self._do(do, name, request)}
        except (HalabError, KeyError, OSError) as error:
            answer = {"error": f"{do} {name}: {error}"}
        connection.sendall(json.dumps(answer).encode() + b"\n")
        return True

    def _do(self, do: str, name: str, request: dict[str, Any]) -> Any:
        if do == "status":
            return {name: machine.status() for name, machine in self.machines.items()}
        if do == "console":
            return (self.machines[name].place / "console").read_text(errors="replace")[-4000:]
        if do == "cpu_time":
            return self.machines[name].cpu_time()
        if do == "starve":
            return self.machines[name].starve(request["share"])
        if do == "lose":
            return switch.lose(*(Loss(**loss) for loss in request["losses"]))
        if do == "lose_no_more":
            return switch.lose_no_more(*(Loss(**loss) for loss in request["losses"]))
        if do in CABLES:
            return getattr(self.machines[name], do)(request["cable"])
        if do in BUTTONS:
            return getattr(self.machines[name], do)()
        raise KeyError(f"the rack cannot do {do!r}")


if __name__ == "__main__":
    sys.exit(main())
