"""Settings of a whole director, which no duet can compare: today's and the candidate's in turn.

Pairs of slices of load, of which either may come first (ABBA, at random): so that whatever drifts
strikes both alike. Every second pair has a third slice, with today's settings on a director with a
handicap: what does not find that one slower, or finds today's slower than itself, says nothing.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from halab import load
from halab.cluster import Cluster
from halab.errors import NodeError
from halab.gate.handicap import SHARE, handicapped
from halab.gate.slowdown import Pair, Slowdown
from halab.load import Load, Throughput

PAIRS = 20
SLICE = 2.0
"""Seconds."""
MARGIN = 0.05
"""A slowdown of so much is borne: two slices of the same differ by more than two of a duet."""
LOAD = Load(connections=24, seconds=SLICE, keep_alive=True, warm_up=0)


TODAY, CANDIDATE, HANDICAPPED = "today's", "the candidate's", "a handicapped director's"


class NothingServed(NodeError):
    """A slice in which no request succeeded; ``candidates``: it was the candidate's."""

    def __init__(self, seen: Throughput, whose: str) -> None:
        self.candidates = whose == CANDIDATE
        super().__init__(f"with {whose} settings no request succeeded: {'; '.join(seen.invalid)}")


@dataclass(frozen=True)
class Turns:
    """Of one quantity, of which less is better: today's beside the candidate's, and a handicap."""

    pairs: list[Pair] = field(default_factory=list)
    handicapped: list[Pair] = field(default_factory=list)

    @property
    def found(self) -> Slowdown:
        """The candidate's against today's."""
        return _of(self.pairs)

    @property
    def flaws(self) -> tuple[str, ...]:
        """Why nothing that these turns say counts; none if they have proved themselves."""
        todays = [pair.baseline for pair in self.pairs]
        equals = [Pair(*two) for two in zip(todays[::2], todays[1::2], strict=False)]
        told = [
            f"today's was found worse than itself: {alike}"
            for alike in (_of(equals), _of([pair.swapped for pair in equals]))
            if alike.slower
        ]
        if not (slowed := _of(self.handicapped)).slower:
            told.append(f"a handicap of {SHARE:.0%} was not found: {slowed}")
        return tuple(told)


def _of(pairs: Sequence[Pair]) -> Slowdown:
    return Slowdown.of(pairs, MARGIN)


@dataclass(frozen=True)
class Alternation:
    """Slices in turns: seconds that a request took of the service's time, and of its CPUs'.

    ``failed`` is how many requests failed in today's slice and in the candidate's.
    """

    time: Turns = field(default_factory=Turns)
    cpu: Turns = field(default_factory=Turns)
    failed: list[tuple[int, int]] = field(default_factory=list)

    @property
    def p_of_failed(self) -> float:
        """How likely more failed with the candidate's in so many pairs if both fail alike.

        The sign test, one-sided, of the pairs in which not as many failed; 1 where there are none.
        """
        more = sum(candidates > todays for todays, candidates in self.failed)
        unlike = sum(candidates != todays for todays, candidates in self.failed)
        return float(sum(math.comb(unlike, k) for k in range(more, unlike + 1)) / 2**unlike)

    def add(self, seen: dict[str, Throughput]) -> None:
        """The slices of one round, by whose they are."""
        today, candidates = seen[TODAY], seen[CANDIDATE]
        for turns, of in ((self.time, _time), (self.cpu, _cpu)):
            turns.pairs.append(Pair(of(today), of(candidates)))
            if HANDICAPPED in seen:
                turns.handicapped.append(Pair(of(today), of(seen[HANDICAPPED])))
        self.failed.append((sum(today.errors.values()), sum(candidates.errors.values())))


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
    found, used = Alternation(), list[float]()
    for number in range(pairs):
        sides = [TODAY, CANDIDATE, *([HANDICAPPED] if number % 2 else [])]
        seen: dict[str, Throughput] = {}
        for whose in chance.sample(sides, len(sides)):
            setting: AbstractContextManager[object] = nullcontext()
            if whose == CANDIDATE:
                setting = changed()
            elif whose == HANDICAPPED:
                setting = handicapped(cluster, statistics.median(used))
            with setting:
                seen[whose] = load.run(cluster, LOAD)
            if not seen[whose].succeeded:
                raise NothingServed(seen[whose], whose)
        used.append(seen[TODAY].director_cpu)
        found.add(seen)
    return found


def _time(seen: Throughput) -> float:
    return 1 / seen.requests_per_second


def _cpu(seen: Throughput) -> float:
    """Shares of the director's CPU time for a success; of how many CPUs does not matter."""
    return seen.director_cpu * seen.seconds / seen.succeeded
