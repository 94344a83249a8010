"""Is one side faster than the other: measured in turns, judged at a stated confidence."""

from __future__ import annotations

import random
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


class Verdict(StrEnum):
    """Of the first side beside the second."""

    FASTER = "faster"
    SLOWER = "slower"
    UNDECIDED = "undecided"


CLAIMS: dict[str, frozenset[Verdict]] = {
    "faster": frozenset({Verdict.FASTER}),
    "not slower": frozenset({Verdict.FASTER, Verdict.UNDECIDED}),
    "not faster": frozenset({Verdict.SLOWER, Verdict.UNDECIDED}),
}
"""The verdicts with which each thing that may be said of a relation holds."""


def turns(sides: Sequence[T], rounds: int, seed: int) -> Iterator[T]:
    """Every side once in each round, in an order that is random anew each time.

    So what changes slowly on a machine meets all sides alike.
    """
    dice = random.Random(seed)
    for _ in range(rounds):
        yield from dice.sample(sides, len(sides))


@dataclass(frozen=True)
class Comparison:
    """Figures of two sides, of which more is faster, by round; ``confidence`` is asked for."""

    first: tuple[float, ...]
    second: tuple[float, ...]
    confidence: float

    @property
    def ratio(self) -> float:
        """The first over the second, the median of all rounds."""
        return median(a / b for a, b in zip(self.first, self.second, strict=True))

    @property
    def p(self) -> float:
        """How likely sides that do not differ would look as different, either way.

        Wilcoxon's signed-rank test on the differences by round, two-sided.
        """
        differences = [a - b for a, b in zip(self.first, self.second, strict=True)]
        if not any(differences):
            return 1.0
        # loaded here: it takes a second, and most runs need none of it
        from scipy.stats import wilcoxon

        return float(wilcoxon(differences).pvalue)

    @property
    def verdict(self) -> Verdict:
        """Faster or slower where that much confidence is reached, else undecided."""
        if self.p >= 1 - self.confidence:
            return Verdict.UNDECIDED
        return Verdict.FASTER if self.ratio > 1 else Verdict.SLOWER

    def __str__(self) -> str:
        return (
            f"{self.verdict}, {self.ratio:.3f} times as fast in {len(self.first)} rounds "
            f"(p = {self.p:.3g}; confidence {self.confidence:g} was asked for)"
        )
