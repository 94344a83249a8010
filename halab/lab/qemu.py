"""A machine that QEMU emulates: the thesis's director, with 16 CPUs in 4 NUMA nodes.

Annex A.1: CPUs 0 to 3 are in node 0, and so on to 12 to 15 in node 3. Its NIC is a virtio-net
with one queue, or as many as the topology asks for, its cable a tap at the lab's switch. QEMU
comes from the hypervisor image and lives in the lab's namespaces and control groups.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from halab.lab import cgroup, guest, image, namespace, switch
from halab.lab.image import Progress
from halab.lab.machine import Machine

CPUS, NUMA_NODES = 16, 4
MEMORY = 1024  # MiB, shared out evenly among the NUMA nodes

# Where QEMU, whose root is the hypervisor image, has what guests boot, and its machine's place.
BOOT, PLACE = "srv", "mnt"


@dataclass(frozen=True)
class Emulation:
    """``hypervisor`` is the folder of the image with QEMU, ``boot`` that of :class:`guest.Boot`.

    ``accelerator`` is ``kvm`` or ``tcg``, see :func:`accelerator`.
    """

    hypervisor: str
    boot: str
    accelerator: str

    @classmethod
    def ensure(cls, progress: Progress, what: str) -> Self:
        """All of it, built first where it is not there (minutes, once); ``what`` it is for."""
        boot, hypervisor = guest.ensure(progress), image.ensure(progress, image.HYPERVISOR)
        accelerated_by = accelerator(hypervisor, boot.folder)
        progress(f"{what}, with {accelerated_by}")
        return cls(str(hypervisor), str(boot.folder), accelerated_by)


class QemuMachine(Machine):
    """A machine with a kernel of its own; its second disk stays through a power cycle."""

    @property
    def ports(self) -> tuple[str, ...]:
        """One for each of its NICs."""
        return (self.name, switch.second_port(self.name))[: self.blueprint.nics]

    def rack(self) -> None:
        """Lay out the machine's own disk, in RAM."""
        self.lay_out_place()
        guest.own_disk(self.place / "disk", self.blueprint.files)

    def power_on(self) -> None:
        """Plug the cable in and boot; returns at once, the machine serves SSH when it does."""
        if self.process is not None:
            return
        emulation, made = self.blueprint.emulation, self.blueprint
        assert emulation is not None
        macs = (switch.mac(made.address.ip), switch.second_mac(made.address.ip))
        nics = []
        for cable, (port, mac) in enumerate(zip(self.ports, macs, strict=False), 1):
            switch.plug_tap(port, made.queues)
            nics += _nic(cable, port, mac, made.queues)
        line = guest.kernel_line(str(made.address), routes=made.routes, bonded=made.nics > 1)
        command = [
            *_command(emulation.accelerator),
            "-append", line,
            "-chardev", f"file,id=console,path=/{PLACE}/console,append=on",
            "-serial", "chardev:console",
            "-qmp", f"unix:/{PLACE}/qmp,server=on,wait=off",
            *_disk("shared", f"/{BOOT}/disk", "readonly=on"),
            # the lab's RAM is the disk: there is nothing to flush to
            *_disk("own", f"/{PLACE}/disk", "cache=unsafe"),
            *nics,
        ]  # fmt: skip

        def enter() -> None:
            cgroup.join(self.lab, self.name, self.blueprint.cpu_weight)
            _enter_hypervisor(emulation, self.place)

        self.process = _start(command, self.place / "qemu.log", enter)

    def forget_cable(self) -> None:
        """Nothing is left to forget: the tap went when it was unplugged."""

    def port_up(self, cable: int = 0) -> None:
        """Give the machine's cable its carrier back."""
        super().port_up(cable)
        self._set_link(cable, up=True)

    def port_down(self, cable: int = 0) -> None:
        """Take the carrier from the machine's cable; a tap does not tell the guest, QEMU does."""
        self._set_link(cable, up=False)
        super().port_down(cable)

    def nic_up(self) -> None:
        """Nothing: eth0 is the guest's, which brings it up by itself."""

    def _set_link(self, cable: int, *, up: bool) -> None:
        cables = [cable] if cable else range(1, len(self.ports) + 1)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as monitor:
            monitor.settimeout(5)
            monitor.connect(str(self.place / "qmp"))
            lines = monitor.makefile("rw")
            lines.readline()  # its greeting
            for execute, arguments in (
                ("qmp_capabilities", {}),
                *(("set_link", {"name": f"lan{number}", "up": up}) for number in cables),
            ):
                lines.write(json.dumps({"execute": execute, "arguments": arguments}) + "\n")
                lines.flush()
                while "return" not in (answer := json.loads(lines.readline())):
                    if "error" in answer:  # everything else is an event
                        raise OSError(f"QEMU: {execute}: {answer['error']['desc']}")


def accelerator(hypervisor: Path, boot: Path) -> str:
    """``kvm`` if this machine really boots a guest with it, else ``tcg``.

    That /dev/kvm is there is not enough: a hypervisor below may not let a guest's kernel run.
    """
    if not Path("/dev/kvm").exists():
        return "tcg"
    # the initrd's busybox is asked to switch the guest off as soon as its kernel has booted
    command = [
        *_command("kvm"),
        "-append",
        f"{guest.KERNEL_LINE} rdinit=/bin/busybox -- poweroff -f",
    ]

    def enter() -> None:
        namespace.die_with_parent()
        _enter_hypervisor(Emulation(str(hypervisor), str(boot), "kvm"), None)

    with _start(command, Path(os.devnull), enter) as trial:
        try:
            return "kvm" if trial.wait(15) == 0 else "tcg"
        except subprocess.TimeoutExpired:
            trial.kill()
            return "tcg"


def _command(accelerator: str) -> list[str]:
    """QEMU with the CPUs and the memory of a director, and the kernel of all guests."""
    each, memory = CPUS // NUMA_NODES, MEMORY // NUMA_NODES
    nodes = []
    for node in range(NUMA_NODES):
        cpus = f"cpus={node * each}-{node * each + each - 1}"
        nodes += ["-object", f"memory-backend-ram,id=memory{node},size={memory}M"]
        nodes += ["-numa", f"node,nodeid={node},{cpus},memdev=memory{node}"]
    how = {
        "kvm": ["kvm", "-cpu", "host"],
        # One thread for all CPUs: with one for each, a CPU sometimes goes on for ever in code that
        # another has rewritten (1 boot in 60 hangs), and on 2 cores a boot takes twice the time.
        # The thesis's Opteron 8350 is of this generation; the kernel asks for its random seed.
        "tcg": ["tcg,thread=single", "-cpu", "Opteron_G3,-misalignsse,+rdrand,+rdseed"],
    }
    return [
        "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
        # to read its clock is a trap into QEMU, for which every CPU waits
        "-machine", "pc,hpet=off",
        "-accel", *how[accelerator],
        "-smp", f"{CPUS},sockets={NUMA_NODES},cores={each},threads=1",
        "-m", f"{MEMORY}M", *nodes,
        "-kernel", f"/{BOOT}/kernel", "-initrd", f"/{BOOT}/initrd",
    ]  # fmt: skip


def _disk(name: str, path: str, option: str) -> list[str]:
    drive = f"if=none,id={name},format=raw,file={path},{option}"
    return ["-drive", drive, "-device", f"virtio-blk-pci,drive={name},num-queues=1"]


def _nic(cable: int, tap: str, mac: str, queues: int) -> list[str]:
    """A NIC with the cable of that number, at that tap.

    The guest's driver uses all of its queues by itself.

    Each queue pair has an interrupt for either direction, beside those of the configuration and
    of the control queue.
    """
    netdev = f"tap,id=lan{cable},ifname={tap},script=no,downscript=no"
    device = f"virtio-net-pci,id=nic{cable},netdev=lan{cable},mac={mac},romfile="
    if queues > 1:
        netdev += f",queues={queues}"
        device += f",mq=on,vectors={2 * queues + 2}"
    return ["-netdev", netdev, "-device", device]


def _start(command: list[str], log: Path, enter: Callable[[], None]) -> subprocess.Popen[bytes]:
    with log.open("ab") as said:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=enter,
        )


def _enter_hypervisor(emulation: Emulation, place: Path | None) -> None:
    """Make the hypervisor image this process's root, with what it needs mounted there.

    The mounts are in a namespace of its own, and go with it.
    """
    root = emulation.hypervisor
    namespace.unshare(namespace.CLONE_NEWNS)
    namespace.mount("none", "/", None, namespace.MS_REC | namespace.MS_PRIVATE)
    namespace.mount("/dev", f"{root}/dev", None, namespace.MS_BIND)
    namespace.mount(emulation.boot, f"{root}/{BOOT}", None, namespace.MS_BIND)
    if place is not None:
        namespace.mount(str(place), f"{root}/{PLACE}", None, namespace.MS_BIND)
    os.chroot(root)
    os.chdir("/")
