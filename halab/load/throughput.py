"""What came of a load: the figure, what it cost, and why it may not count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from halab.errors import InvalidRun
from halab.load.cores import Cores
from halab.load.load import Load


@dataclass(frozen=True, kw_only=True)
class Served:
    """Of one run of a load; shares are 0 to 1, times seconds.

    ``client_cpu`` is the share that generators used of the CPUs that they may use: one for each
    thread of theirs, as far as the client has CPUs. ``latency`` is by percentile, the worst that
    any generator had; empty where they do not tell.
    """

    load: Load
    generator: str
    requests_per_second: float
    seconds: float
    succeeded: int
    errors: dict[str, int]
    bytes: int
    latency: dict[int, float]
    client_cpu: dict[str, float]
    wrong: tuple[str, ...] = ()
    """What was wrong with answers of status 2xx."""
    invalid: tuple[str, ...] = ()

    @property
    def valid(self) -> Self:
        """Itself; raises :class:`InvalidRun` with every reason why it does not count."""
        if why := "; ".join((*self.invalid, *self.wrong)):
            failed = bool(self.errors or self.wrong) or not self.succeeded
            raise InvalidRun(f"{self.generator}, /{self.load.page}: {why}", failed=failed)
        return self

    def __str__(self) -> str:
        cpus = ", ".join(f"{name} {share:.0%}" for name, share in self.client_cpu.items())
        percentiles = ", ".join(f"p{p} {s * 1e3:.1f} ms" for p, s in self.latency.items())
        return (
            f"{self.requests_per_second:.0f} requests/s in {self.seconds:.2f} s with "
            f"{self.generator}; {f'latency {percentiles}; ' if percentiles else ''}CPU of {cpus}"
        )


@dataclass(frozen=True, kw_only=True)
class Throughput(Served):
    """Of a run through HAProxy.

    ``director_cpu`` is the share of all CPUs of the director, ``haproxy_cpu`` seconds a second by
    process, and ``cpu_per_request`` the seconds that HAProxy spent on a request.
    ``softnet_drops`` are the MASTER's in this time, and ``time_wait`` its sockets in that state at
    the end.
    """

    director_cpu: float
    haproxy_cpu: dict[int, float]
    cpu_per_request: float
    haproxy_requests: int
    softnet_drops: int
    time_wait: int
    cores: Cores | None = None
    """What each CPU of the MASTER did meanwhile."""

    def __str__(self) -> str:
        return (
            f"{super().__str__()}, director {self.director_cpu:.0%}; HAProxy "
            f"{self.cpu_per_request * 1e6:.1f} µs each"
        )
