"""For how long all was answered."""

from __future__ import annotations

from collections.abc import Iterable

from halab.prober.connection import Flight


def calm(flights: Iterable[Flight], since: float, now: float) -> dict[str, float]:
    """Seconds from ``since`` to the first of these that is not decided yet, and its age.

    ``flights`` are in order of their sends; ``since`` is when the last one lost was sent.
    """
    until = next((flight.intended for flight in flights if not flight.decided), now)
    return {"calm": max(0.0, until - since), "undecided": now - until}
