"""The guest of a hypervisor on a real host: it boots a disk that an operator made for it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from halab.errors import LabError, NodeError
from halab.hypervisor.domain import Guest
from halab.hypervisor.libvirt import LibvirtHypervisor
from halab.node import Node
from halab.topology import VirtualMachine
from halab.topology_hypervisor import GuestShape, HypervisorHost

_THERE = """\
command -v virsh >/dev/null || { echo "it has no virsh"; exit 1; }
LC_ALL=C virsh -q -c %s version >/dev/null
"""


class OwnGuest:
    """One disk on the server, of the operator's making; ``shape`` is all that is the suite's."""

    def __init__(self, disk: PurePosixPath, shape: GuestShape) -> None:
        self.disk = disk
        self.shape = shape

    def guest(self, _vm: VirtualMachine) -> Guest:
        """What the VM is made of; what it reads is read from its disk, or disks compare nothing."""
        return Guest(
            disks=(self.disk,),
            memory=self.shape.memory,
            bridge=self.shape.bridge,
            uncached=True,
        )

    def prepare(self, server: Node, vms: Iterable[VirtualMachine]) -> None:
        """The disk is as its operator left it; raises :class:`NodeError` where it is not there."""
        if server.ask("test -r %s", str(self.disk)).rc != 0:
            names = ", ".join(vm.name for vm in vms)
            raise NodeError(f"{server.name}: there is no {self.disk} for {names} to boot")


def compared(server: Node, host: HypervisorHost, shape: GuestShape) -> LibvirtHypervisor:
    """The hypervisor on a real server; QEMU has KVM where the server has /dev/kvm.

    Raises :class:`LabError` that says what is not there.
    """
    if host.disk is None:
        raise LabError(f"hypervisors.hosts.{host.name} has no disk for its guest to boot")
    there = server.ask(_THERE, host.uri)
    if there.rc != 0:
        why = (there.stdout + there.stderr).strip().partition("\n")[0]
        raise LabError(f"{server.name} has no {host.uri}: {why}")
    accelerated = server.ask("test -c /dev/kvm").rc == 0
    guests = OwnGuest(PurePosixPath(host.disk), shape)
    return LibvirtHypervisor(guests, host.uri, accelerated=accelerated)
