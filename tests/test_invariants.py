"""The LAN's invariants: what is a breach, what is forgiven, and the words for it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from halab.budget import Budget, Work
from halab.capture import Arp, Operation
from halab.invariants import (
    Breach,
    Expectation,
    Heard,
    Kind,
    Rules,
    Speaker,
    breaches,
    unforgiven,
)
from halab.mastership import Span
from halab.timeline import Event, lines, summary
from halab.vrrp import GROUP, Advert, Timers

VIP = IPv4Address("192.168.250.250")
LB1, LB2 = IPv4Address("192.168.250.121"), IPv4Address("192.168.250.111")
OTHER = IPv4Address("192.168.250.116")
MACS = {LB1: "02:00:00:00:00:01", LB2: "02:00:00:00:00:02", OTHER: "02:00:00:00:00:99"}
WORKS = [Work("takeover_work", 0.05)]
BETTER, WORSE = Timers(2, 1, 150), Timers(2, 1, 100)


def speaker(name: str, address: IPv4Address, own: Timers, other: Timers) -> Speaker:
    return Speaker(
        name,
        MACS[address],
        own.priority,
        own,
        Budget.resignation(other, WORKS),
        Budget.silence(other, WORKS),
    )


RULES = Rules(
    VIP,
    2,
    11,
    {LB1: speaker("lb1", LB1, BETTER, WORSE), LB2: speaker("lb2", LB2, WORSE, BETTER)},
    0.05,
)


def adverts(source: IPv4Address, *at: float, **other: object) -> tuple[Advert, ...]:
    said = Advert(
        0, source, GROUP, MACS[source], "01:00:5e:00:00:12", 2, 11,
        RULES.speakers[source].priority if source in RULES.speakers else 100, 1.0, (VIP,),
    )  # fmt: skip
    return tuple(replace(said, at=moment, **other) for moment in at)  # type: ignore[arg-type]


def announced(source: IPv4Address, *at: float) -> tuple[Arp, ...]:
    return tuple(Arp(moment, Operation.REQUEST, MACS[source], VIP, VIP) for moment in at)


def answered(source: IPv4Address, since: int, until: int) -> tuple[Arp, ...]:
    """Twice a second."""
    return tuple(
        Arp(half / 2, Operation.REPLY, MACS[source], VIP, IPv4Address(0))
        for half in range(2 * since, 2 * until + 1)
    )


def heard(until: float, said: tuple[Advert, ...], *arps: tuple[Arp, ...]) -> Heard:
    return Heard(Span(0, until), said, tuple(arp for some in arps for arp in some))


HEALTHY = heard(10, adverts(LB1, *range(11)), answered(LB1, 0, 10))
TAKEOVER = heard(
    10,
    adverts(LB1, 0, 1, 2) + adverts(LB2, 5.62, 6.62, 7.62, 8.62, 9.62),
    answered(LB1, 0, 2),
    announced(LB2, 5.63),
    answered(LB2, 6, 10),
)
SPLIT = heard(
    10,
    adverts(LB1, *range(11)) + adverts(LB2, 2.5, 3.5, 4.5, 5.5, 6.5),
    answered(LB1, 0, 10),
    announced(LB2, 2.51),
    announced(LB1, 6.51),
)


def kinds(found: tuple[Breach, ...]) -> list[Kind]:
    return [breach.kind for breach in found]


@pytest.mark.parametrize("quiet", [HEALTHY, TAKEOVER], ids=["healthy", "takeover"])
def test_healthy_lan_breaches_nothing(quiet: Heard) -> None:
    """A takeover after silence, within its budget and announced, is what VRRP is for."""
    assert breaches(quiet, RULES) == ()


def test_two_masters_for_longer_than_an_advert() -> None:
    """Both by name, since when, for how long, and the budget's terms."""
    (breach,) = breaches(SPLIT, RULES)
    assert breach.kind is Kind.TWO_MASTERS
    assert breach.text(2.0) == (
        "from +0.500 s for 4.000 s, both lb1 and lb2 advertised as MASTER (split brain); "
        "budget 1.000 s (advert_int 1 s)"
    )


def test_two_masters_at_a_preemption() -> None:
    """One advert each may cross."""
    said = adverts(LB2, 0, 1, 2, 3) + adverts(LB1, 2.9, 3.9, 4.9)
    arps = (answered(LB2, 0, 2), announced(LB1, 2.91), answered(LB1, 3, 5))
    assert breaches(heard(5, said, *arps), RULES) == ()


def test_who_gave_way_and_came_back_was_no_master_in_between() -> None:
    """A tenure bears a silence as long as this one; but nobody is MASTER who says nothing."""
    said = adverts(LB2, 0, 1, 2) + adverts(LB1, 2.5, 3.7) + adverts(LB2, 4.4, 5.4)
    assert Kind.TWO_MASTERS not in kinds(breaches(heard(5.5, said), RULES))


def test_masters_of_different_virtual_routers_are_two_masters() -> None:
    """That they do not hear each other is how it comes about; both say that they have the VIP."""
    said = adverts(LB1, *range(6)) + adverts(
        LB2, *(n + 0.5 for n in range(5)), virtual_router_id=12
    )
    found = breaches(heard(5, said, answered(LB1, 0, 5), announced(LB2, 0.5)), RULES)
    assert set(kinds(found)) == {Kind.TWO_MASTERS, Kind.WRONG_ADVERT}
    assert "lb2 advertises virtual router 12, configured is 11" in {b.what for b in found}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"priority": 140}, "lb1 advertises priority 140, configured is 150"),
        ({"version": 3}, "lb1 advertises VRRP version 3, configured is 2"),
        ({"advert_int": 2.0}, "lb1 advertises advert_int 2, configured is 1"),
        ({"addresses": (OTHER,)}, f"lb1 advertises VIP {OTHER}, configured is {VIP}"),
        ({"addresses": ()}, f"lb1 advertises VIP no address, configured is {VIP}"),
    ],
)
def test_wrong_advert(changed: dict[str, object], said: str) -> None:
    """Each thing that differs, with what it should be."""
    wrong = heard(1, adverts(LB1, 0) + adverts(LB1, 1, **changed), answered(LB1, 0, 1))
    assert [breach.what for breach in breaches(wrong, RULES)] == [said]


def test_a_priority_that_its_tracking_gives_it_is_as_configured() -> None:
    speakers = {**RULES.speakers, LB1: replace(RULES.speakers[LB1], tracked=frozenset({140}))}
    rules = replace(RULES, speakers=speakers)
    assert [*rules.faults_of(adverts(LB1, 0, priority=140)[0])] == []
    assert [*rules.faults_of(adverts(LB1, 0, priority=130)[0])] != []


def test_priority_0_is_as_configured() -> None:
    """Whoever resigns says so by it."""
    assert [*RULES.faults_of(adverts(LB1, 0, priority=0)[0])] == []


@pytest.mark.parametrize(("router", "wrong"), [(11, True), (51, False)])
def test_stranger_is_wrong_in_our_virtual_router_only(router: int, wrong: bool) -> None:
    """A LAN may have other clusters."""
    said = adverts(LB1, 0, 1) + adverts(OTHER, 0.5, virtual_router_id=router)
    found = breaches(heard(1, said, answered(LB1, 0, 1)), RULES)
    assert [b.what for b in found] == [f"{OTHER} advertises virtual router 11"] * wrong


def test_silence_beyond_master_down_interval() -> None:
    """Open at the end: nobody has taken over yet."""
    found = breaches(heard(7, adverts(LB1, 0, 1), answered(LB1, 0, 7)), RULES)
    (breach,) = found
    assert breach.kind is Kind.NO_MASTER
    assert breach.text(1.0).startswith(
        "from +0.000 s for 6.000 s, no director advertised as MASTER (lb1 fell silent); budget "
        "3.659 s (Master_Down_Interval"
    )


def test_silence_beyond_skew_time_after_a_resignation() -> None:
    """The budget is the resignation's."""
    said = adverts(LB1, 0) + adverts(LB1, 0.5, priority=0) + adverts(LB2, 2)
    found = breaches(heard(2, said, answered(LB1, 0, 2), announced(LB2, 2)), RULES)
    assert [b.what for b in found] == ["no director advertised as MASTER (lb1 had resigned)"]


def test_stranger_with_the_vip() -> None:
    """Once is enough: whoever hears him may follow."""
    duplicate = heard(10, HEALTHY.adverts, HEALTHY.arps, answered(OTHER, 5, 5))
    (breach,) = breaches(duplicate, RULES)
    assert breach.kind is Kind.STRANGER
    assert breach.what.startswith("02:00:00:00:00:99, no director, claims the VIP")


def test_both_directors_with_the_vip() -> None:
    """A killed keepalived leaves it so, and no advert tells."""
    both = heard(10, TAKEOVER.adverts, *(TAKEOVER.arps,), answered(LB1, 3, 10))
    assert kinds(breaches(both, RULES)) == [Kind.TWO_HOLDERS]


def test_nobody_with_the_vip() -> None:
    """A MASTER that advertises and has it not."""
    assert kinds(breaches(heard(10, HEALTHY.adverts, answered(LB1, 0, 3)), RULES)) == [
        Kind.NO_HOLDER
    ]


def test_takeover_without_gratuitous_arp() -> None:
    """Of the right director, at the right time."""
    late = heard(
        10, TAKEOVER.adverts, answered(LB1, 0, 2), answered(LB2, 6, 10), announced(LB2, 7.0)
    )
    (breach,) = breaches(late, RULES)
    assert breach.kind is Kind.UNANNOUNCED
    assert breach.what.startswith(f"lb2 took over from lb1 and sent no gratuitous ARP for {VIP}")


@pytest.mark.parametrize(
    ("at", "late"), [(6.51, False), (7.54, False), (7.7, True), (6.0, True)], ids=str
)
def test_master_says_that_a_split_brain_is_over(at: float, late: bool) -> None:
    """From the other's last advert on, within an advert and the work for it."""
    arps = tuple(arp for arp in SPLIT.arps if arp.at != 6.51)
    found = breaches(heard(10, SPLIT.adverts, arps, announced(LB1, at)), RULES)
    assert kinds(found) == [Kind.TWO_MASTERS, *[Kind.UNANNOUNCED] * late]
    if late:
        assert found[-1].what.startswith("lb1 was left as MASTER when lb2 fell silent, and sent no")


def test_announcement_may_still_come() -> None:
    """A takeover just now is not judged yet."""
    just = heard(5.64, TAKEOVER.adverts[:4], answered(LB1, 0, 2))
    assert breaches(just, RULES) == ()


class TestForgiveness:
    """What a fault must break is forgiven, and nothing else."""

    ALL = Span(0, 10)

    def test_expected_kind_in_its_time(self) -> None:
        """From the declaration to the heal."""
        expected = [Expectation(Kind.TWO_MASTERS, "cut off", Span(2, 6.4))]
        assert unforgiven(breaches(SPLIT, RULES), expected, self.ALL) == ()

    @pytest.mark.parametrize("time", [Span(4, 99), Span(0, 5)], ids=["before", "after"])
    def test_beyond_its_time_the_budget_holds(self, time: Span) -> None:
        """Split before the fault, or still split after the heal."""
        expected = [Expectation(Kind.TWO_MASTERS, "cut off", time)]
        assert kinds(unforgiven(breaches(SPLIT, RULES), expected, self.ALL)) == [Kind.TWO_MASTERS]

    def test_another_kind_is_not_forgiven(self) -> None:
        """Who expects a duplicate VIP does not expect a split brain."""
        expected = [Expectation(Kind.TWO_HOLDERS, "killed")]
        assert kinds(unforgiven(breaches(SPLIT, RULES), expected, self.ALL)) == [Kind.TWO_MASTERS]

    @pytest.mark.parametrize(("window", "fails"), [(Span(0, 3.4), 0), (Span(3.4, 3.6), 1)])
    def test_test_fails_in_whose_time_the_budget_was_passed(self, window: Span, fails: int) -> None:
        """The next one is not blamed for what it inherits."""
        assert len(unforgiven(breaches(SPLIT, RULES), [], window)) == fails


def test_timeline_tells_repetitions_once() -> None:
    """Marks among them; seconds from the fault."""
    told = lines(TAKEOVER, RULES, [Event(2.0, "fault")], Span(0, 10), origin=2.0)
    assert [line.strip() for line in told] == [
        "-2.000 lb1 ARP: 192.168.250.250 is at 02:00:00:00:00:01, 5 times until +0.000",
        "-2.000 lb1 advert priority 150, 3 times until +0.000",
        "+0.000 -- fault",
        "+3.620 lb2 advert priority 100, 5 times until +7.620",
        "+3.630 lb2 gratuitous ARP: 192.168.250.250 is at 02:00:00:00:00:02",
        "+4.000 lb2 ARP: 192.168.250.250 is at 02:00:00:00:00:02, 9 times until +8.000",
    ]


def test_summary_is_one_line() -> None:
    """Who, how often, from when to when."""
    assert summary(TAKEOVER, RULES, Span(0, 10), 2.0) == (
        "LAN: adverts of lb1 3 (-2.00 to +0.00 s), lb2 5 (+3.62 to +7.62 s)"
    )
    assert summary(TAKEOVER, RULES, Span(5, 6), 2.0) == "LAN: adverts of lb2 1 (+3.62 s)"
    assert summary(TAKEOVER, RULES, Span(3, 4), 2.0) == ""
