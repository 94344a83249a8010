"""What is asked of the service, whichever generator asks."""

from __future__ import annotations

from dataclasses import dataclass, replace

from halab.errors import UserError


@dataclass(frozen=True)
class Load:
    """A page asked for by so many ``connections`` in all, over all clients and ports.

    It lasts ``seconds``, or until ``requests`` have been made, in all too: exactly one of both.
    Without ``keep_alive`` each request has a connection of its own. The first ``warm_up`` seconds
    of a load are a run of their own that is thrown away; 0 is none. ``threads`` are those of each
    generator at work, one for each client and port; ab has but one. ``pace`` is how many requests
    a second are known to be served, in all: it saves a generator that cannot end by time from
    finding out; 0 where nobody knows. ``limit`` is the seconds after which one that ends by
    requests has hung. ``http2``: by HTTP/2 with prior knowledge, which h2load alone speaks.
    """

    page: str = "index.html"
    connections: int = 128
    seconds: float | None = 4.0
    requests: int | None = None
    keep_alive: bool = False
    warm_up: float = 1.0
    threads: int = 1
    pace: float = 0.0
    limit: float = 60.0
    http2: bool = False

    def __post_init__(self) -> None:
        """Raise :class:`UserError` for what no generator could do."""
        if (self.seconds is None) == (self.requests is None):
            raise UserError("a load lasts so many seconds or requests: give one, the other as None")
        length = self.seconds if self.seconds is not None else self.requests
        if self.connections < 1 or self.threads < 1 or self.warm_up < 0 or not length > 0:  # type: ignore[operator]
            raise UserError(f"{self}: a number of it is too small")

    @property
    def path(self) -> str:
        """Of the page's URL."""
        return f"/{self.page.removeprefix('/')}"

    def shares(self, generators: int) -> tuple[Load, ...]:
        """This load dealt out to so many generators at once, as evenly as it goes.

        Raises :class:`UserError` where one of them would have no connection, or fewer requests
        than connections.
        """
        connections = dealt(self.connections, generators)
        requests = dealt(self.requests, generators) if self.requests is not None else None
        if min(connections) < max(self.threads, 1):
            raise UserError(
                f"{self.connections} connections for {generators} generators (one for each client "
                f"and port) of {self.threads} threads: each thread needs one"
            )
        if requests is not None and min(requests) < max(connections):
            raise UserError(f"{self.requests} requests are fewer than a connection each")
        return tuple(
            replace(
                self,
                connections=connections[place],
                requests=requests[place] if requests is not None else None,
                pace=self.pace / generators,
            )
            for place in range(generators)
        )

    def lasting(self, seconds: float) -> Load:
        """The same, ended by time."""
        return replace(self, seconds=seconds, requests=None)

    def counted(self, requests: int) -> Load:
        """The same, ended by a number of requests; never fewer than one a connection."""
        return replace(self, seconds=None, requests=max(requests, self.connections))


def dealt(whole: int, parts: int) -> tuple[int, ...]:
    """A number in so many parts that differ by 1 at most.

    >>> dealt(128, 3)
    (43, 43, 42)
    """
    return tuple(whole // parts + (place < whole % parts) for place in range(parts))
