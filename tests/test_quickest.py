"""The quickest of several, on a machine that is slower at times."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, count, repeat

import pytest

from halab.errors import LabError
from halab.quickest import MOST, SETTLED, quickest


def of(rounds: Iterator[dict[str, float]]) -> tuple[dict[str, float], int]:
    """What is found, and after how many rounds."""
    taken = 0

    def measured() -> dict[str, float]:
        nonlocal taken
        taken += 1
        return next(rounds)

    return quickest(measured), taken


def test_a_quiet_machine_is_asked_no_more_often_than_it_takes_to_know() -> None:
    assert of(repeat({"page": 2.0})) == ({"page": 2.0}, 1 + SETTLED)


def test_a_slow_second_that_ends_within_the_longest_of_them_is_waited_out() -> None:
    """Seen: 1.9 times as slow for five rounds, and then for a part of the longest page."""
    slow = [{"short": 3.6, "long": 359.0}] * 4 + [{"short": 3.6, "long": 231.0}]
    found, _ = of(chain(slow, repeat({"short": 1.9, "long": 190.0})))
    assert found == {"short": 1.9, "long": 190.0}


def test_less_by_a_hair_is_not_waited_for_and_counts() -> None:
    falling = (2.0 - 0.001 * n for n in count())
    found, taken = of({"page": value} for value in falling)
    assert taken == 1 + SETTLED
    assert found["page"] == pytest.approx(1.99)


def test_a_machine_that_never_settles_is_named() -> None:
    with pytest.raises(LabError, match="too busy to time by it"):
        of({"page": 0.9**n} for n in range(MOST + 1))
