"""What clients saw: when the service was away, for how long, and for whom.

:mod:`halab.prober` runs on a client node and sends on schedule, whatever becomes of the answers.
Here its record becomes a :class:`Service`; :mod:`halab.probe` drives it.
All times are seconds on the client's CLOCK_MONOTONIC; all durations are seconds.

An outage lasts from the intended time of the first failed request to that of the first one
answered after it. "Last answered to first answered" would overstate it by an interval
(measured on known outages). A request that was under way when the fault struck is lost
from its own send on, so an outage may begin up to one response time before its fault.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from itertools import pairwise
from typing import Any

from halab.errors import NodeError

FAULT, HEALED = "fault", "healed"
RECORD = '{"record":'  # how a record's first line begins


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

    @property
    def ok(self) -> bool:
        return self.outcome is Outcome.OK


@dataclass(frozen=True)
class Outage:
    """Failed requests in a row: [start, end) in seconds, and how many were lost to what.

    ``blind`` is the longer of the two gaps between sends at its edges, in seconds: the service
    may have gone, or come back, anywhere in them. An ``open`` outage had not ended when the
    probing did; its end is one interval after the last request.
    """

    start: float
    end: float
    errors: Losses
    lost: int
    blind: float
    open: bool = False

    @property
    def duration(self) -> float:
        return self.end - self.start


@dataclass(frozen=True)
class Gap:
    """Sends in a row that were not made, or whose outcome nobody could see, and why."""

    start: float
    count: int
    reason: str


@dataclass(frozen=True)
class Lag:
    """How late the prober itself sent, in seconds."""

    p50: float
    p99: float
    max: float


def outages(
    requests: Sequence[Request], interval: float, span: tuple[float, float] | None = None
) -> tuple[Outage, ...]:
    """The outages in ``requests``, which are in order of their intended times.

    ``span`` is when the probing began and ended, for what was missed at either end of it.
    """
    if not requests:
        return ()
    span = span or (requests[0].intended, requests[-1].intended)
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
    start, last = requests[first].intended, requests[after - 1].intended
    ended = after < len(requests)
    end = requests[after].intended if ended else last + interval
    before = requests[first - 1].intended if first else span[0]
    beyond = end if ended else span[1]
    return Outage(
        start=start,
        end=end,
        errors=Counter(request.outcome for request in requests[first:after]),
        lost=after - first,
        blind=max(interval, start - before, beyond - last),
        open=not ended,
    )


def quantile(values: Sequence[float], q: float) -> float:
    """The nearest-rank quantile of ``values`` for ``q`` in [0, 1]; NaN when there are none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * q) - 1)] if ordered else math.nan


@dataclass(frozen=True)
class Service:
    """The service as one client saw it from ``started`` to ``ended``."""

    target: str
    interval: float
    timeout: float
    started: float
    ended: float
    ended_by: str
    requests: tuple[Request, ...] = field(repr=False)
    gaps: tuple[Gap, ...]
    marks: Mapping[str, float]
    lag: Lag
    cpu: float  # the prober's share of one core

    @property
    def sent(self) -> int:
        """Requests whose outcome is known."""
        return len(self.requests)

    @property
    def missed(self) -> int:
        """Sends that were not made or not seen: the prober's own failure, never the service's."""
        return sum(gap.count for gap in self.gaps)

    @cached_property
    def lost(self) -> Losses:
        """Failed requests by class."""
        return Counter(request.outcome for request in self.requests if not request.ok)

    @cached_property
    def outages(self) -> tuple[Outage, ...]:
        return outages(self.requests, self.interval, (self.started, self.ended))

    @cached_property
    def worst(self) -> Outage | None:
        """The longest outage."""
        return max(self.outages, key=lambda outage: outage.duration, default=None)

    @property
    def longest_outage(self) -> float:
        """Seconds; 0.0 when every request was answered."""
        return self.worst.duration if self.worst else 0.0

    @cached_property
    def resolution(self) -> float:
        """Seconds by which the true longest outage may differ from ``longest_outage``.

        An outage's edges lie somewhere in the gaps between sends around it, so it may really be
        longer or shorter by the wider gap: one interval, or more where sends were missed. A gap
        elsewhere can hide an outage as long as itself. To the largest of these comes the 99th
        percentile of the prober's lag, for the sends were that much later than intended. So it
        is one interval and the lag when nothing was missed, and it grows with what was. A test
        that allows for it should also refuse a resolution that is too coarse to judge by.
        """
        sends = [request.intended for request in self.requests]
        edges = [self.started, *sends, self.ended]
        widest = max(later - earlier for earlier, later in pairwise(edges))
        reaches = [outage.duration + outage.blind for outage in self.outages]
        longest = max([self.interval, widest, *reaches])
        return longest - self.longest_outage + self.lag.p99

    @property
    def before(self) -> Losses:
        """Losses in outages that were over when the fault came."""
        return self._losses("before")

    @property
    def through(self) -> Losses:
        """Losses in outages that overlap the time from the fault to its healing, or to the end."""
        return self._losses("through")

    @property
    def after(self) -> Losses:
        """Losses in outages that began when all was healed."""
        return self._losses("after")

    def _losses(self, phase: str) -> Losses:
        chosen = (outage.errors for outage in self.outages if self._phase(outage) == phase)
        return sum(chosen, Counter())

    def _phase(self, outage: Outage) -> str:
        if outage.end <= self.at(FAULT):
            return "before"
        return "after" if outage.start > self.marks.get(HEALED, math.inf) else "through"

    def at(self, mark: str) -> float:
        """When ``mark`` was set. Raises :class:`LookupError` when it was not."""
        if mark not in self.marks:
            known = ", ".join(self.marks) or "none"
            raise LookupError(f"no mark {mark!r} on this probe; marks: {known}")
        return self.marks[mark]

    @cached_property
    def served(self) -> Counter[str]:
        """Answered requests by backend; those that name no backend are not counted."""
        return Counter(r.backend for r in self.requests if r.ok and r.backend is not None)

    @cached_property
    def details(self) -> Counter[str]:
        """Failed requests by what exactly was seen: an errno's name, a status, or a phrase."""
        return Counter(request.detail for request in self.requests if not request.ok)

    def latency(self, q: float) -> float:
        """Seconds from the intended send to the whole answer, of answered requests; else NaN."""
        return quantile([request.duration for request in self.requests if request.ok], q)

    @cached_property
    def p50(self) -> float:
        return self.latency(0.5)

    @cached_property
    def p99(self) -> float:
        return self.latency(0.99)

    def during(self, start: str, end: str | None = None) -> Service:
        """The service from one mark to another, or to the end; outages are cut at both."""
        first = self.at(start)
        last = self.ended if end is None else self.at(end)
        if last < first:
            raise ValueError(f"mark {end!r} comes before mark {start!r}")
        return replace(
            self,
            started=first,
            ended=last,
            requests=tuple(r for r in self.requests if first <= r.intended < last),
            gaps=tuple(cut for gap in self.gaps if (cut := self._cut(gap, first, last))),
        )

    def _cut(self, gap: Gap, first: float, last: float) -> Gap | None:
        times = [gap.start + index * self.interval for index in range(gap.count)]
        inside = [time for time in times if first <= time < last]
        return Gap(inside[0], len(inside), gap.reason) if inside else None

    def summary(self) -> str:
        """One paragraph for the operator."""
        parts = [
            f"{self.sent} requests to {self.target} in {self.ended - self.started:.1f} s",
            f"one every {self.interval * 1e3:g} ms",
            f"{self.sent - self.lost.total()} answered",
        ]
        if self.worst is None:
            parts.append(f"none lost (an outage under {self.resolution:.4f} s may go unseen)")
        else:
            errors = ", ".join(f"{kind.value} {n}" for kind, n in self.lost.most_common())
            parts.append(f"{self.lost.total()} lost ({errors}) in {len(self.outages)} outage(s)")
            since = self.marks.get(FAULT, self.started)
            parts.append(
                f"the longest {self.longest_outage:.3f} s ± {self.resolution:.4f} s, "
                f"{self.worst.start - since:+.3f} s from the "
                f"{'fault' if FAULT in self.marks else 'start'}"
                f"{', not over at the end' if self.worst.open else ''}"
            )
        if self.missed:
            reasons = ", ".join(sorted({gap.reason for gap in self.gaps}))
            parts.append(f"{self.missed} sends missed by the prober itself ({reasons})")
        if self.lost.total() < self.sent:
            parts.append(f"latency p50 {self.p50 * 1e3:.1f} ms, p99 {self.p99 * 1e3:.1f} ms")
        if self.served:
            low, high = min(self.served.values()), max(self.served.values())
            parts.append(f"served by {len(self.served)} backend(s), {low} to {high} each")
        return "; ".join(parts) + "."

    __str__ = summary


def parse(lines: Iterable[str]) -> Service:
    """The service of a prober's output; what it said before its record is passed over.

    Raises :class:`NodeError` when the record is not there, not whole or not sound.
    """
    rest, last = iter(lines), "nothing"
    try:
        for last in rest:
            if last.startswith(RECORD):
                return _service(json.loads(last), json.loads(next(rest, "")))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise NodeError(f"the prober's record is broken: {error!r}") from None
    raise NodeError(f"the prober left no record; the last it said: {last.strip()[:200]}")


def _service(header: dict[str, Any], rows: list[list[int]]) -> Service:
    if header["record"] != 1:
        raise ValueError(f"record version {header['record']}, not 1")
    if len(rows) != header["sent"]:
        raise ValueError(f"{len(rows)} rows of {header['sent']}")
    interval, started = float(header["interval"]), float(header["started"])
    kinds = [Outcome(name) for name in header["outcomes"]]
    backends, details = header["backends"], header["details"]
    # Index -1 is "none", and Python takes it for the last.
    backends, details = [*backends, None], [*details, ""]
    if any(min(row[0], row[2], row[3] + 1, row[4] + 1) < 0 for row in rows):
        raise ValueError("a row with an index below -1")
    if any(earlier[0] >= later[0] for earlier, later in pairwise(rows)):
        raise ValueError("rows out of order")
    return Service(
        target=str(header["target"]),
        interval=interval,
        timeout=float(header["timeout"]),
        started=started,
        ended=float(header["ended"]),
        ended_by=str(header["ended_by"]),
        requests=tuple(
            Request(started + n * interval, us / 1e6, kinds[kind], backends[b], details[d])
            for n, us, kind, b, d in rows
        ),
        gaps=tuple(
            Gap(started + n * interval, int(count), str(header["reasons"][reason]))
            for n, count, reason in header["gaps"]
        ),
        marks={str(name): float(at) for name, at in header["marks"]},
        lag=Lag(**{name: float(value) for name, value in header["lag"].items()}),
        cpu=float(header["cpu"]),
    )
