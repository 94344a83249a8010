"""Requests for a small page, from one client: by h2load, and by ab where the client has it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from halab import platform as platforms
from halab import webserver
from halab.errors import NodeError
from halab.load.ab import AB
from halab.load.crew import Crew
from halab.load.generator import Generator
from halab.load.h2load import H2LOAD
from halab.load.load import Load
from halab.load.run import served
from halab.load.throughput import Served
from halab.platform import PAGE, Platform
from halab.yardstick.yardstick import BRIEF, Quantity, Reading

CONNECTIONS = 12
GENERATORS = 2
"""Programs at once, of one thread each: bare metal serves small pages about as fast as one asks."""
WARM_UP = 0.3
"""Seconds of requests before those that count."""


@dataclass(frozen=True)
class Web:
    """A new connection for each request, as ab makes them in annex A.7."""

    generator: Generator
    quantity: Quantity
    thorough: bool = False

    @property
    def name(self) -> str:
        """The generator's."""
        return self.generator.name

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """Requests a second."""
        return (self.quantity,)

    def missing(self, platform: Platform) -> str:
        """The client's generator, or the platform's web server."""
        client = platform.client.node
        if client.ask("command -v %s >/dev/null", self.name).rc != 0:
            return f"{client.name} has no {self.name}"
        return "" if platform.has("apache2ctl") else f"{platform.node.name} has no Apache"

    def once(self, _platform: Platform) -> bool:
        """It takes as long as it is asked to."""
        return False

    def measure(self, platform: Platform, seconds: float) -> tuple[Reading, ...]:
        """The page is looked at once, and then asked for again and again.

        Raises :class:`halab.errors.InvalidRun` for a figure that would be the client's.
        """
        with platforms.serving(platform):
            answer = webserver.get(platform.node.address, platform.port, f"/{PAGE}", within=20)
            if (answer.status, answer.page) != (200, platforms.page()):
                said = f"status {answer.status}: {answer.page[:80]!r}"
                raise NodeError(f"{platform.node.name} serves another page: {said}")
            return (Reading(self.quantity, self._rate(platform, seconds)),)

    def _rate(self, platform: Platform, seconds: float) -> float:
        server = f"http://{platform.node.address}:{platform.port}"
        crew = Crew(self.generator, [(platform.client, server)] * GENERATORS)
        load = Load(PAGE, CONNECTIONS, seconds, warm_up=WARM_UP)
        shares = crew.ready(load)
        ended = crew.fire(shares)
        seen = served(load, self.generator, ended, crew.tallies(shares, ended))
        return rate(seen, brief=seconds <= BRIEF)


def rate(seen: Served, *, brief: bool) -> float:
    """Requests a second of a run that counts; a ``brief`` one is no figure, but work.

    Each answer must be as long as the page: ab takes an end without an answer for one. And a
    client that is the limit would have the same figure of bare metal and of a guest.
    Raises :class:`halab.errors.InvalidRun` with every reason why it does not count.
    """
    least = seen.succeeded * len(platforms.page().encode())
    if seen.bytes < least:
        short = f"{seen.bytes} bytes for {seen.succeeded} answers of {least} without headers"
        seen = replace(seen, wrong=(short,))
    if brief and seen.succeeded and not seen.errors:
        seen = replace(seen, invalid=())
    return seen.valid.requests_per_second


BY_H2LOAD = Web(H2LOAD, Quantity("web", "req/s"))
BY_AB = Web(AB, Quantity("web-ab", "req/s"))
