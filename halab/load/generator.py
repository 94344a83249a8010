"""A load generator on a client: how it is told what to do, and what it tells at its end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from signal import SIGKILL
from typing import Protocol

from halab.errors import NodeError
from halab.load.load import Load


@dataclass(frozen=True)
class Tally:
    """What one generator counted; requests that were cut off when its time was up are in none.

    A request whose answer is no 2xx has failed, whatever the generator thinks of it.
    """

    started: int
    """Requests that came to an end, in either way."""
    succeeded: int
    failed: Mapping[str, int] = field(default_factory=dict)
    """By class: "3xx", "4xx", "5xx", "timeout", "refused"; or "not 2xx" and "errored" where a
    generator tells no more. None is 0."""
    bytes: int = 0
    """Received, with headers."""
    seconds: float = 0.0
    """From its first request to its last answer."""
    latency: Mapping[int, float] | None = None
    """Seconds by percentile, 50, 90 and 99; None where the generator does not tell."""
    cut: int = 0
    """Requests that may have been under way when its time was up, at most."""
    said: str = ""
    """Why it could not work, in its own words; empty if it could."""


class Generator(Protocol):
    """One of the programs that make load."""

    @property
    def name(self) -> str:
        """The program's."""

    def times(self, load: Load) -> bool:
        """True if it can end such a load by seconds; else it is given a number of requests."""

    def command(self, load: Load, url: str) -> str:
        """The shell command that makes this load on one URL; it may record things in $RECORD.

        Raises :class:`halab.errors.UserError` for a load that this program cannot make.
        """

    @property
    def report(self) -> str:
        """The shell command that tells what is in $RECORD, run when the load is over."""

    def tally(self, load: Load, status: int, out: str, err: str, report: str, /) -> Tally:
        """What it counted, from how it ended, what it wrote, and what its report says.

        Raises :class:`halab.errors.NodeError` for what is not this program's output.
        """


SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
"""Of the units in which wrk and h2load tell times."""

STATUS_CODES = re.compile(
    r"^status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx$", re.MULTILINE
)
"""A line of weighttp's summary, and of h2load's after its example."""

KILLED = 137
"""The status of what :mod:`halab.load.volley` ended because it took too long: 128 + SIGKILL."""


def some(counts: Mapping[str, int]) -> dict[str, int]:
    """The classes that have any."""
    return {name: count for name, count in counts.items() if count}


def without_summary(name: str, status: int, out: str, err: str) -> Tally:
    """The tally of a generator that ended without one, with what it said instead.

    Raises :class:`NodeError` if it ended well: then its output is not understood.
    """
    if status in (KILLED, -SIGKILL):
        return Tally(0, 0, said=f"{name} was still waiting when its time was long up")
    # the reason comes first, and perhaps half a page of usage after it
    reason = next((line.strip() for line in (err or out).splitlines() if line.strip()), "nothing")
    if status == 0:
        raise NodeError(f"{name}: no summary in its output: {out[-200:]!r}")
    return Tally(0, 0, said=f"{name} ended with status {status}: {reason[:200]}")
