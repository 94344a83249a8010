"""One client node: it probes the service, captures what is on the LAN, and knows its neighbours."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from halab import arp_table, capture, probe
from halab.node import Node
from halab.probe import Probe
from halab.vrrp import Advert


def prober(user: str) -> str:
    """Where a client's prober is put; a user who is not root may not write to /run."""
    return "/run/halab-prober.pyz" if user == "root" else f"/tmp/halab-prober-{user}.pyz"


def leavings(user: str) -> str:
    """A shell's words for all that a run puts on a client: its programs, and visitors' cookies."""
    return f"{prober(user)} /run/halab-*.py /run/halab-*.cookies"


# What shares its CPUs must not make a prober late, which is asleep nine tenths of its time.
_PROMPTLY = "$(chrt -r 1 true 2>/dev/null && echo chrt -r 1 || echo nice -n -10) "


class Client:
    """A node from which the service is seen as clients see it."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.name = node.name

    def probe(
        self,
        address: IPv4Address,
        port: int,
        *,
        interval: float = 0.002,
        kind: str = "new",
        path: str | None = None,
        takes: float = probe.TAKES,
        cookies: bool = False,
    ) -> Probe:
        """A prober at work against the service; see :func:`halab.probe.command`."""
        program = prober(self.node.backend.access.user)
        self.node.put(program, probe.program())
        command = probe.command(
            f"{address}:{port}",
            interval,
            kind=kind,
            path=path,
            takes=takes,
            cookies=cookies,
            at=program,
        )
        probing = Probe(self.node.converse(_PROMPTLY + shlex.join(command)))
        probing.start()
        return probing

    def neighbour(self, address: IPv4Address) -> str | None:
        """The MAC that this client's ARP table has for the address, after asking if need be.

        A client behind a router has none for what is in the LAN: the router has.
        """
        return arp_table.resolved(self.node, address)

    def clock(self) -> float:
        """Seconds of the node's wall clock, which dates what it captures."""
        return float(self.node.run("date +%s.%N"))

    @contextmanager
    def capturing(self, expression: str, snaplen: int) -> Iterator[Capture]:
        """Capture frames on the LAN while the block runs; they are there when it ends."""
        recording = self.node.record(capture.command(self.node.nic, expression, snaplen))
        taken = Capture()
        try:
            recording.await_said("listening on", within=10)
            yield taken
        finally:
            taken.raw = recording.finish()


@dataclass
class Capture:
    """What was captured; ``raw`` is empty until the capture has ended."""

    raw: bytes = field(default=b"", repr=False)

    @property
    def frames(self) -> tuple[tuple[float, bytes], ...]:
        """Each frame with the wall-clock seconds of its arrival at the client."""
        return tuple((p.at, p.frame) for p in capture.packets(self.raw))

    @property
    def adverts(self) -> tuple[Advert, ...]:
        """The VRRP adverts among them, in order."""
        decoded = (Advert.decode(at, frame) for at, frame in self.frames)
        return tuple(advert for advert in decoded if advert is not None)
