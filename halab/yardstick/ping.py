"""ping: the latency of a platform's NIC, as a client in the LAN sees it."""

from __future__ import annotations

import re

from halab.errors import NodeError
from halab.platform import Platform
from halab.yardstick.yardstick import WHOLE, Quantity, Reading

LATENCY = Quantity("latency", "ms", less_is_better=True)

INTERVAL = 0.1
"""Seconds between echo requests, annex A.6."""
COUNT = 60
"""Of a whole measurement, as there."""
BRIEF_COUNT = 20

_COUNTED = re.compile(r"^(\d+) packets transmitted, (\d+) received", re.MULTILINE)
_TIMES = re.compile(r"^rtt min/avg/max/mdev = [\d.]+/([\d.]+)/", re.MULTILINE)


class Ping:
    """Echo requests from the platform's client."""

    name = "ping"
    quantities = (LATENCY,)
    thorough = False

    def missing(self, platform: Platform) -> str:
        """The client's program."""
        client = platform.client.node
        there = client.ask("command -v ping >/dev/null").rc == 0
        return "" if there else f"{client.name} has no ping"

    def once(self, _platform: Platform) -> bool:
        """It takes six seconds."""
        return False

    def measure(self, platform: Platform, seconds: float) -> tuple[Reading, ...]:
        """By its count, not by time."""
        # it fails where an answer is missing: that is told from its count
        return self.read(platform.client.node.ask(self.command(platform, seconds), limit=60).stdout)

    def command(self, platform: Platform, seconds: float) -> str:
        """For the client's shell."""
        count = COUNT if seconds >= WHOLE else BRIEF_COUNT
        return f"ping -q -i {INTERVAL} -c {count} {platform.node.address}"

    def read(self, said: str) -> tuple[Reading, ...]:
        """The mean round trip; raises :class:`NodeError` where an answer is missing."""
        counted, times = _COUNTED.search(said), _TIMES.search(said)
        if counted is None:
            raise NodeError(f"ping: no summary in its output: {said.strip()[-200:]!r}")
        sent, received = map(int, counted.groups())
        if received < sent or times is None:
            raise NodeError(f"ping: {sent - received} of {sent} echo requests had no answer")
        return (Reading(LATENCY, float(times[1])),)
