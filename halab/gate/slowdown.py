"""Is the candidate slower, and by how much: statistics of pairs that were measured together."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

MARGIN = 0.02
"""A slowdown of so much is borne: two builds of the same source differ by about as much."""

ALPHA = 0.01
PAIRS = 10
MOST_PAIRS = 2 * PAIRS


class Answer(StrEnum):
    """To whether the candidate is slower by more than the margin."""

    SLOWER = "slower"
    NOT_SLOWER = "not slower"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Pair:
    """What one request cost each of two, measured at the same time; in any unit, the same."""

    baseline: float
    candidate: float

    @property
    def log_ratio(self) -> float:
        """ln(candidate / baseline): above 0 where the candidate costs more."""
        return math.log(self.candidate / self.baseline)

    @property
    def swapped(self) -> Pair:
        """The same two, with the baseline in the candidate's place."""
        return Pair(self.candidate, self.baseline)


@dataclass(frozen=True)
class Slowdown:
    """The candidate against the baseline, by pairs.

    ``p`` is the chance of such pairs, or worse, if the candidate were slower by the margin and no
    more (Wilcoxon's signed-rank test, one-sided, exact), ``alpha`` below which it is believed to
    be slower. ``median``, ``least`` and ``most`` are ratios less 1: 0.05 is 5 % more; the latter
    two are a confidence interval of the median at 95 %, from order statistics.
    """

    pairs: int
    median: float
    least: float
    most: float
    p: float
    alpha: float
    margin: float = MARGIN

    @classmethod
    def of(cls, pairs: Sequence[Pair], margin: float = MARGIN, alpha: float = ALPHA) -> Slowdown:
        """Of these pairs, of which there must be at least six for an interval at 95 %."""
        # a second of every command line's start, for those that judge nothing
        from scipy import stats

        ratios = [pair.log_ratio for pair in pairs]
        over = [ratio - math.log1p(margin) for ratio in ratios]
        test = stats.wilcoxon(over, alternative="greater", method="exact")
        interval = stats.quantile_test(ratios, p=0.5).confidence_interval(0.95)
        return cls(
            pairs=len(ratios),
            median=math.expm1(statistics.median(ratios)),
            least=math.expm1(interval.low),
            most=math.expm1(interval.high),
            p=float(test.pvalue),
            alpha=alpha,
            margin=margin,
        )

    @property
    def slower(self) -> bool:
        """Slower by more than the margin, beyond doubt."""
        return self.p < self.alpha

    @property
    def unclear(self) -> bool:
        """Over the margin, and it may be by chance."""
        return self.median > self.margin and not self.slower

    def __str__(self) -> str:
        return (
            f"{self.median:+.1%} ({self.least:+.1%} to {self.most:+.1%} at 95 %, "
            f"{self.pairs} pairs, p {self.p:.2g})"
        )
