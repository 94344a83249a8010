"""The only place that waits: for a condition, with a deadline, telling what was last seen."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from halab.errors import NotReached

T = TypeVar("T")


WAITED: dict[str, float] = {}
"""Seconds that the main thread has waited, by what for; a wait within a wait is the outer one's."""

TOLD: list[Callable[[str, float], None]] = []
"""Told of each wait of the main thread, again and again: what for, and its seconds so far."""

_within: list[tuple[str, float]] = []


@contextmanager
def _counted(what: str) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread() or _within:
        yield
        return
    began = time.monotonic()
    _within.append((what, began))
    try:
        yield
    finally:
        _within.clear()
        WAITED[what] = WAITED.get(what, 0.0) + time.monotonic() - began


def _tell() -> None:
    if TOLD and _within and threading.current_thread() is threading.main_thread():
        (what, began), *_ = _within
        for told in TOLD:
            told(what, time.monotonic() - began)


def clock() -> float:
    """Seconds of a clock that only goes forward."""
    return time.monotonic()


def until(
    condition: Callable[[], T | None],
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
    with _counted(what):
        while True:
            value = condition()
            if value:
                return value
            left = deadline - time.monotonic()
            if left <= 0:
                last = seen() if seen is not None else value
                raise NotReached(f"{what}: not within {within:g} s; last seen: {last}")
            _tell()
            time.sleep(min(every, left))


@dataclass(frozen=True)
class Condition:
    """Something that may come to hold, with the words for a message that it has not.

    ``seen``, if given, tells what is there instead.
    """

    what: str
    holds: Callable[[], object]
    seen: Callable[[], object] | None = None

    def until(self, *, within: float, every: float = 0.02) -> None:
        """Wait until it holds; raises :class:`NotReached` as :func:`until` does."""
        until(self.holds, what=self.what, within=within, every=every, seen=self.seen)


def passing(seconds: float) -> None:
    """Let ``seconds`` pass: only where time itself is the thing measured, never for a condition."""
    with _counted("time itself, to measure by it"):
        time.sleep(seconds)


class Beat:
    """Does something every so many seconds, in a thread of its own, from start to stop.

    What it does must not raise.
    """

    def __init__(self, every: float, action: Callable[[], None]) -> None:
        self._every = every
        self._action = action
        self._over = threading.Event()
        self._starting = threading.Lock()
        self._thread = threading.Thread(target=self._go_on, daemon=True)

    def start(self) -> None:
        """Begin, one interval from now; does no harm where it has begun, or begins just now."""
        with self._starting:
            if self._thread.ident is None:
                self._thread.start()

    def stop(self) -> None:
        """End; when this returns it does nothing any more."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _go_on(self) -> None:
        while not self._over.wait(self._every):
            self._action()
