"""What happened through a failover, on one time axis: clients, adverts, the VIP and the budget.

Times are seconds of the story's clock, whose zero is the first fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from halab.invariants import Heard, Rules
from halab.mastership import Claim, Span, Tenure
from halab.outage import Outage
from halab.service import Service
from halab.timeline import Event


class Look(StrEnum):
    """How a stretch or a tick is told from the others; a legend has the words."""

    ANSWERED = "requests answered"
    LOST = "lost"
    PARTLY = "partly lost"
    UNSENT = "not sent"
    MASTER = "MASTER"
    HOLDER = "answers ARP for the VIP"
    ADVERT = "advert"
    RESIGNS = "resigns"
    ANNOUNCES = "gratuitous ARP"
    ALL_UP = "all backends UP"
    SOME_UP = "some backends DOWN"
    ALL_DOWN = "all backends DOWN"


@dataclass(frozen=True)
class Stretch:
    """A time in which it was so."""

    span: Span
    look: Look
    text: str


@dataclass(frozen=True)
class Tick:
    """A moment at which something was said."""

    at: float
    look: Look
    text: str


@dataclass(frozen=True)
class Lane:
    """What one party did, or what became of it."""

    name: str
    stretches: tuple[Stretch, ...] = ()
    ticks: tuple[Tick, ...] = ()


@dataclass(frozen=True)
class Band:
    """A budget, from the fault on."""

    span: Span
    text: str


@dataclass(frozen=True)
class Story:
    """All lanes, how much of them is shown, and what was done to the cluster."""

    window: Span
    lanes: tuple[Lane, ...]
    marks: tuple[Event, ...] = ()
    band: Band | None = None


def client_lane(name: str, service: Service, zero: float, finest: float) -> Lane:
    """What became of a client's requests; ``zero`` is the story's, on the client's clock.

    Outages closer together than ``finest`` seconds are one stretch, in which a part was lost.
    """
    whole = Span(service.started - zero, service.ended - zero)
    stretches = [Stretch(whole, Look.ANSWERED, f"{service.sent} requests sent")]
    for near in _together(service.outages, finest):
        span = Span(near[0].start - zero, near[-1].end - zero)
        look = Look.LOST if len(near) == 1 else Look.PARTLY
        stretches.append(Stretch(span, look, _lost(near)))
    for gap in service.gaps:
        since = gap.start - zero
        span = Span(since, since + gap.count * service.interval)
        stretches.append(Stretch(span, Look.UNSENT, f"{gap.count} not sent: {gap.reason}"))
    return Lane(name, tuple(stretches))


def director_lanes(heard: Heard, rules: Rules, zero: float) -> tuple[Lane, ...]:
    """Each director's adverts, and the times in which it was MASTER and held the VIP.

    ``zero`` is the story's, on the clock of what was ``heard``.
    """
    claims, announced = heard.claims(rules), heard.announcements(rules)
    masters, holders = heard.masters(rules), heard.holders(rules)
    lanes: list[Lane] = []
    for name in sorted(speaker.name for speaker in rules.speakers.values()):
        lanes.append(
            Lane(
                f"{name} adverts",
                tuple(_stretches(masters, name, Look.MASTER, zero)),
                tuple(_ticks(claims, name, Look.ADVERT, zero)),
            )
        )
        lanes.append(
            Lane(
                f"{name} has the VIP",
                tuple(_stretches(holders, name, Look.HOLDER, zero)),
                tuple(_ticks(announced, name, Look.ANNOUNCES, zero)),
            )
        )
    return tuple(lanes)


def _stretches(tenures: Iterable[Tenure], name: str, look: Look, zero: float) -> Iterator[Stretch]:
    for tenure in tenures:
        if tenure.who == name:
            span = Span(tenure.span.since - zero, tenure.span.until - zero)
            yield Stretch(span, look, f"{name}, heard {_times(tenure.times, 'time')}")


def _ticks(claims: Iterable[Claim], name: str, look: Look, zero: float) -> Iterator[Tick]:
    for claim in claims:
        if claim.who == name:
            seen = Look.RESIGNS if claim.resigns else look
            yield Tick(claim.at - zero, seen, f"{name}, {claim.at - zero:+.3f} s")


def _together(outages: Iterable[Outage], finest: float) -> Iterator[list[Outage]]:
    near: list[Outage] = []
    for outage in outages:
        if near and outage.start - near[-1].end > finest:
            yield near
            near = []
        near.append(outage)
    if near:
        yield near


def _lost(near: list[Outage]) -> str:
    errors = sum((outage.errors for outage in near[1:]), near[0].errors)
    said = ", ".join(f"{n} {kind.value}" for kind, n in errors.most_common())
    return f"{said} in {_times(len(near), 'outage')}, {near[-1].end - near[0].start:.3f} s"


def _times(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
