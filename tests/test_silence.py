"""Silences of a MASTER, as a BACKUP heard them: what was lost, what it had to do, what it did."""

from __future__ import annotations

import pytest

from halab.silence import Silences
from halab.vrrp import Timers

BACKUP = Timers(version=2, advert_int=1, priority=100)
"""Its Master_Down_Interval is 3.609375 s."""


def silences(heard: list[float], said: list[float]) -> Silences:
    """From the moments of both, in seconds."""
    return Silences(tuple(heard), tuple(said), BACKUP)


@pytest.mark.parametrize(
    ("heard", "lost"),
    [
        ([0, 1, 2.02, 3], []),
        ([0, 1, 3, 4], [1]),
        ([0, 1, 4.01, 5, 7], [2, 1]),
        # at 3.6 s the BACKUP spoke, and the MASTER answered at once
        ([0, 3.62, 4, 5], [3]),
        ([], []),
    ],
)
def test_adverts_that_are_missing_are_counted_in_a_row(heard: list[float], lost: list[int]) -> None:
    """Between two that were heard; an answer out of turn is one more, and no loss."""
    assert silences(heard, []).lost == lost


def test_takeover_is_due_when_master_down_interval_is_over() -> None:
    """Two adverts lost are not enough, three are."""
    assert silences([0, 3, 4, 8], []).due == [4 + BACKUP.master_down_interval]


def test_takeover_is_the_first_advert_of_several() -> None:
    """Those that follow within an advert_int and a half go on with it."""
    assert silences([], [3.61, 4.61, 5.62, 9.5]).takeovers == [3.61, 9.5]
    assert silences([], []).takeovers == []
