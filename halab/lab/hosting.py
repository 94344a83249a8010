"""What turns a server of a built lab into a host of libvirt guests."""

from __future__ import annotations

from halab.errors import LabError
from halab.hypervisor import Hypervisor
from halab.hypervisor.container import ContainerHypervisor
from halab.hypervisor.libvirt import LibvirtHypervisor
from halab.lab.qemu import Emulation
from halab.lab.web_guest import SYSTEM, WebGuests
from halab.topology import Topology
from halab.topology_hypervisor import HypervisorHost

GUESTS = ("containers", "libvirt", "java")
"""What web VMs can be: light ones, guests of the libvirt on their servers, light ones with Java."""

URI = "qemu:///system"
"""The libvirt of a built lab's servers."""

# A server is no host of its own: it has no control groups to hand out, it may make no device
# nodes, so that QEMU cannot have a /dev of its own, and its console's output needs no daemon.
# After its power was cut, libvirt would hold files for in use: it believes the kernel's boot time.
QEMU_CONF = """\
cgroup_controllers = []
namespaces = []
security_driver = "none"
stdio_handler = "file"
remember_owner = 0
"""


class Hosting(Emulation):
    """What a server needs to host guests: QEMU, what guests boot, and its share of the host."""

    @property
    def files(self) -> list[tuple[str, str, int]]:
        """What is laid on a server's disk."""
        return [("/etc/libvirt/qemu.conf", QEMU_CONF, 0o600)]

    @property
    def binds(self) -> list[tuple[str, str]]:
        """What a server sees of this machine's disk, read-only."""
        return [(self.boot, str(SYSTEM))]

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices that a server has; a guest's cable ends in a tap."""
        return ("/dev/net/tun", "/dev/kvm") if self.accelerator == "kvm" else ("/dev/net/tun",)


def hypervisor(topology: Topology, accelerator: str | None) -> Hypervisor:
    """What hosts the VMs of a built lab: with an accelerator libvirt, else containers."""
    if accelerator is None:
        return ContainerHypervisor(topology)
    return LibvirtHypervisor(WebGuests(topology), URI, accelerated=accelerator == "kvm")


def compared(
    topology: Topology, host: HypervisorHost, accelerator: str | None
) -> LibvirtHypervisor:
    """The same libvirt, whose guest is of the size that all compared ones have.

    Raises :class:`LabError` for any other hypervisor than a built lab's servers have.
    """
    if accelerator is None:
        raise LabError("the servers of this lab have no libvirt: run with --guests=libvirt")
    if host.uri != URI:
        raise LabError(f"the servers of a built lab have {URI}, not {host.uri}")
    assert topology.hypervisors is not None
    guests = WebGuests(topology, topology.hypervisors.guest.memory)
    return LibvirtHypervisor(guests, URI, accelerated=accelerator == "kvm")
