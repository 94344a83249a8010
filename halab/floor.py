"""A lab's own floor: what it served when it was recorded, and whether it still does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Floor:
    """Figures that were recorded, of which more is better, with the machine and the date."""

    values: tuple[float, ...]
    machine: str
    date: str

    def __str__(self) -> str:
        return (
            f"{median(self.values):.0f} ({min(self.values):.0f} to {max(self.values):.0f}, "
            f"{len(self.values)} rounds), {self.date}, {self.machine}"
        )

    def p(self, now: Sequence[float], tolerance: float) -> float:
        """How likely these figures would be so low if they were no further below than allowed.

        Mann and Whitney's test, one-sided, against the recorded figures less the ``tolerance``,
        a share of them. With 5 rounds on each side it cannot be less than 1/252.
        """
        # loaded here: it takes a second, and most runs need none of it
        from scipy.stats import mannwhitneyu

        least = [value * (1 - tolerance) for value in self.values]
        return float(mannwhitneyu(now, least, alternative="less").pvalue)

    def passed(self, now: Sequence[float], tolerance: float, confidence: float) -> bool:
        """False if what is measured now is below it with that confidence."""
        return self.p(now, tolerance) >= 1 - confidence
