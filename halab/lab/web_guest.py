"""Web VMs of a built lab as guests: one system on a disk that all share, and a disk for each."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from halab import templates
from halab.hypervisor.domain import Guest, Kernel
from halab.hypervisor.libvirt import FOLDER
from halab.lab import guest
from halab.lab.switch import mac
from halab.node import Node
from halab.topology import Topology, VirtualMachine

SYSTEM = PurePosixPath("/srv/guest")
"""On a server: what every guest boots, read-only; see :mod:`halab.lab.guest`."""

INIT = "/usr/local/lib/halab/web-guest"

MEMORY = 192
"""MiB: Apache with mod_php and an sshd use about 40, the page cache the rest."""


class WebGuests:
    """They serve the same pages as light VMs, and let the same keys in; ``memory`` is in MiB."""

    def __init__(self, topology: Topology, memory: int = MEMORY) -> None:
        self.prefix = topology.network.prefixlen
        self.memory = memory

    def guest(self, vm: VirtualMachine) -> Guest:
        """The guest with the VM's address, by its files on the server."""
        shared = SYSTEM / "disk"
        line = guest.kernel_line(f"{vm.address}/{self.prefix}", INIT)
        return Guest(
            disks=(shared, PurePosixPath(FOLDER, f"{vm.name}.disk")),
            shared=frozenset({shared}),
            kernel=Kernel(SYSTEM / "kernel", SYSTEM / "initrd", line),
            memory=self.memory,
            mac=mac(vm.address),
        )

    def prepare(self, server: Node, vms: Iterable[VirtualMachine]) -> None:
        """Make each VM's own disk: its name, its keys and its pages."""
        names = [vm.name for vm in vms]
        server.put_all({f"/srv/www/{name}": page for name, page in templates.pages().items()})
        server.run(f"/usr/local/lib/halab/web-guest-disk {' '.join(['%s'] * len(names))}", *names)
