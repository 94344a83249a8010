"""What hosts the web VMs on a server node, driven over the node's SSH."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from halab.node import Node
from halab.topology import VirtualMachine


class Hypervisor(Protocol):
    """The verbs of any hypervisor; VMs that the suite did not make are never touched."""

    def running(self, server: Node) -> frozenset[str]:
        """The names of the suite's VMs that run on the server."""
        ...

    def prepare(self, server: Node, vms: Iterable[VirtualMachine]) -> None:
        """Put on the server what the VMs need before they can be started."""
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
