"""Settings of a whole director, which no duet can compare: today's and the candidate's in turn.

Pairs of slices of load, of which either may come first (ABBA, at random): so that whatever drifts
strikes both alike.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from halab import load
from halab.cluster import Cluster
from halab.errors import NodeError
from halab.gate.slowdown import Pair, Slowdown
from halab.load import Load, Throughput

PAIRS = 20
SLICE = 2.0
"""Seconds."""
MARGIN = 0.05
"""A slowdown of so much is borne: two slices of the same differ by more than two of a duet."""
LOAD = Load(connections=24, seconds=SLICE, keep_alive=True, warm_up=0)


class NothingServed(NodeError):
    """A slice in which no request succeeded; ``candidates``: it was the candidate's."""

    def __init__(self, seen: Throughput, *, candidates: bool) -> None:
        self.candidates = candidates
        whose = "the candidate's" if candidates else "today's"
        super().__init__(f"with {whose} settings no request succeeded: {'; '.join(seen.invalid)}")


@dataclass(frozen=True)
class Alternation:
    """Pairs of slices: seconds that a request took of the service's time, and of its CPUs'."""

    time: list[Pair] = field(default_factory=list)
    cpu: list[Pair] = field(default_factory=list)

    @property
    def slower(self) -> Slowdown:
        """By requests a second."""
        return Slowdown.of(self.time, MARGIN)

    @property
    def costlier(self) -> Slowdown:
        """By the CPU time of the whole director for a request."""
        return Slowdown.of(self.cpu, MARGIN)


def alternate(
    cluster: Cluster,
    changed: Callable[[], AbstractContextManager[object]],
    *,
    pairs: int = PAIRS,
    chance: random.Random | None = None,
) -> Alternation:
    """So many pairs of slices on a cluster that is steady; ``changed`` is the candidate's.

    Only successes count as requests: a set-up under which some fail is slower. Raises
    :class:`NothingServed` where all do.
    """
    chance = chance or random.Random()
    found = Alternation()
    for _ in range(pairs):
        seen: dict[bool, Throughput] = {}
        for candidate in chance.sample([False, True], 2):
            with changed() if candidate else nullcontext():
                seen[candidate] = load.run(cluster, LOAD)
            if not seen[candidate].succeeded:
                raise NothingServed(seen[candidate], candidates=candidate)
        today, candidates = seen[False], seen[True]
        found.time.append(Pair(1 / today.requests_per_second, 1 / candidates.requests_per_second))
        found.cpu.append(Pair(_cpu(today), _cpu(candidates)))
    return found


def _cpu(seen: Throughput) -> float:
    """Shares of the director's CPU time for a success; of how many CPUs does not matter."""
    return seen.director_cpu * seen.seconds / seen.succeeded
