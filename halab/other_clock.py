"""A clock of another machine beside this process's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from halab import wait


@dataclass(frozen=True)
class OtherClock:
    """It is ``ahead`` of :func:`halab.wait.clock` by so many seconds, give or take ``error``."""

    ahead: float
    error: float

    def at(self, here: float) -> float:
        """A moment of :func:`halab.wait.clock`, as the other clock has it."""
        return here + self.ahead


GOOD = 0.005
"""Seconds of error that are good enough not to ask again."""
TRIES = 8


def compared(tell: Callable[[], float]) -> OtherClock:
    """The clock whose time ``tell`` fetches: from some moment of the round trip that it takes."""
    before = wait.clock()
    there = tell()
    after = wait.clock()
    return OtherClock(there - (before + after) / 2, (after - before) / 2)


def closely_compared(tell: Callable[[], float]) -> OtherClock:
    """The same, from the shortest of several round trips (as in RFC 5905, section 10).

    A busy machine makes a trip long, and nobody knows which half of it. So it is asked until one
    was short, a few times at most.
    """
    best = compared(tell)
    for _ in range(TRIES - 1):
        if best.error <= GOOD:
            break
        best = min(best, compared(tell), key=lambda told: told.error)
    return best
