"""Outages: requests that were lost in a row.

An outage lasts from the middle of the gap before its first failed request to the middle of the
gap after its last. The service may have gone, or come back, anywhere in these gaps; from the first
failure to the last it would be measured an interval too short on average, and from the last answer
before to the first one after, an interval too long. Gaps are between requests as they really went
out: a prober that was late sends several at once, and what happened meanwhile nobody saw.

A request that was under way when the fault struck is lost from its own send on, so an outage may
begin up to one response time before its fault.

All times are seconds on the client's CLOCK_MONOTONIC; all durations are seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Outcome(Enum):
    """What became of a request; everything but OK is a loss."""

    OK = "ok"  # a whole 2xx response in time
    REFUSED = "refused"  # nobody listens
    RESET = "reset"  # the connection ended before a whole response
    TIMEOUT = "timeout"  # no whole response before the deadline
    SERVER_ERROR = "5xx"
    OTHER = "other"  # another status, no route, or not HTTP: see the detail


Losses = Counter[Outcome]


@dataclass(frozen=True, slots=True)
class Request:
    """One request: when it was meant to go out, and how long after that its outcome was known."""

    intended: float
    duration: float
    outcome: Outcome
    backend: str | None = None
    detail: str = ""
    lag: float = 0.0  # seconds that it went out after it was meant to
    session: int = 0  # how often the client's cookies had changed by then

    @property
    def sent(self) -> float:
        """When it really went out."""
        return self.intended + self.lag

    @property
    def ok(self) -> bool:
        """It was answered."""
        return self.outcome is Outcome.OK


@dataclass(frozen=True)
class Outage:
    """Failed requests in a row: [start, end) in seconds, and how many were lost to what.

    It may really be longer or shorter by ``blind`` seconds: the halves of the gaps at its edges.
    An ``open`` outage had not ended when the probing did; its end is half an interval after the
    last request.
    """

    start: float
    end: float
    errors: Losses
    lost: int
    blind: float
    open: bool = False

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.end - self.start


def outages(
    requests: Sequence[Request], interval: float, span: tuple[float, float] | None = None
) -> tuple[Outage, ...]:
    """The outages in ``requests``, which are in order of their intended times.

    ``span`` is when the probing began and ended, for what was missed at either end of it.
    """
    if not requests:
        return ()
    span = span or (requests[0].sent, requests[-1].sent)
    found = []
    first = None
    for index, request in enumerate(requests):
        if not request.ok and first is None:
            first = index
        elif request.ok and first is not None:
            found.append(_outage(requests, first, index, interval, span))
            first = None
    if first is not None:
        found.append(_outage(requests, first, len(requests), interval, span))
    return tuple(found)


def _outage(
    requests: Sequence[Request], first: int, after: int, interval: float, span: tuple[float, float]
) -> Outage:
    earliest, last = requests[first].sent, requests[after - 1].sent
    ended = after < len(requests)
    before = requests[first - 1].sent if first else min(span[0], earliest)
    start = (before + earliest) / 2
    end = (last + requests[after].sent) / 2 if ended else last + interval / 2
    behind = end - last if ended else max(interval / 2, span[1] - end)
    return Outage(
        start=start,
        end=end,
        errors=Counter(request.outcome for request in requests[first:after]),
        lost=after - first,
        blind=max(interval, earliest - start + behind),
        open=not ended,
    )
