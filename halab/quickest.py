"""How long something takes that other work on the machine can only make longer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from halab.errors import LabError

Key = TypeVar("Key")

SETTLED = 10
"""Rounds in a row that bring nothing quicker."""
GAIN = 0.02
"""The share by which one must be quicker to count as that."""
MOST = 100


def quickest(measured: Callable[[], Mapping[Key, float]]) -> dict[Key, float]:
    """The least of each over as many rounds as it takes until none becomes less any more.

    ``measured`` is a round: the same things each time. What a slow moment did to one of them and
    not to another would be in their ratio, so no few rounds suffice. Raises :class:`LabError` where
    the machine does not settle.
    """
    least = dict(measured())
    calm = 0
    for _ in range(MOST):
        found = measured()
        gained = any(found[key] < (1 - GAIN) * least[key] for key in least)
        least = {key: min(least[key], found[key]) for key in least}
        calm = 0 if gained else calm + 1
        if calm == SETTLED:
            return least
    raise LabError(f"still quicker after {MOST} rounds: this machine is too busy to time by it")
