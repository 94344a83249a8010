"""One machine of a built lab: systemd-nspawn with a disk, a NIC and a power button."""

from __future__ import annotations

import ipaddress
import os
import stat
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from halab.lab import cgroup, namespace, switch
from halab.lab.switch import Route

if TYPE_CHECKING:
    from halab.lab.qemu import Emulation

# What root in a machine must not have: each acts on the whole host. nspawn's own default
# leaves out the clock, modules and raw I/O already; device nodes and file handles are ours.
DROPPED = (
    "CAP_MKNOD", "CAP_DAC_READ_SEARCH", "CAP_SYS_MODULE", "CAP_SYS_TIME", "CAP_SYS_RAWIO",
    "CAP_SYSLOG", "CAP_BPF", "CAP_PERFMON", "CAP_BLOCK_SUSPEND", "CAP_WAKE_ALARM",
    "CAP_MAC_ADMIN", "CAP_MAC_OVERRIDE", "CAP_CHECKPOINT_RESTORE",
)  # fmt: skip

DISK = "512m"

ASKS_FOR_REBOOT = 133
"""nspawn's exit status with --keep-unit: EXIT_FORCE_RESTART of systemd's exit-status.h."""


@dataclass(frozen=True)
class Blueprint:
    """What a machine is made of; ``files`` are laid on its disk once, with their modes.

    With an ``emulation`` it is a machine of QEMU, else one of systemd-nspawn that boots ``image``,
    or the lab's where there is none, and has these ``devices`` of the host. Its cable goes to the
    switch ``lan``; a router has a second one, with the address ``behind``, to switch.BEHIND. A
    machine of QEMU has so many ``nics``, each with a cable, in a bond if there are two, and each
    NIC so many ``queues`` for receiving, and as many for sending. Where the host's CPU time is
    short, it gets its share by its ``cpu_weight`` (1 to 10000).
    """

    name: str
    address: ipaddress.IPv4Interface
    bridged: bool = False
    binds: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, str, int], ...] = ()
    emulation: Emulation | None = None
    image: str = ""
    devices: tuple[str, ...] = ()
    lan: str = switch.LAN
    routes: tuple[Route, ...] = ()
    behind: ipaddress.IPv4Interface | None = None
    queues: int = 1
    nics: int = 1
    cpu_weight: int | None = None


@dataclass
class Machine:
    """A machine and its state: its disk stays through a power cycle, as a real one's does."""

    lab: str
    blueprint: Blueprint
    image: Path
    place: Path
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        """The host name."""
        return self.blueprint.name

    @property
    def ports(self) -> tuple[str, ...]:
        """Its cables' ports at the switch, in their order."""
        return (self.name,)

    def rack(self) -> None:
        """Lay out the disk: the image below, the machine's own changes in RAM above."""
        self.lay_out_place()
        for folder in ("upper", "work", "root"):
            (self.place / folder).mkdir()
        for name, content, mode in self.blueprint.files:
            file = self.place / "upper" / name.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch(mode=0o600)
            file.write_text(content)
            file.chmod(mode)
        for device in self.blueprint.devices:
            # nodes of its own, which it may give away: the host's keep their owner and mode
            node = Path(f"{self.place}{device}")
            node.parent.mkdir(parents=True, exist_ok=True)
            os.mknod(node, stat.S_IFCHR, os.stat(device).st_rdev)
            node.chmod(0o666)
        image = self.blueprint.image or self.image
        namespace.mount(
            "overlay",
            str(self.place / "root"),
            "overlay",
            0,
            f"lowerdir={image},upperdir={self.place}/upper,workdir={self.place}/work",
        )

    def lay_out_place(self) -> None:
        """Make the folder, in RAM, that has the machine's disk and its console."""
        self.place.mkdir(parents=True)
        namespace.mount("tmpfs", str(self.place), "tmpfs", 0, f"size={DISK},mode=755")

    def power_on(self) -> None:
        """Plug the cable in and boot; returns at once, the machine serves SSH when it does."""
        if self.process is not None:
            return
        made = self.blueprint
        switch.plug(self.name, made.address, lan=made.lan, routes=made.routes, bridged=made.bridged)
        if made.behind:
            switch.plug_router(self.name, made.behind)
        command = [
            "systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit",
            f"--machine={self.name}", f"--directory={self.place}/root",
            f"--network-namespace-path=/run/netns/{self.name}",
            f"--drop-capability={','.join(DROPPED)}",
            # over its own network namespace a machine is master
            "--capability=CAP_NET_ADMIN",
            "--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=pipe",
            *(f"--bind-ro={source}:{target}" for source, target in self.blueprint.binds),
            *(f"--bind={self.place}{device}:{device}" for device in self.blueprint.devices),
        ]  # fmt: skip
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=(self.place / "console").open("ab"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # a director needs ip_nonlocal_bind: /proc/sys/net is the namespace's own, the rest of
            # /proc/sys is the host's and stays read-only
            env={**os.environ, "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network"},
            preexec_fn=lambda: cgroup.join(self.lab, self.name, self.blueprint.cpu_weight),
        )

    def power_off(self) -> None:
        """Cut the power: the cable is dead first, so that no socket says goodbye; then kill."""
        if self.process is None:
            return
        for port in self.ports:
            switch.unplug(port)
        if self.blueprint.behind:
            switch.unplug(switch.ROUTER_PORT)
        cgroup.kill(self.lab, self.name)
        self.process.wait()
        self.process = None
        self.forget_cable()
        cgroup.remove(self.lab, self.name)

    def reboot_if_asked(self) -> None:
        """Start it anew when it has shut down for a reboot, which nspawn leaves to its starter."""
        if self.process is not None and self.process.poll() == ASKS_FOR_REBOOT:
            self.power_off()
            self.power_on()

    def forget_cable(self) -> None:
        """Drop what is left of the cable once the machine's processes have ended."""
        switch.forget(self.name)

    def port_up(self, cable: int = 0) -> None:
        """Give the machine's cable of that number, or all with 0, its carrier."""
        for port in self._ports(cable):
            switch.port_up(port)

    def port_down(self, cable: int = 0) -> None:
        """Take the carrier from the machine's cable of that number, or from all with 0."""
        for port in self._ports(cable):
            switch.port_down(port)

    def _ports(self, cable: int) -> tuple[str, ...]:
        return (self.ports[cable - 1],) if cable else self.ports

    def nic_up(self) -> None:
        """Bring its NIC up from outside, whoever took it down inside; powered off, it has none."""
        if self.process is not None:
            switch.ip("link set eth0 up", netns=self.name)

    def freeze(self) -> None:
        """Have none of its processes run."""
        cgroup.freeze(self.lab, self.name)

    def thaw(self) -> None:
        """Let its processes run."""
        cgroup.thaw(self.lab, self.name)

    def starve(self, share: float) -> None:
        """Give its processes this share of one CPU's time together."""
        cgroup.starve(self.lab, self.name, share)

    def feed(self) -> None:
        """Let its processes have all the time that there is."""
        cgroup.feed(self.lab, self.name)

    def cpu_time(self) -> float:
        """Seconds of CPU time that its processes have had since it was switched on."""
        return cgroup.cpu_time(self.lab, self.name)

    def status(self) -> str:
        """``on``, ``off``, or ``died (status)`` when it ended by itself."""
        if self.process is None:
            return "off"
        code = self.process.poll()
        return "on" if code is None else f"died ({code})"
