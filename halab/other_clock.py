"""A clock of another machine beside this process's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from halab import wait
from halab.client import Client
from halab.errors import LabError


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

MOST_DRIFT = 0.05
"""Seconds within which a clock that is only slewed stays of where it was expected."""


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


class ClientClock:
    """The client's wall clock, told by this process's own, so that nobody need be asked.

    It is good to half a round trip.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._told = closely_compared(client.clock)

    def check(self) -> None:
        """Compare again; raises :class:`LabError` if the client's clock was set meanwhile."""
        told = closely_compared(self._client.clock)
        moved = told.ahead - self._told.ahead
        if abs(moved) > told.error + self._told.error + MOST_DRIFT:
            raise LabError(
                f"{self._client.name}: its clock was set by {moved:+.3f} s while it captured: the "
                "LAN's timeline cannot be told"
            )
        self._told = told

    @property
    def error(self) -> float:
        """Seconds by which what it tells may be wrong: half of a round trip."""
        return self._told.error

    def at(self, here: float) -> float:
        """A moment of :func:`halab.wait.clock` on the client's clock."""
        return self._told.at(here)
