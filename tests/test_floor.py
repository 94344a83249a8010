"""A lab's own floor: what is below it, and what is only noise."""

from __future__ import annotations

import pytest

from halab.floor import Floor

FLOOR = Floor((1000.0, 1010.0, 990.0, 1005.0, 995.0), "some CPU", "2026-11-25")
TOLERANCE, CONFIDENCE = 0.15, 0.99


def passed(factor: float) -> bool:
    return FLOOR.passed([value * factor for value in FLOOR.values], TOLERANCE, CONFIDENCE)


@pytest.mark.parametrize("factor", [1.0, 0.9, 0.86, 2.0])
def test_within_its_tolerance_or_above_it_passes(factor: float) -> None:
    assert passed(factor)


@pytest.mark.parametrize("factor", [0.8, 0.5, 0.1])
def test_below_its_tolerance_fails(factor: float) -> None:
    assert not passed(factor)


def test_five_rounds_can_just_tell() -> None:
    assert FLOOR.p([1.0] * 5, TOLERANCE) == pytest.approx(1 / 252, rel=0.2)


def test_one_slow_round_of_five_is_noise() -> None:
    assert FLOOR.passed([1000.0, 1000.0, 1000.0, 1000.0, 100.0], TOLERANCE, CONFIDENCE)


def test_it_says_its_spread_its_machine_and_its_date() -> None:
    assert str(FLOOR) == "1000 (990 to 1010, 5 rounds), 2026-11-25, some CPU"
