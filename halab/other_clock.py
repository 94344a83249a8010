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


def compared(tell: Callable[[], float]) -> OtherClock:
    """The clock whose time ``tell`` fetches: from some moment of the round trip that it takes."""
    before = wait.clock()
    there = tell()
    after = wait.clock()
    return OtherClock(there - (before + after) / 2, (after - before) / 2)
