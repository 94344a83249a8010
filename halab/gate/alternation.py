"""Settings of a whole director, which no duet can compare: today's and the candidate's in turn.

Pairs of slices of load, of which either may come first (ABBA, at random): so that whatever drifts
strikes both alike.
"""

from __future__ import annotations

import math
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
    """Pairs of slices: seconds that a request took of the service's time, and of its CPUs'.

    ``failed`` is how many requests failed in today's slice and in the candidate's.
    """

    time: list[Pair] = field(default_factory=list)
    cpu: list[Pair] = field(default_factory=list)
    failed: list[tuple[int, int]] = field(default_factory=list)

    @property
    def slower(self) -> Slowdown:
        """By requests a second."""
        return Slowdown.of(self.time, MARGIN)

    @property
    def costlier(self) -> Slowdown:
        """By the CPU time of the whole director for a request."""
        return Slowdown.of(self.cpu, MARGIN)

    @property
    def p_of_failed(self) -> float:
        """How likely more failed with the candidate's in so many pairs if both fail alike.

        The sign test, one-sided, of the pairs in which not as many failed; 1 where there are none.
        """
        more = sum(candidates > todays for todays, candidates in self.failed)
        unlike = sum(candidates != todays for todays, candidates in self.failed)
        return float(sum(math.comb(unlike, k) for k in range(more, unlike + 1)) / 2**unlike)


def alternate(
    cluster: Cluster,
    changed: Callable[[], AbstractContextManager[object]],
    *,
    pairs: int = PAIRS,
    chance: random.Random | None = None,
) -> Alternation:
    """So many pairs of slices on a cluster that is steady; ``changed`` is the candidate's.

    Only successes count as requests; those that fail are counted by themselves. Raises
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
        found.failed.append((sum(today.errors.values()), sum(candidates.errors.values())))
    return found


def _cpu(seen: Throughput) -> float:
    """Shares of the director's CPU time for a success; of how many CPUs does not matter."""
    return seen.director_cpu * seen.seconds / seen.succeeded
