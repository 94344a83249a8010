"""Verdicts on two sides, and the order in which sides take turns."""

from __future__ import annotations

import random

import pytest

from halab.relation import CLAIMS, Comparison, Verdict, turns

STEADY = (100.0, 101.0, 99.0, 100.5, 99.5, 100.2, 99.8, 100.1, 100.3, 99.7)


def beside(factor: float, rounds: int = 10, confidence: float = 0.99) -> Comparison:
    first = tuple(value * factor for value in STEADY[:rounds])
    second = (*STEADY[1:rounds], STEADY[0])
    return Comparison(first, second, confidence)


def test_a_side_that_is_always_faster_is_faster() -> None:
    assert beside(1.16).verdict is Verdict.FASTER
    assert beside(1.16).ratio == pytest.approx(1.16, rel=0.02)


def test_the_other_way_round_it_is_slower() -> None:
    assert beside(0.86).verdict is Verdict.SLOWER


def test_sides_alike_are_undecided() -> None:
    assert beside(1.0).verdict is Verdict.UNDECIDED
    assert Comparison(STEADY, STEADY, 0.99).verdict is Verdict.UNDECIDED


def test_too_few_rounds_decide_nothing_however_large_the_difference() -> None:
    """Seven signs that agree are as likely as 1 in 64."""
    assert beside(3.0, rounds=7).p == pytest.approx(2 / 2**7)
    assert beside(3.0, rounds=7).verdict is Verdict.UNDECIDED
    assert beside(3.0, rounds=8).verdict is Verdict.FASTER


def test_more_confidence_needs_more() -> None:
    assert beside(1.16, confidence=0.999).p == pytest.approx(2 / 2**10)
    assert beside(1.16, confidence=0.999).verdict is Verdict.UNDECIDED


def test_sides_that_do_not_differ_are_seldom_told_apart() -> None:
    """With a confidence of 0.9, in 10 % of comparisons at most: noise is no difference."""
    dice = random.Random(1)

    def noise() -> tuple[float, ...]:
        return tuple(dice.gauss(1000, 100) for _ in range(10))

    wrong = sum(
        Comparison(noise(), noise(), 0.9).verdict is not Verdict.UNDECIDED for _ in range(400)
    )
    assert 0 < wrong <= 400 * 0.13


@pytest.mark.parametrize(
    ("says", "holds"),
    [
        ("faster", {Verdict.FASTER}),
        ("not slower", {Verdict.FASTER, Verdict.UNDECIDED}),
        ("not faster", {Verdict.SLOWER, Verdict.UNDECIDED}),
    ],
)
def test_which_verdicts_bear_out_what_is_said(says: str, holds: set[Verdict]) -> None:
    assert CLAIMS[says] == holds


def test_every_side_has_its_turn_in_every_round() -> None:
    order = [*turns("abc", 20, seed=4)]
    rounds = [order[n : n + 3] for n in range(0, 60, 3)]
    assert all(sorted(each) == ["a", "b", "c"] for each in rounds)
    assert len({tuple(each) for each in rounds}) > 3
    assert order == [*turns("abc", 20, seed=4)]
    assert order != [*turns("abc", 20, seed=5)]


def test_a_comparison_says_its_confidence() -> None:
    assert str(beside(1.16)).startswith("faster, 1.157 times as fast in 10 rounds")
    assert "p = 0.00195; confidence 0.99 was asked for" in str(beside(1.16))
