"""One machine of a built lab: systemd-nspawn with a disk, a NIC and a power button."""

from __future__ import annotations

import ipaddress
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from halab.lab import cgroup, namespace, switch

# What root in a machine must not have: each acts on the whole host. nspawn's own default
# leaves out the clock, modules and raw I/O already; device nodes and file handles are ours.
DROPPED = (
    "CAP_MKNOD", "CAP_DAC_READ_SEARCH", "CAP_SYS_MODULE", "CAP_SYS_TIME", "CAP_SYS_RAWIO",
    "CAP_SYSLOG", "CAP_BPF", "CAP_PERFMON", "CAP_BLOCK_SUSPEND", "CAP_WAKE_ALARM",
    "CAP_MAC_ADMIN", "CAP_MAC_OVERRIDE", "CAP_CHECKPOINT_RESTORE",
)  # fmt: skip

DISK = "512m"


@dataclass(frozen=True)
class Blueprint:
    """What a machine is made of; ``files`` are laid on its disk once, with their modes."""

    name: str
    address: ipaddress.IPv4Interface
    bridged: bool = False
    binds: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, str, int], ...] = ()


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
        return self.blueprint.name

    def rack(self) -> None:
        """Lay out the disk: the image below, the machine's own changes in RAM above."""
        self.place.mkdir(parents=True)
        namespace.mount("tmpfs", str(self.place), "tmpfs", 0, f"size={DISK},mode=755")
        for folder in ("upper", "work", "root"):
            (self.place / folder).mkdir()
        for name, content, mode in self.blueprint.files:
            file = self.place / "upper" / name.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch(mode=0o600)
            file.write_text(content)
            file.chmod(mode)
        namespace.mount(
            "overlay",
            str(self.place / "root"),
            "overlay",
            0,
            f"lowerdir={self.image},upperdir={self.place}/upper,workdir={self.place}/work",
        )

    def power_on(self) -> None:
        """Plug the cable in and boot; returns at once, the machine serves SSH when it does."""
        if self.process is not None:
            return
        switch.plug(self.name, self.blueprint.address, bridged=self.blueprint.bridged)
        command = [
            "systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit",
            f"--machine={self.name}", f"--directory={self.place}/root",
            f"--network-namespace-path=/run/netns/{self.name}",
            f"--drop-capability={','.join(DROPPED)}",
            # over its own network namespace a machine is master
            "--capability=CAP_NET_ADMIN",
            "--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=pipe",
            *(f"--bind-ro={source}:{target}" for source, target in self.blueprint.binds),
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
            preexec_fn=lambda: cgroup.join(self.lab, self.name),
        )

    def power_off(self) -> None:
        """Cut the power: the cable is dead first, so that no socket says goodbye; then kill."""
        if self.process is None:
            return
        switch.unplug(self.name)
        cgroup.kill(self.lab, self.name)
        self.process.wait()
        self.process = None
        switch.forget(self.name)
        cgroup.remove(self.lab, self.name)

    def status(self) -> str:
        """``on``, ``off``, or ``died (status)`` when it ended by itself."""
        if self.process is None:
            return "off"
        code = self.process.poll()
        return "on" if code is None else f"died ({code})"
