"""What hosts the web VMs on a server node, driven over the node's SSH."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from halab import webserver
from halab.node import Node
from halab.topology import VirtualMachine


class Hypervisor(Protocol):
    """The verbs of any hypervisor; VMs that the suite did not make are never touched."""

    @property
    def kind(self) -> str:
        """What hosts a VM: "container", or the type of a libvirt domain, such as "kvm"."""
        ...

    def running(self, server: Node) -> frozenset[str]:
        """The names of the suite's VMs that run on the server."""
        ...

    def serving_within(self, vms: int) -> float:
        """Seconds that so many VMs, started together, may take to their first page."""
        ...

    def place(
        self,
        server: Node,
        vms: Sequence[VirtualMachine],
        *,
        pinned: bool,
        web_server: str = webserver.APACHE,
    ) -> list[str]:
        """Have these VMs run, made first if need be; returns before they serve.

        ``pinned`` puts each vCPU on a CPU, as annex A.14 does, where VMs have vCPUs. A VM that
        runs with another ``web_server``, one of :data:`halab.webserver.SERVERS`, starts anew.
        Gives the names of the suite's other VMs on the server, for :meth:`remove`.
        """
        ...

    def start(self, server: Node, vms: Iterable[VirtualMachine]) -> None:
        """Switch VMs on, now and whenever the server boots; returns before they serve."""
        ...

    def power_off(self, server: Node, vms: Iterable[str]) -> None:
        """Cut the VMs' power: silent at once, with no goodbye to open connections."""
        ...

    def remove(self, server: Node, vms: Iterable[str]) -> None:
        """Cut the VMs' power and forget them."""
        ...

    def filter(self, server: Node, vm: Node, rules: str) -> None:
        """Have nft work in the VM's own network stack; ``vm`` is the VM as a node."""
        ...
