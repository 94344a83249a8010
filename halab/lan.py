"""The LAN under watch: what a client hears of VRRP and ARP, from before a test to after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from halab import arp_question, capture, invariants, mastership, story, timeline, vrrp, wait
from halab.budget import Budget
from halab.capture import Arp, Packet
from halab.client import Client
from halab.cluster import Cluster
from halab.director import Director
from halab.errors import NodeError
from halab.invariants import ASKING, Breach, Expectation, Heard, Kind, Rules, Speaker
from halab.mastership import Settlement, Span
from halab.node import each
from halab.other_clock import ClientClock
from halab.story import Lane
from halab.timeline import Event
from halab.transport import Recording
from halab.vrrp import Advert
from halab.wait import Condition
from halab.watch import Reached

# A frame takes a moment from the wire to here, beside the way from the client: what is younger than
# this is judged later. Seconds.
_ON_ITS_WAY = 0.05
# Seconds without a question of its own, after which a client is taken for deaf or dumb.
_DEAF = 12 * ASKING


def rules(cluster: Cluster) -> Rules:
    """What must be on the wire is as asked for, and how long it may be away the nodes' own."""
    vrrp_of, works = cluster.vrrp, cluster.lab.takeover_works
    directors = cluster.directors
    nodes = [director.node for director in directors.values()]
    instances = each(nodes, lambda node: directors[node.name].keepalived.instance())
    macs = each(nodes, lambda node: directors[node.name].mac())
    speakers = {}
    for name, director in directors.items():
        (other,) = (instance.timers for n, instance in instances.items() if n != name)
        speakers[director.node.address] = Speaker(
            name=name,
            mac=macs[name],
            priority=cluster.topology.directors[name].priority,
            timers=instances[name].timers,
            resignation=Budget.resignation(other, works),
            silence=Budget.silence(other, works, vrrp_of.takeover_adverts),
            tracked=instances[name].tracked_priorities,
        )
    return Rules(
        vip=cluster.vip,
        version=vrrp_of.version,
        virtual_router_id=vrrp_of.virtual_router_id,
        speakers=speakers,
        work=sum(work.seconds for work in works),
    )


class Listening:
    """What one client hears of VRRP and ARP, as long as it listens."""

    def __init__(self, client: Client, rules: Rules, heard: Recording, asks: Recording) -> None:
        self.client = client
        self.rules = rules
        self.clock = ClientClock(client)
        self._since = self.now()
        self._heard, self._asks = heard, asks
        self._decoded = 0
        self._asked = self._since
        self._adverts: list[Advert] = []
        self._arps: list[Arp] = []

    def now(self) -> float:
        """The client's wall clock."""
        return self.clock.at(wait.clock())

    def heard(self) -> Heard:
        """All of it up to now; raises :class:`NodeError` if the client hears no more."""
        until = max(self.now() - 2 * self.clock.error - _ON_ITS_WAY, self._since)
        self._asks.so_far()
        for packet in self._fresh(self._heard.so_far()):
            if advert := Advert.decode(packet.at, packet.frame):
                self._adverts.append(advert)
            elif arp := Arp.decode(packet.at, packet.frame):
                self._arps.append(arp)
                if arp.target_ip == self.rules.vip and arp_question.asked(arp):
                    self._asked = arp.at
        if until - self._asked > _DEAF:
            raise NodeError(
                f"{self.client.name} has not heard its own questions for the VIP for "
                f"{until - self._asked:.1f} s, so its silence says nothing: has tcpdump ended, or "
                f"{self.client.node.nic} gone down? {self._asks.errors()}{self._heard.errors()}"
            )
        return Heard(Span(self._since, until), tuple(self._adverts), tuple(self._arps))

    def _fresh(self, raw: bytearray) -> Iterator[Packet]:
        """The frames that have come since the last time, each once it is whole."""
        if len(raw) < capture.GLOBAL_HEADER:
            return
        begin = max(self._decoded, capture.GLOBAL_HEADER)
        self._decoded = begin
        header, records = bytes(raw[: capture.GLOBAL_HEADER]), bytes(raw[begin:])
        for packet in capture.packets([header, records]):
            self._decoded += capture.RECORD_HEADER + len(packet.frame)
            yield packet


@contextmanager
def listening(client: Client, rules: Rules) -> Iterator[Listening]:
    """Have the client listen to VRRP and ARP, and ask who has the VIP, while the block runs."""
    with ExitStack() as ending:
        nic = client.node.nic
        heard = client.node.record(capture.command(nic, "vrrp or arp", vrrp.snaplen(1)))
        ending.callback(heard.finish)
        heard.await_said("listening on", within=10)
        asks = client.node.record(arp_question.command(nic, rules.vip, ASKING))
        ending.callback(asks.finish)
        yield Listening(client, rules, heard, asks)


class Lan:
    """The LAN through one test: judged at its end, and there to be asked before.

    Every invariant of :mod:`halab.invariants` must hold, except what a fault must break and the
    test says so by :meth:`expects`. ``marks`` are what was done to the cluster, and when on
    :func:`halab.wait.clock`; more may come, and times count from the first.
    """

    def __init__(self, listening: Listening, marks: Sequence[tuple[float, str]] = ()) -> None:
        listening.clock.check()
        self._listening = listening
        self.rules = listening.rules
        self._since = self._judged = listening.now()
        self._marked = marks
        self._expected: list[Expectation] = []

    # -- what the test says ------------------------------------------------------------------

    def expects(self, kind: Kind, why: str) -> None:
        """From here on the fault breaks this invariant, for the reason given, and no other."""
        since = self._listening.now() - self._listening.clock.error
        self._expected.append(Expectation(kind, why, Span(since, float("inf"))))

    def expects_split_brain(self, why: str) -> None:
        """From here on both directors advertise, and both answer ARP, for the reason given."""
        self.expects(Kind.TWO_MASTERS, why)
        self.expects(Kind.TWO_HOLDERS, why)

    def expects_no_more(self, kind: Kind) -> None:
        """From here on this invariant must hold again, within its own budget."""
        now = self._listening.now()
        self._expected = [
            Expectation(e.kind, e.why, Span(e.span.since, min(e.span.until, now)))
            if e.kind is kind
            else e
            for e in self._expected
        ]

    # -- what the test may ask ---------------------------------------------------------------

    def breaches(self, kind: Kind) -> tuple[Breach, ...]:
        """Those of this test, expected or not: so a test sees that what it expects did come."""
        found = invariants.breaches(self._listening.heard(), self.rules)
        return tuple(b for b in found if b.kind is kind and b.span.until >= self._since)

    def split_brain(self) -> Condition:
        """Both directors have advertised, in this test, for longer than they ever may."""
        return Condition("both directors advertise", lambda: self.breaches(Kind.TWO_MASTERS))

    def resigned(self, director: Director) -> bool:
        """True if this director has said in this test, by priority 0, that it is MASTER no more."""
        claims = self._listening.heard().claims(self.rules)
        return any(c.resigns and c.who == director.name for c in claims if c.at >= self._since)

    def advertises(self, director: Director, since: float) -> Reached:
        """When this director first advertised from a moment of :func:`wait.clock` on; inf if never.

        From the wire: a busy machine may answer nobody for seconds who asks a director for it.
        """
        clock = self._listening.clock
        claims = self._listening.heard().claims(self.rules)
        after = mastership.until_claimed(claims, director.name, clock.at(since))
        return Reached(after, 2 * clock.error)

    def silence_before(self, heir: Director) -> float:
        """Seconds from anybody else's last advert to the first of this director in this test.

        Both are of one capture, so no clock is compared; inf if it has not advertised.
        """
        claims = self._listening.heard().claims(self.rules)
        return mastership.silence_before(claims, heir.name, self._since)

    def announced_until(self, stranger: str, owner: Director) -> float:
        """Seconds from the first gratuitous ARP of this MAC in this test to the owner's next one.

        keepalived's may be an old one: its second, ``vrrp_garp_master_delay`` seconds after it
        became MASTER. Both are of one capture; inf if either did not come.
        """
        said = self._listening.heard().announcements(self.rules)
        return mastership.until_next(said, stranger, owner.name, self._since)

    def settlement(self, healed: float) -> Settlement:
        """How the LAN came to one MASTER after ``healed``, a moment of :func:`wait.clock`."""
        heard, at = self._listening.heard(), self._listening.clock.at(healed)
        return mastership.settlement(heard.claims(self.rules), heard.announcements(self.rules), at)

    def only(self, director: Director, adverts: int = 3) -> Condition:
        """From now on so many adverts come one after the other from this director alone."""
        since = self._listening.now()

        def last() -> list[str]:
            claims = self._listening.heard().claims(self.rules)
            return [c.who for c in claims if c.at >= since and not c.resigns][-adverts:]

        return Condition(
            f"{director.name} alone advertises",
            lambda: last() == [director.name] * adverts,
            seen=lambda: f"the last adverts are of {last()}",
        )

    # -- what is judged ----------------------------------------------------------------------

    def unforgiven(self) -> tuple[Breach, ...]:
        """The breaches since this was last asked, or since the test began, that none expects."""
        heard = self._listening.heard()
        window = Span(self._judged, heard.watched.until)
        self._judged = max(window.until, self._judged)
        found = invariants.breaches(heard, self.rules)
        return invariants.unforgiven(found, self._expected, window)

    def broken(self) -> frozenset[Kind]:
        """What this test has not expected and has had so far, judged already or not."""
        heard = self._listening.heard()
        window = Span(self._since, heard.watched.until)
        found = invariants.breaches(heard, self.rules)
        return frozenset(b.kind for b in invariants.unforgiven(found, self._expected, window))

    def verdict(self, found: tuple[Breach, ...]) -> str:
        """The breaches in an operator's words, what is said again and again told once."""
        said: dict[str, list[Breach]] = {}
        for breach in found:
            said.setdefault(breach.what if breach.limit is None else repr(breach), []).append(
                breach
            )
        told = []
        for same in said.values():
            again = f" ({len(same)} times)" if len(same) > 1 else ""
            told.append(f"LAN: {same[0].text(self._origin)}{again}")
        return "\n".join(told)

    def timeline(self) -> str:
        """All that was heard in the test's time, and the marks."""
        heard = self._listening.heard()
        early = max(s.timers.advert_int for s in self.rules.speakers.values())
        window = Span(self._since - early, heard.watched.until)
        expected = [f"expected: {e.kind}: {e.why}" for e in self._expected]
        told = timeline.lines(heard, self.rules, self._marks, window, self._origin)
        return "\n".join([*expected, *told])

    def lanes(self, here: float) -> tuple[Lane, ...]:
        """What the directors said, for a story whose zero is ``here`` on :func:`wait.clock`."""
        zero = self._listening.clock.at(here)
        return story.director_lanes(self._listening.heard(), self.rules, zero)

    def summary(self) -> str:
        """One line for the report; empty for a test too short to hear an advert."""
        heard = self._listening.heard()
        window = Span(self._since, heard.watched.until)
        return timeline.summary(heard, self.rules, window, self._origin)

    @property
    def _marks(self) -> list[Event]:
        return [Event(self._listening.clock.at(here), text) for here, text in self._marked]

    @property
    def _origin(self) -> float:
        return self._marks[0].at if self._marks else self._since
