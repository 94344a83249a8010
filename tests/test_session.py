"""What a session of duets says, and when it may not be believed."""

from __future__ import annotations

import pytest

from halab.gate.duet import Duets
from halab.gate.session import AGAIN, CANDIDATE, SLOWED, Session
from halab.gate.slowdown import ALPHA, MOST_PAIRS, PAIRS, Answer, Pair

COST = 60e-6


def pairs(slowdown: float, number: int = PAIRS) -> list[Pair]:
    """About that much slower: no two alike, and half of them on either side."""
    return [
        Pair(COST, COST * (1 + slowdown + (n - (number - 1) / 2) / 1000)) for n in range(number)
    ]


def session(candidate: list[Pair], again: float = 0.0, slowed: float = 0.1) -> Session:
    return Session(Duets({AGAIN: pairs(again), SLOWED: pairs(slowed), CANDIDATE: candidate}))


@pytest.mark.parametrize(
    ("slowdown", "answer"),
    [(0.0, Answer.NOT_SLOWER), (-0.2, Answer.NOT_SLOWER), (0.07, Answer.SLOWER)],
)
def test_a_session_that_proves_itself_answers(slowdown: float, answer: Answer) -> None:
    held = session(pairs(slowdown))
    assert held.flaws == ()
    assert held.answer is answer


@pytest.mark.parametrize("slowdown", [0.0, 0.07])
def test_one_that_finds_a_set_up_slower_than_itself_decides_nothing(slowdown: float) -> None:
    held = session(pairs(slowdown), again=0.05)
    assert held.answer is Answer.UNDECIDED
    assert "slower than itself" in held.flaws[0]


@pytest.mark.parametrize("slowdown", [0.0, 0.07])
def test_one_in_which_todays_is_slow_by_chance_decides_nothing(slowdown: float) -> None:
    """Beside it a candidate that costs more would look alike."""
    held = session(pairs(slowdown), again=-0.05)
    assert held.answer is Answer.UNDECIDED
    assert held.flaws[0].startswith("today's was found slower than its equal: +5.")


@pytest.mark.parametrize("again", [-0.015, 0.015])
def test_equals_may_differ_by_less_than_the_margin_either_way(again: float) -> None:
    assert session(pairs(0.0), again=again).flaws == ()


@pytest.mark.parametrize("slowdown", [0.0, 0.07])
def test_one_that_misses_the_injected_slowdown_decides_nothing(slowdown: float) -> None:
    held = session(pairs(slowdown), slowed=0.01)
    assert held.answer is Answer.UNDECIDED
    assert "was not found slower" in held.flaws[0]


def test_what_is_still_unclear_at_the_second_look_is_undecided() -> None:
    unclear = pairs(0.03, 12) + pairs(-0.05, 8)
    assert session(unclear).found.unclear
    assert session(unclear).answer is Answer.UNDECIDED


def test_the_second_look_has_half_the_alpha() -> None:
    assert session(pairs(0.07)).found.alpha == ALPHA
    assert session(pairs(0.07, MOST_PAIRS)).found.alpha == ALPHA / 2


def test_costs_are_medians_of_both_sides() -> None:
    held = session(pairs(0.07)).held
    assert held.cost_of_todays(CANDIDATE) == COST
    assert held.cost(CANDIDATE) == pytest.approx(COST * 1.07)
