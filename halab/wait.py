"""The only place that waits: for a condition, with a deadline, telling what was last seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from halab.errors import NotReached

T = TypeVar("T")


def clock() -> float:
    """Seconds of a clock that only goes forward."""
    return time.monotonic()


def until(
    condition: Callable[[], T],
    *,
    what: str,
    within: float,
    every: float = 0.05,
    seen: Callable[[], object] | None = None,
) -> T:
    """Return the first truthy value of ``condition()``.

    ``what`` names the condition for the error; ``within`` and ``every`` are seconds;
    ``seen``, if given, is called once at the deadline to tell what was there instead.
    The condition is tried at least once, and once more at the deadline.

    Raises :class:`NotReached` when ``within`` seconds pass first. Errors that the
    condition raises are not swallowed.
    """
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        left = deadline - time.monotonic()
        if left <= 0:
            last = seen() if seen is not None else value
            raise NotReached(f"{what}: not within {within:g} s; last seen: {last}")
        time.sleep(min(every, left))


def passing(seconds: float) -> None:
    """Let ``seconds`` pass: only where time itself is the thing measured, never for a condition."""
    time.sleep(seconds)
