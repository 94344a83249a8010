"""What clients saw: when the service was away, for how long, and for whom.

All times are seconds on the client's CLOCK_MONOTONIC; all durations are seconds.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise

from halab.outage import Losses, Outage, Request, outages

FAULT, HEALED = "fault", "healed"


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


def quantile(values: Sequence[float], q: float) -> float:
    """The nearest-rank quantile of ``values`` for ``q`` in [0, 1]; NaN when there are none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * q) - 1)] if ordered else math.nan


@dataclass(frozen=True)
class Service:
    """The service as one client saw it from ``started`` to ``ended``."""

    target: str
    kind: str
    cookies: bool  # the client carried those that it was given
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
    retried: int  # requests sent again because a kept connection ended under them

    @property
    def sent(self) -> int:
        """Requests whose outcome is known."""
        return len(self.requests)

    @property
    def missed(self) -> int:
        """Sends that were not made or not seen: the prober's own failure, never the service's."""
        return sum(gap.count for gap in self.gaps)

    @property
    def meant(self) -> int:
        """Sends that there should have been."""
        return self.sent + self.missed

    @cached_property
    def lost(self) -> Losses:
        """Failed requests by class."""
        return Counter(request.outcome for request in self.requests if not request.ok)

    @cached_property
    def outages(self) -> tuple[Outage, ...]:
        """In order of time."""
        return outages(self.requests, self.interval, (self.started, self.ended))

    @cached_property
    def worst(self) -> Outage | None:
        """The longest outage; what was over when the fault came is none of the fault's."""
        return max(self._judged, key=lambda outage: outage.duration, default=None)

    @property
    def _judged(self) -> list[Outage]:
        since = self.marks.get(FAULT, -math.inf)
        return [outage for outage in self.outages if outage.end > since]

    @property
    def longest_outage(self) -> float:
        """Seconds; 0.0 when every request was answered."""
        return self.worst.duration if self.worst else 0.0

    @cached_property
    def resolution(self) -> float:
        """Seconds by which the true longest outage may differ from ``longest_outage``.

        An outage's edges lie somewhere in the gaps between sends around it, and a gap elsewhere
        can hide an outage as long as itself. So it is one interval when all went out in time, and
        it grows with what was late or missed. A test that allows for it should also refuse a
        resolution that is too coarse to judge by.
        """
        sends = [request.sent for request in self.requests]
        edges = [self.started, *sends, self.ended]
        widest = max(later - earlier for earlier, later in pairwise(edges))
        reaches = [outage.duration + outage.blind for outage in self._judged]
        return max([self.interval, widest, *reaches]) - self.longest_outage

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
    def moves(self) -> int:
        """How often an answer came from another backend than the session's answer before it.

        A session is as long as the client's cookies stay what they are; before its first cookie
        a client has none. One that never got a cookie is of one session from first to last.
        """
        first = 1 if any(request.session for request in self.requests) else 0
        served = [r for r in self.requests if r.ok and r.backend and r.session >= first]
        return sum(
            earlier.session == later.session and earlier.backend != later.backend
            for earlier, later in pairwise(served)
        )

    @property
    def lost_at_once(self) -> bool:
        """All that failed was under way at one moment, which may have been the end of it."""
        failed = [request for request in self.requests if not request.ok]
        ended = [request.intended + request.duration for request in failed]
        return max((request.sent for request in failed), default=0.0) <= min(ended, default=0.0)

    @cached_property
    def details(self) -> Counter[str]:
        """Failed requests by what exactly was seen: an errno's name, a status, or a phrase."""
        return Counter(request.detail for request in self.requests if not request.ok)

    def latency(self, q: float) -> float:
        """Seconds from the intended send to the whole answer, of answered requests; else NaN."""
        return quantile(self._answered, q)

    @property
    def mean(self) -> float:
        """Mean latency in seconds: n answers, one after the other, take n times as long."""
        return sum(self._answered) / len(self._answered) if self._answered else math.nan

    @cached_property
    def _answered(self) -> list[float]:
        return [request.duration for request in self.requests if request.ok]

    @cached_property
    def p50(self) -> float:
        """Median latency in seconds."""
        return self.latency(0.5)

    @cached_property
    def p99(self) -> float:
        """Latency in seconds that one request in a hundred exceeds."""
        return self.latency(0.99)

    def during(self, start: str, end: str | None = None) -> Service:
        """The service from one mark to another, or to the end; outages are cut at both."""
        first = self.at(start)
        last = self.ended if end is None else self.at(end)
        if last < first:
            raise ValueError(f"mark {end!r} comes before mark {start!r}")
        return self.between(first, last)

    @property
    def before_fault(self) -> Service:
        """The service until the fault came."""
        return self.between(self.started, self.at(FAULT))

    @property
    def through_fault(self) -> Service:
        """The service from the fault to its healing, or to the end."""
        return self.during(FAULT, HEALED if HEALED in self.marks else None)

    def between(self, first: float, last: float) -> Service:
        """The service from one moment to another on its own clock; outages are cut at both."""
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
        if self.retried:
            parts.append(f"{self.retried} retried, as their kept connections had ended")
        if self.lost.total() < self.sent:
            parts.append(f"latency {self._latencies()}")
        if self.served:
            low, high = min(self.served.values()), max(self.served.values())
            parts.append(f"served by {len(self.served)} backend(s), {low} to {high} each")
            if self.cookies:
                parts.append(self._loyalty())
        parts.append(f"the prober used {self.cpu:.0%} of a core")
        return "; ".join(parts) + "."

    def _loyalty(self) -> str:
        if not self.moves:
            return "its session stayed on its backend"
        if any(request.session for request in self.requests):
            return f"its session left its backend {self.moves} times"
        return f"it was given no cookie, and its answers changed backend {self.moves} times"

    def _latencies(self) -> str:
        """Before, through and after the fault, as far as there were such times."""
        phases = {"": self}
        if FAULT in self.marks:
            phases = {" before": self.before_fault, " through": self.through_fault}
        if HEALED in self.marks:
            phases[" after"] = self.during(HEALED)
        return ", ".join(
            f"p50 {part.p50 * 1e3:.1f} ms and p99 {part.p99 * 1e3:.1f} ms{phase}"
            for phase, part in phases.items()
            if part.lost.total() < part.sent
        )

    __str__ = summary
