"""The router into the LAN: clients behind it find the VIP where its ARP table says."""

from __future__ import annotations

from ipaddress import IPv4Address

from halab import arp_table
from halab.node import Node


class Gateway:
    """A node that forwards between the LAN and the network behind it."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.name = node.name

    def neighbour(self, address: IPv4Address) -> str | None:
        """The MAC that its ARP table has for the address, after asking if need be."""
        return arp_table.resolved(self.node, address)

    def forwards_to(self, address: IPv4Address) -> str | None:
        """The MAC to which it sends what is for the address, as its ARP table stands now."""
        return arp_table.entry(self.node, address)
