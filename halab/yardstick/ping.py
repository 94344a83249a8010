"""ping: the latency of a platform's NIC, as a client in the LAN sees it."""

from __future__ import annotations

import re

from halab.errors import NodeError
from halab.platform import Platform
from halab.yardstick.yardstick import Quantity, Reading

LATENCY = Quantity("latency", "ms", less_is_better=True)

INTERVAL = 0.1
"""Seconds between echo requests, annex A.6."""
COUNT = 60
"""Of a whole measurement there."""
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

    def measure(self, platform: Platform, seconds: float) -> tuple[Reading, ...]:
        """A tenth of a second for each request, and no fewer than so many."""
        count = COUNT if seconds * 20 >= COUNT else BRIEF_COUNT
        command = f"ping -q -i {INTERVAL} -c {count} {platform.node.address}"
        # it fails where an answer is missing: that is told from its count
        return self.read(platform.client.node.ask(command, limit=60).stdout)

    def read(self, said: str) -> tuple[Reading, ...]:
        """The mean round trip; raises :class:`NodeError` where an answer is missing."""
        counted, times = _COUNTED.search(said), _TIMES.search(said)
        if counted is None:
            raise NodeError(f"ping: no summary in its output: {said.strip()[-200:]!r}")
        sent, received = map(int, counted.groups())
        if received < sent or times is None:
            raise NodeError(f"ping: {sent - received} of {sent} echo requests had no answer")
        return (Reading(LATENCY, float(times[1])),)
