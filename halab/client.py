"""One client node: it probes the service, captures what is on the LAN, and knows its neighbours."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from halab import capture, probe, vrrp, wait
from halab.node import Node
from halab.probe import Probe
from halab.vrrp import Advert

SCRIPT = "/run/halab-prober.py"


class Client:
    """A node from which the service is seen as clients see it."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.name = node.name

    def probe(
        self, address: IPv4Address, port: int, path: str = "/index.html", interval: float = 0.002
    ) -> Probe:
        """A prober at work against the service; ``interval`` is seconds between requests."""
        self.node.put(SCRIPT, probe.script())
        command = probe.command(f"{address}:{port}", interval, path=path, at=SCRIPT)
        prober = Probe(self.node.converse("nice -n -10 " + shlex.join(command)))
        prober.start()
        return prober

    def neighbour(self, address: IPv4Address) -> str | None:
        """The MAC that this client's ARP table has for the address, after asking if need be."""
        self.node.ask("ping -c 1 -W 1 -q %s", str(address))
        for entry in json.loads(self.node.run("ip -j neigh show to %s", str(address)) or "[]"):
            return str(entry["lladdr"]) if "lladdr" in entry else None
        return None

    def clock(self) -> float:
        """Seconds of the node's wall clock, which dates what it captures."""
        return float(self.node.run("date +%%s.%%N"))

    def adverts_of(self, seconds: float) -> tuple[Advert, ...]:
        """The VRRP adverts on the LAN within this time, as this client hears them."""
        with self.capturing("vrrp", vrrp.snaplen(1)) as heard:
            wait.passing(seconds)
        return heard.adverts

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
