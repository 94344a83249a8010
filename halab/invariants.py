"""What must hold on the LAN at all times, and where it did not: breaches, in an operator's words.

Times are seconds of the capturing client's wall clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address

from halab import mastership
from halab.budget import Budget
from halab.capture import Arp
from halab.mastership import Claim, Patience, Span, Tenure
from halab.vrrp import Advert, Timers

ASKING = 0.25
"""Seconds between the questions who has the VIP."""


class Kind(StrEnum):
    """What can be broken; a test may expect one of them and not another."""

    TWO_MASTERS = "two directors advertise"
    NO_MASTER = "no director advertises"
    TWO_HOLDERS = "two answer ARP for the VIP"
    NO_HOLDER = "nobody answers ARP for the VIP"
    STRANGER = "a stranger has the VIP"
    WRONG_ADVERT = "an advert is not as configured"
    UNANNOUNCED = "a takeover is not announced"


@dataclass(frozen=True)
class Speaker:
    """A director as it should be on the LAN; ``timers`` are of its deployed configuration."""

    name: str
    mac: str
    priority: int
    timers: Timers
    resignation: Budget
    """How long the LAN may be without a MASTER once this one has resigned."""
    silence: Budget
    """The same once this one has fallen silent."""
    tracked: frozenset[int] = frozenset()
    """Priorities that what it tracks may give it for a time."""


@dataclass(frozen=True)
class Rules:
    """What the LAN is judged by. ``work`` is seconds that a takeover may take beyond its timer."""

    vip: IPv4Address
    version: int
    virtual_router_id: int
    speakers: Mapping[IPv4Address, Speaker]
    work: float

    def name(self, source: IPv4Address) -> str:
        """A director by its name, anybody else by the address."""
        return self.speakers[source].name if source in self.speakers else str(source)

    def owner(self, mac: str) -> str:
        """A director by its name, anybody else by the MAC."""
        return next((s.name for s in self.speakers.values() if s.mac == mac), mac)

    @property
    def overlap(self) -> Budget:
        """For how long two may be MASTER: the worse one goes at the better one's first advert."""
        return Budget.preemption(max((s.timers for s in self.speakers.values()), key=_interval))

    @property
    def lapse(self) -> float:
        """Silence after which another may be MASTER: the shortest Master_Down_Interval."""
        return min(s.timers.master_down_interval for s in self.speakers.values())

    def faults_of(self, advert: Advert) -> Iterator[str]:
        """What is wrong with an advert, if it is one of this cluster's."""
        speaker = self.speakers.get(advert.source)
        ours = advert.virtual_router_id == self.virtual_router_id
        if speaker is None:
            if ours:
                yield f"{advert.source} advertises virtual router {advert.virtual_router_id}"
            return
        if not ours:
            yield self._differs(
                speaker, "virtual router", advert.virtual_router_id, self.virtual_router_id
            )
        if advert.version != self.version:
            yield self._differs(speaker, "VRRP version", advert.version, self.version)
        if advert.priority not in (speaker.priority, 0, *speaker.tracked):
            yield self._differs(speaker, "priority", advert.priority, speaker.priority)
        if abs(advert.advert_int - speaker.timers.advert_int) > 0.001:  # a centisecond is told
            yield self._differs(
                speaker, "advert_int", f"{advert.advert_int:g}", f"{speaker.timers.advert_int:g}"
            )
        if advert.addresses != (self.vip,):
            said = ", ".join(map(str, advert.addresses)) or "no address"
            yield self._differs(speaker, "VIP", said, self.vip)

    def _differs(self, speaker: Speaker, what: str, said: object, configured: object) -> str:
        return f"{speaker.name} advertises {what} {said}, configured is {configured}"


def _interval(timers: Timers) -> float:
    return timers.advert_int


@dataclass(frozen=True)
class Heard:
    """All that was heard on the LAN while it was watched."""

    watched: Span
    adverts: tuple[Advert, ...] = ()
    arps: tuple[Arp, ...] = ()

    def claims(self, rules: Rules) -> tuple[Claim, ...]:
        """The directors' adverts, for whatever virtual router."""
        return tuple(
            Claim(a.at, rules.name(a.source), a.resigns)
            for a in self.adverts
            if a.source in rules.speakers
        )

    def holdings(self, rules: Rules) -> tuple[Claim, ...]:
        """ARP by whoever says that it has the VIP."""
        return tuple(
            Claim(a.at, rules.owner(a.sender_mac)) for a in self.arps if a.sender_ip == rules.vip
        )

    def masters(self, rules: Rules) -> tuple[Tenure, ...]:
        """Who was MASTER when, by adverts."""
        return mastership.tenures(self.claims(rules), rules.lapse)

    def holders(self, rules: Rules) -> tuple[Tenure, ...]:
        """Who had the VIP when, by answers to the questions for it: two may go unanswered."""
        return mastership.tenures(self.holdings(rules), 3 * ASKING)

    def announcements(self, rules: Rules) -> tuple[Claim, ...]:
        """Gratuitous ARP for the VIP."""
        return tuple(
            Claim(a.at, rules.owner(a.sender_mac))
            for a in self.arps
            if a.gratuitous and a.sender_ip == rules.vip
        )


@dataclass(frozen=True)
class Breach:
    """An invariant that did not hold, for longer than ``limit`` seconds if it has one."""

    kind: Kind
    span: Span
    what: str
    limit: Budget | None = None

    def unforgiven(self, forgiven: Iterable[Span], window: Span) -> bool:
        """True if it is too long outside of what is forgiven, and became so in the window."""
        allowed = self.limit.value if self.limit is not None else 0.0
        return any(
            window.since <= part.since + allowed <= window.until
            and (self.limit is None or part.lasted > allowed)
            for part in self.span.outside(forgiven)
        )

    def text(self, origin: float) -> str:
        """One line; times count from ``origin``."""
        begins = f"{self.span.since - origin:+.3f} s"
        if self.limit is None:
            return f"{begins}: {self.what}"
        return f"from {begins} for {self.span.lasted:.3f} s, {self.what}; budget {self.limit}"


@dataclass(frozen=True)
class Expectation:
    """A fault must break an invariant: what is forgiven, in which time, and why."""

    kind: Kind
    why: str
    span: Span = field(default=Span(float("-inf"), float("inf")))


def breaches(heard: Heard, rules: Rules) -> tuple[Breach, ...]:
    """Every breach, forgiven or not, by its beginning."""
    found = [
        *_wrong_adverts(heard, rules),
        *_masters(heard, rules),
        *_holders(heard, rules),
        *_unannounced(heard, rules),
        *_silently_healed(heard, rules),
    ]
    return tuple(sorted(found, key=lambda breach: breach.span.since))


def unforgiven(
    found: Iterable[Breach], expected: Iterable[Expectation], window: Span
) -> tuple[Breach, ...]:
    """The breaches of this window that no test expects."""
    allowed: dict[Kind, list[Span]] = {kind: [] for kind in Kind}
    for expectation in expected:
        allowed[expectation.kind].append(expectation.span)
    return tuple(b for b in found if b.unforgiven(allowed[b.kind], window))


def _wrong_adverts(heard: Heard, rules: Rules) -> Iterator[Breach]:
    for advert in heard.adverts:
        for fault in rules.faults_of(advert):
            yield Breach(Kind.WRONG_ADVERT, Span(advert.at, advert.at), fault)


def _masters(heard: Heard, rules: Rules) -> Iterator[Breach]:
    claims = heard.claims(rules)
    for overlap in mastership.overlaps(heard.masters(rules)):
        if overlap.span.lasted > rules.overlap.value and overlap.both_claimed(claims):
            both = " and ".join(overlap.holders)
            what = f"both {both} advertised as MASTER (split brain)"
            yield Breach(Kind.TWO_MASTERS, overlap.span, what, rules.overlap)
    by_name = {s.name: s for s in rules.speakers.values()}
    longest = max((s.silence for s in by_name.values()), key=_seconds)
    patience = {n: Patience(s.resignation.value, s.silence.value) for n, s in by_name.items()}
    for vacancy in mastership.vacancies(claims, heard.watched, patience):
        if vacancy.span.lasted > vacancy.limit:
            if vacancy.last is None:
                budget, before = longest, "nor since the watch began"
            elif vacancy.resigned:
                budget, before = by_name[vacancy.last].resignation, f"{vacancy.last} had resigned"
            else:
                budget, before = by_name[vacancy.last].silence, f"{vacancy.last} fell silent"
            what = f"no director advertised as MASTER ({before})"
            yield Breach(Kind.NO_MASTER, vacancy.span, what, budget)


def _holders(heard: Heard, rules: Rules) -> Iterator[Breach]:
    directors = {s.name for s in rules.speakers.values()}
    claims = heard.holdings(rules)
    for claim in claims:
        if claim.who not in directors:
            what = f"{claim.who}, no director, claims the VIP {rules.vip} by ARP (duplicate VIP)"
            yield Breach(Kind.STRANGER, Span(claim.at, claim.at), what)
    theirs = [claim for claim in claims if claim.who in directors]
    held = (tenure for tenure in heard.holders(rules) if tenure.who in directors)
    for overlap in mastership.overlaps(held):
        if overlap.span.lasted > rules.overlap.value:
            both = " and ".join(overlap.holders)
            what = f"both {both} had the VIP {rules.vip} by ARP (duplicate VIP)"
            yield Breach(Kind.TWO_HOLDERS, overlap.span, what, rules.overlap)
    longest = max((s.silence for s in rules.speakers.values()), key=_seconds)
    # the last answer may be a question older than the fault, and the next one newer than the heir
    terms = f"{longest.terms}, + 2 × {ASKING:g} s between questions"
    budget = Budget(longest.value + 2 * ASKING, terms)
    patience = {name: Patience(budget.value, budget.value) for name in directors}
    for vacancy in mastership.vacancies(theirs, heard.watched, patience):
        if vacancy.span.lasted > vacancy.limit:
            what = f"no director had the VIP {rules.vip} by ARP"
            yield Breach(Kind.NO_HOLDER, vacancy.span, what, budget)


def _unannounced(heard: Heard, rules: Rules) -> Iterator[Breach]:
    announced = heard.announcements(rules)
    for tenure in heard.masters(rules):
        began = tenure.span.since
        due = began + rules.work
        if tenure.after in (None, tenure.who) or due > heard.watched.until:
            continue
        if not any(a.who == tenure.who and abs(a.at - began) <= rules.work for a in announced):
            what = (
                f"{tenure.who} took over from {tenure.after} and sent no gratuitous ARP for "
                f"{rules.vip} within {rules.work:g} s: switches and neighbours still know the old "
                "MASTER's MAC"
            )
            yield Breach(Kind.UNANNOUNCED, Span(due, due), what)


def _silently_healed(heard: Heard, rules: Rules) -> Iterator[Breach]:
    """Split brains that ended, and whose MASTER did not say so when the other fell silent."""
    announced, tenures = heard.announcements(rules), heard.masters(rules)
    within = rules.overlap.value + rules.work
    for overlap in mastership.overlaps(tenures):
        ended, due = overlap.span.until, overlap.span.until + within
        known = ended + 2 * rules.overlap.value  # it is over: the other has missed an advert
        left = {t.who for t in tenures if t.span.since < ended < t.span.until}
        lasted = overlap.span.lasted > rules.overlap.value
        if not lasted or len(left) != 1 or known > heard.watched.until:
            continue
        (owner,) = left
        if not any(a.who == owner and ended - rules.work <= a.at <= due for a in announced):
            (other,) = set(overlap.holders) - left
            what = (
                f"{owner} was left as MASTER when {other} fell silent, and sent no gratuitous ARP "
                f"for {rules.vip} within {within:g} s: who took {other}'s MAC still has it"
            )
            yield Breach(Kind.UNANNOUNCED, Span(known, known), what)


def _seconds(budget: Budget) -> float:
    return budget.value
