"""A client node that means harm: drives :mod:`halab.hostile` there, and nowhere else.

All times are seconds. What it does ends with its block, or with the program's own time limit.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from halab.client import Client
from halab.errors import LabError
from halab.node import Node
from halab.topology import Topology
from halab.vrrp import GROUP, PROTOCOL

PROGRAM = "/run/halab-hostile.py"
PATIENCE = 15.0
"""How long the program may take over its two answers, beyond the time that it is given."""


@dataclass(frozen=True)
class Fate:
    """What became of one connection of a group: ``how`` it ended, when, and what it was told."""

    group: int
    how: str
    lasted: float
    answer: str

    @property
    def status(self) -> int | None:
        """The status of the first answer, if there was one."""
        words = self.answer.split(" ", 2)
        return int(words[1]) if self.answer.startswith("HTTP/") and words[1].isdigit() else None


@dataclass
class Attack:
    """Under way, then over; ``fates`` are known when the block has ended."""

    standing: int
    """How many of its connections stood when the block began."""
    fates: tuple[Fate, ...] = field(default=(), repr=False)

    def of(self, group: int) -> tuple[Fate, ...]:
        """The connections of one group."""
        return tuple(fate for fate in self.fates if fate.group == group)

    @property
    def longest(self) -> float:
        """How long the one lived that lived longest; infinite if any was standing at the end."""
        if any(fate.how == "standing" for fate in self.fates):
            return float("inf")
        return max(fate.lasted for fate in self.fates)

    def summary(self) -> str:
        """How many ended how, and with which status."""
        ends = Counter(f"{fate.how}, status {fate.status or 'none'}" for fate in self.fates)
        return "; ".join(f"{count} {end}" for end, count in sorted(ends.items()))


@dataclass(frozen=True)
class Group:
    """So many connections that each send ``opening`` at once, and ``drip`` again and again."""

    count: int
    opening: bytes = b""
    drip: bytes = b""


class HostileClient:
    """The program on one client node."""

    def __init__(self, client: Client) -> None:
        self.client = client

    @contextmanager
    def connected(
        self,
        address: IPv4Address,
        port: int,
        *groups: Group,
        lasting: float,
        every: float = 0.5,
        to_the_end: bool = True,
    ) -> Iterator[Attack]:
        """Connections that stand when the block begins.

        The block ends when all of them are over, at the latest after ``lasting``; without
        ``to_the_end`` they end with the block. ``every`` is the time between drips.
        """
        described = [
            {"count": g.count, "opening": g.opening.hex(), "drip": g.drip.hex()} for g in groups
        ]
        job = {"do": "connect", "target": [str(address), port], "groups": described}
        with self._at_work({**job, "every": every, "lasting": lasting}, to_the_end) as attack:
            yield attack

    @contextmanager
    def half_open(
        self, address: IPv4Address, port: int, source: IPv4Address, count: int, lasting: float
    ) -> Iterator[Attack]:
        """SYNs from an address that nobody has; taken back when the block ends."""
        job = {"do": "half_open", "target": [str(address), port], "source": str(source)}
        with self._at_work({**job, "count": count, "lasting": lasting}, False) as attack:
            yield attack

    @contextmanager
    def advertising(self, payload: bytes, every: float, lasting: float) -> Iterator[Attack]:
        """A VRRP packet to all routers of the LAN, again and again, as long as the block runs."""
        job = {"do": "repeat", "protocol": PROTOCOL, "payload": payload.hex(), "group": str(GROUP)}
        source = str(self.client.node.address)
        with self._at_work(
            {**job, "source": source, "every": every, "lasting": lasting}, False
        ) as attack:
            yield attack

    @contextmanager
    def _at_work(self, job: dict[str, Any], to_the_end: bool) -> Iterator[Attack]:
        node = self.client.node
        node.put(PROGRAM, Path(__file__).with_name("hostile.py").read_bytes())
        channel = node.converse(f"python3 -I {PROGRAM}")
        try:
            channel.send_line(json.dumps(job))
            attack = Attack(json.loads(channel.read_line(PATIENCE))["standing"])
            yield attack
            if not to_the_end:
                channel.channel.shutdown_write()
            told = json.loads(channel.read_line(job["lasting"] + PATIENCE))
            attack.fates = tuple(Fate(*row) for row in told["rows"])
        finally:
            channel.close()


def unused_address(asking: Node, topology: Topology) -> IPv4Address:
    """The highest address of the LAN that nobody has: no machine of the topology, and no other.

    ``asking`` is a node in the LAN. Raises :class:`LabError` when there is none.
    """
    taken = {machine.address for machine in (*topology.nodes.values(), *topology.vms)}
    taken.add(topology.vip)
    if topology.labs.embedded is not None:
        taken.add(topology.labs.embedded.operator)
    address, lowest = topology.network.broadcast_address - 1, topology.network.network_address
    while address > lowest and (address in taken or _is_somebodys(asking, address)):
        address -= 1
    if address <= lowest:
        raise LabError(f"the topology has given away every address of {topology.network}")
    return address


def _is_somebodys(asking: Node, address: IPv4Address) -> bool:
    """Whether anybody in the LAN answers for it, by ARP at least."""
    asked = "ping -c 1 -W 1 -q %s > /dev/null 2>&1; ip -j neigh show to %s"
    return "lladdr" in asking.run(asked, str(address), str(address))
