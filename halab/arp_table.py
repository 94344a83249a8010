"""The ARP table of a node: where the kernel sends what is for an address in its LAN."""

from __future__ import annotations

import json
from ipaddress import IPv4Address

from halab.node import Node


def entry(node: Node, address: IPv4Address) -> str | None:
    """The MAC that stands there for the address, without asking for it."""
    for known in json.loads(node.run("ip -j neigh show to %s", str(address)) or "[]"):
        return str(known["lladdr"]) if "lladdr" in known else None
    return None


def resolved(node: Node, address: IPv4Address) -> str | None:
    """The MAC for the address, after asking if need be."""
    node.ask("ping -c 1 -W 1 -q %s", str(address))
    return entry(node, address)
