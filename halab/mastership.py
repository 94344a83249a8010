"""Who holds an office and when, from the moments at which holders were heard to claim it.

The office is MASTER, claimed by adverts, or the VIP, claimed by ARP. Times are seconds of one
clock. What was observed is never overstated: a tenure ends with its last claim, not when the next
was due.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations


@dataclass(frozen=True)
class Claim:
    """Somebody claims the office, or with ``resigns`` lays it down."""

    at: float
    who: str
    resigns: bool = False


@dataclass(frozen=True)
class Span:
    """A time from ``since`` to ``until``."""

    since: float
    until: float

    @property
    def lasted(self) -> float:
        """Seconds."""
        return self.until - self.since

    def outside(self, others: Iterable[Span]) -> tuple[Span, ...]:
        """What is left of it without these; a moment is left whole or not at all."""
        left = [self]
        for other in others:
            left = [part for span in left for part in span._without(other)]
        return tuple(left)

    def _without(self, other: Span) -> tuple[Span, ...]:
        if other.until < self.since or self.until < other.since:
            return (self,)
        before = [Span(self.since, other.since)] if self.since < other.since else []
        after = [Span(other.until, self.until)] if other.until < self.until else []
        return (*before, *after)


@dataclass(frozen=True)
class Tenure:
    """Claims of one holder, each soon enough after the one before; ``times`` of them."""

    who: str
    span: Span
    times: int
    after: str | None
    """Who claimed last before it began, the same one perhaps; None for the first heard."""


@dataclass(frozen=True)
class Overlap:
    """Two who held the office at the same time; in the order of their names."""

    holders: tuple[str, str]
    span: Span

    def both_claimed(self, claims: Iterable[Claim]) -> bool:
        """Both claimed the office within it.

        A tenure bears lost claims; one who gave way and came back made none in between.
        """
        within = {claim.who for claim in claims if self.span.since <= claim.at <= self.span.until}
        return within >= {*self.holders}


def tenures(claims: Iterable[Claim], lapse: float) -> tuple[Tenure, ...]:
    """The tenures in these claims, by their beginning.

    A tenure ends by resignation, or with the last claim before ``lapse`` seconds without one:
    for MASTER that is Master_Down_Interval, after which another may take over.
    """
    ended: list[Tenure] = []
    running: dict[str, Tenure] = {}
    last: str | None = None
    for claim in sorted(claims, key=lambda claim: claim.at):
        held = running.get(claim.who)
        if claim.resigns:
            if held is not None:
                ended.append(running.pop(claim.who))
            continue
        if held is not None and claim.at - held.span.until <= lapse:
            span = Span(held.span.since, claim.at)
            running[claim.who] = Tenure(held.who, span, held.times + 1, held.after)
        else:
            if held is not None:
                ended.append(held)
            running[claim.who] = Tenure(claim.who, Span(claim.at, claim.at), 1, last)
        last = claim.who
    return tuple(sorted([*ended, *running.values()], key=lambda t: (t.span.since, t.who)))


def overlaps(held: Iterable[Tenure]) -> tuple[Overlap, ...]:
    """Where two held the office: each was heard both before and after any moment of it."""
    found = []
    for one, other in combinations(held, 2):
        since = max(one.span.since, other.span.since)
        until = min(one.span.until, other.span.until)
        if one.who != other.who and since <= until:
            first, second = sorted((one.who, other.who))
            found.append(Overlap((first, second), Span(since, until)))
    return tuple(sorted(found, key=lambda overlap: overlap.span.since))


@dataclass(frozen=True)
class Vacancy:
    """From the last claim to the next one, or to the end of watching; ``limit`` is its most.

    ``last`` claimed last, and ``resigned`` then; None when nobody had claimed before.
    """

    span: Span
    limit: float
    last: str | None
    resigned: bool


@dataclass(frozen=True)
class Patience:
    """Seconds that the office may be vacant, after a resignation and after silence."""

    resignation: float
    silence: float


def vacancies(
    claims: Iterable[Claim], watched: Span, patience: dict[str, Patience]
) -> tuple[Vacancy, ...]:
    """Each time between claims, with what it may last, from the beginning of watching to its end.

    ``patience`` is by who claimed last. A resignation counts only of whoever claimed last: that
    of another leaves the office where it is.
    """
    longest = max(p.silence for p in patience.values())
    last, since, limit, resigned = None, watched.since, longest, False
    found = []
    for claim in sorted(claims, key=lambda claim: claim.at):
        if claim.resigns and claim.who != last:
            continue
        found.append(Vacancy(Span(since, claim.at), limit, last, resigned))
        theirs = patience[claim.who]
        last, since, resigned = claim.who, claim.at, claim.resigns
        limit = theirs.resignation if resigned else theirs.silence
    found.append(Vacancy(Span(since, max(since, watched.until)), limit, last, resigned))
    return tuple(found)


def until_claimed(claims: Iterable[Claim], who: str, since: float) -> float:
    """Seconds from then to the first claim of somebody's that is no resignation; inf without."""
    after = (c.at - since for c in claims if c.who == who and c.at >= since and not c.resigns)
    return min(after, default=math.inf)


def silence_before(claims: Iterable[Claim], heir: str, since: float) -> float:
    """Seconds from anybody else's last claim to the heir's first ``since`` then; inf without it."""
    claims = tuple(claims)
    first = min((c.at for c in claims if c.who == heir and c.at >= since), default=math.inf)
    others = [c.at for c in claims if c.who != heir and c.at <= first]
    return first - max(others, default=-math.inf)


def until_next(claims: Iterable[Claim], first: str, then: str, since: float) -> float:
    """Seconds from one's first claim ``since`` then to the next of another; inf without either."""
    claims = [claim for claim in claims if claim.at >= since]
    began = min((claim.at for claim in claims if claim.who == first), default=math.inf)
    after = (claim.at - began for claim in claims if claim.who == then and claim.at > began)
    return min(after, default=math.inf)


@dataclass(frozen=True)
class Settlement:
    """How two holders became one again; seconds count from the healing."""

    owner: str | None
    others_adverts: int
    """How many adverts anybody but the owner still sent."""
    after: float
    """When the last of these came; 0 if none did, infinite without an owner."""
    announced: float
    """When the owner's first gratuitous ARP came; infinite if none did."""


def settlement(
    adverts: Iterable[Claim], announcements: Iterable[Claim], healed: float
) -> Settlement:
    """Who was left as MASTER after ``healed``, and how soon the LAN had it from him alone."""
    since = sorted((c for c in adverts if c.at >= healed), key=lambda claim: claim.at)
    speaking = [claim for claim in since if not claim.resigns]
    if not speaking:
        return Settlement(None, 0, float("inf"), float("inf"))
    owner = speaking[-1].who
    others = [claim.at - healed for claim in speaking if claim.who != owner]
    said = [c.at - healed for c in announcements if c.who == owner and c.at >= healed]
    return Settlement(owner, len(others), max(others, default=0.0), min(said, default=float("inf")))
