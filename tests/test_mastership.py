"""Tenures, overlaps and vacancies of an office, from claims alone."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halab.mastership import (
    Claim,
    Overlap,
    Patience,
    Settlement,
    Span,
    Tenure,
    overlaps,
    settlement,
    silence_before,
    tenures,
    until_claimed,
    until_next,
    vacancies,
)

LAPSE = 3.4
PATIENCE = {"lb1": Patience(0.66, 3.66), "lb2": Patience(0.46, 3.46)}

CLAIMS = st.lists(
    st.builds(Claim, st.floats(0, 60), st.sampled_from(("lb1", "lb2")), st.booleans()), max_size=30
)
SPANS = st.tuples(st.floats(0, 60), st.floats(0, 60)).map(lambda ends: Span(*sorted(ends)))


def claims(who: str, *at: float) -> list[Claim]:
    return [Claim(moment, who) for moment in at]


class TestTenures:
    """Claims that follow each other soon enough are one tenure."""

    def test_one_tenure_from_the_first_claim_to_the_last(self) -> None:
        """Not to where the next would have been due: that was never seen."""
        assert tenures(claims("lb1", 0, 1, 2), LAPSE) == (Tenure("lb1", Span(0, 2), 3, None),)

    def test_silence_beyond_the_lapse_ends_it(self) -> None:
        """Another may have taken over then; who claims again begins anew, after himself."""
        first, second = tenures(claims("lb1", 0, 3.5), LAPSE)
        assert (first.span, second.span, second.after) == (Span(0, 0), Span(3.5, 3.5), "lb1")

    def test_resignation_ends_it_at_once(self) -> None:
        """However soon the same one claims again."""
        held = tenures([*claims("lb1", 0, 1), Claim(1.2, "lb1", True), Claim(1.5, "lb1")], LAPSE)
        assert [tenure.span for tenure in held] == [Span(0, 1), Span(1.5, 1.5)]

    def test_successor_comes_after_whoever_claimed_last(self) -> None:
        """So that a takeover can be told from a beginning."""
        held = tenures([*claims("lb1", 0, 1), *claims("lb2", 4.6)], LAPSE)
        assert [tenure.after for tenure in held] == [None, "lb1"]

    @given(CLAIMS)
    def test_every_claim_is_in_exactly_one_tenure(self, said: list[Claim]) -> None:
        """None is lost, none counted twice."""
        assert sum(t.times for t in tenures(said, LAPSE)) == sum(not c.resigns for c in said)


class TestOverlaps:
    """Two at a time."""

    def test_handover_does_not_overlap(self) -> None:
        """The worse one is silent from the better one's first advert on."""
        assert overlaps(tenures([*claims("lb2", 0, 1), *claims("lb1", 1.4, 2.4)], LAPSE)) == ()

    def test_split_brain_lasts_from_the_later_beginning_to_the_earlier_end(self) -> None:
        """Each was heard before and after it: nobody need guess."""
        both = [*claims("lb1", 0, 1, 2, 3, 4), *claims("lb2", 1.5, 2.5, 3.5)]
        assert overlaps(tenures(both, LAPSE)) == (Overlap(("lb1", "lb2"), Span(1.5, 3.5)),)

    @given(CLAIMS)
    def test_one_alone_never_overlaps(self, said: list[Claim]) -> None:
        """Whatever it does."""
        assert overlaps(tenures([Claim(c.at, "lb1", c.resigns) for c in said], LAPSE)) == ()


class TestVacancies:
    """Nobody at all."""

    def test_silence_is_borne_as_long_as_the_other_waits(self) -> None:
        """From the last advert to the successor's first."""
        found = vacancies([*claims("lb1", 0, 1), *claims("lb2", 4.6)], Span(-0.5, 5), PATIENCE)
        assert [(v.span, v.limit, v.last) for v in found] == [
            (Span(-0.5, 0), 3.66, None),
            (Span(0, 1), 3.66, "lb1"),
            (Span(1, 4.6), 3.66, "lb1"),
            (Span(4.6, 5), 3.46, "lb2"),
        ]

    def test_resignation_leaves_skew_time(self) -> None:
        """The successor does not wait for silence."""
        *_, last = vacancies([*claims("lb1", 0), Claim(0.5, "lb1", True)], Span(0, 2), PATIENCE)
        assert (last.span, last.limit, last.resigned) == (Span(0.5, 2), 0.66, True)

    def test_resignation_of_another_changes_nothing(self) -> None:
        """A second MASTER that goes leaves the first."""
        said = [*claims("lb1", 0), Claim(0.5, "lb2", True), *claims("lb1", 1)]
        assert [v.span for v in vacancies(said, Span(0, 1), PATIENCE)] == [
            Span(0, 0),
            Span(0, 1),
            Span(1, 1),
        ]

    @given(CLAIMS)
    def test_they_fill_the_time_without_a_gap(self, said: list[Claim]) -> None:
        """So that no vacancy can be missed between two of them."""
        found = vacancies(said, Span(0, 60), PATIENCE)
        assert found[0].span.since == 0
        assert found[-1].span.until == 60
        assert all(a.span.until == b.span.since for a, b in pairwise(found))


class TestSpan:
    """What is left of a time without others."""

    @pytest.mark.parametrize(
        ("without", "left"),
        [
            (Span(2, 4), (Span(0, 2), Span(4, 10))),
            (Span(-1, 4), (Span(4, 10),)),
            (Span(4, math.inf), (Span(0, 4),)),
            (Span(-1, 11), ()),
            (Span(11, 12), (Span(0, 10),)),
        ],
    )
    def test_outside(self, without: Span, left: tuple[Span, ...]) -> None:
        """In the middle, at either end, all of it, none."""
        assert Span(0, 10).outside([without]) == left

    def test_moment_is_left_or_not(self) -> None:
        """It has no parts."""
        assert Span(3, 3).outside([Span(2, 4)]) == ()
        assert Span(3, 3).outside([Span(4, 5)]) == (Span(3, 3),)

    @given(SPANS, st.lists(SPANS, max_size=5))
    def test_never_more_than_it_was(self, whole: Span, others: list[Span]) -> None:
        """And no part of any other."""
        left = whole.outside(others)
        assert sum(part.lasted for part in left) <= whole.lasted + 1e-9
        for part in left:
            middle = (part.since + part.until) / 2
            if part.lasted > 0:
                assert not any(o.since < middle < o.until for o in others)


class TestSettlement:
    """Two become one."""

    def test_owner_is_who_speaks_last(self) -> None:
        """The other's adverts are counted until they end."""
        adverts = [*claims("lb1", 9.5, 10.5, 11.5, 12.5), *claims("lb2", 10.2, 11.2)]
        said = [*claims("lb1", 8, 10.21), *claims("lb2", 10.1)]
        settled = settlement(adverts, said, healed=10)
        assert (settled.owner, settled.others_adverts) == ("lb1", 2)
        assert settled.after == pytest.approx(1.2)
        assert settled.announced == pytest.approx(0.21)

    def test_without_an_announcement(self) -> None:
        """What came before the healing does not count."""
        settled = settlement(claims("lb1", 10.5), claims("lb1", 9), healed=10)
        assert settled == Settlement("lb1", 0, 0.0, math.inf)

    def test_without_anybody(self) -> None:
        """A resignation is no claim."""
        assert settlement([Claim(11, "lb1", True)], [], healed=10).owner is None


class TestSilence:
    """From one's last claim to another's first."""

    def test_ends_with_the_heirs_first_claim_in_question(self) -> None:
        """An earlier reign of the heir's is another story."""
        said = [*claims("lb2", 1.0), *claims("lb1", 2.0, 3.0, 7.5), *claims("lb2", 6.6, 7.6)]
        assert silence_before(said, "lb2", since=2.5) == pytest.approx(3.6)

    def test_a_last_word_may_be_older_than_the_question(self) -> None:
        """The test began between two adverts."""
        said = [*claims("lb1", 2), *claims("lb2", 5.5)]
        assert silence_before(said, "lb2", 2.5) == 3.5

    def test_without_an_heir_it_has_no_end(self) -> None:
        """Nor does it begin where nobody has claimed."""
        assert silence_before(claims("lb1", 1), "lb2", 0) == math.inf
        assert silence_before([], "lb2", 0) == math.inf


class TestNext:
    """From one's claim to the next of another."""

    def test_what_came_before_does_not_count(self) -> None:
        """Neither of the one nor of the other."""
        said = [*claims("lb1", 0.5, 2.1, 3.0), *claims("a stranger", 0.1, 2.0)]
        assert until_next(said, "a stranger", "lb1", since=1) == pytest.approx(0.1)

    def test_without_either_it_has_no_end(self) -> None:
        """And is no number of nothing."""
        assert until_next(claims("lb1", 2), "a stranger", "lb1", 1) == math.inf
        assert until_next(claims("a stranger", 2), "a stranger", "lb1", 1) == math.inf


def test_first_claim_from_a_moment_on() -> None:
    """Of this one, and none by which he lays it down."""
    said = [*claims("lb1", 1, 4), Claim(2.5, "lb1", resigns=True), *claims("lb2", 2, 3)]
    assert until_claimed(said, "lb1", 2) == 2
    assert until_claimed(said, "lb1", 4.5) == math.inf
