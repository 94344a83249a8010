"""The statistics of a duet, on numbers that are known."""

from __future__ import annotations

import math
import random

import pytest

from halab.gate.slowdown import ALPHA, MARGIN, Pair, Slowdown

COST = 60e-6


def pairs(*slowdowns: float) -> list[Pair]:
    return [Pair(COST, COST * (1 + slowdown)) for slowdown in slowdowns]


def test_ratio_of_a_pair_is_that_of_costs() -> None:
    assert Pair(2.0, 3.0).log_ratio == pytest.approx(math.log(1.5))


def test_ten_pairs_over_the_margin_are_slower() -> None:
    """All ten on one side: p is 2**-10, the least that ten can give."""
    found = Slowdown.of(pairs(*(0.05 + n / 1000 for n in range(10))))
    assert found.p == pytest.approx(2**-10)
    assert found.slower
    assert not found.unclear
    assert found.median == pytest.approx(0.0545, abs=1e-4)
    assert found.least < found.median < found.most


def test_a_slowdown_of_the_margin_is_borne() -> None:
    spread = [MARGIN + (n - 4.5) / 1000 for n in range(10)]
    found = Slowdown.of(pairs(*spread))
    assert not found.slower
    assert found.p > 0.4


def test_a_faster_candidate_is_neither_slower_nor_unclear() -> None:
    found = Slowdown.of(pairs(*(-0.1 + n / 1000 for n in range(10))))
    assert not found.slower
    assert not found.unclear


def test_a_median_over_the_margin_by_chance_is_unclear() -> None:
    found = Slowdown.of(pairs(0.03, 0.031, 0.032, 0.033, 0.034, 0.035, -0.02, -0.03, -0.04, -0.05))
    assert found.median > MARGIN
    assert found.unclear
    assert not found.slower


def test_alpha_is_what_decides() -> None:
    spread = pairs(*(0.05 + n / 1000 for n in range(10)))
    assert Slowdown.of(spread, alpha=2**-10 * 1.01).slower
    assert not Slowdown.of(spread, alpha=2**-10 * 0.99).slower


def test_equal_ones_are_seldom_called_slower_at_that_alpha() -> None:
    """At the margin itself, the worst that is borne, alarms are no more than alpha."""
    chance = random.Random(1)
    alarms = sum(
        Slowdown.of(pairs(*(MARGIN + chance.gauss(0, 0.01) for _ in range(10)))).slower
        for _ in range(1000)
    )
    assert alarms <= 2 * ALPHA * 1000
