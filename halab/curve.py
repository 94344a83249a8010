"""A scenario under rising numbers of connections: throughput at each, and its peak."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

from halab.errors import InvalidRun, Untold
from halab.series import UNTOLD, Series


@dataclass
class Curve:
    """``points`` by connections; ``dropped`` tells why one does not count, ``failed`` what failed.

    A point is dropped where something else than the web server was the limit, a client's CPU
    first of all. What failed was answered wrong, or not at all.
    """

    name: str
    points: dict[int, Series]
    dropped: dict[int, str] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)

    @property
    def valid(self) -> dict[int, Series]:
        """The points that count."""
        bad = self.dropped.keys() | self.failed.keys()
        return {n: series for n, series in self.points.items() if n not in bad and series.runs}

    @property
    def peak(self) -> int:
        """The connections at which it served most, by the median of rounds.

        Raises :class:`InvalidRun` where no point counts.
        """
        valid = self._some()
        return max(valid, key=lambda n: median(valid[n].throughput))

    @property
    def slowest(self) -> float:
        """Milliseconds: the worst of its points' median latencies.

        Raises :class:`Untold` where none is told, and :class:`InvalidRun` where no point counts.
        """
        told = [series.milliseconds for series in self._some().values() if series.milliseconds]
        if not told:
            raise Untold(f"{self.name}: {UNTOLD}")
        return max(map(median, told))

    def _some(self) -> dict[int, Series]:
        if not self.valid:
            reasons = {**self.dropped, **self.failed}
            told = "; ".join(f"{n} connections: {why}" for n, why in sorted(reasons.items()))
            raise InvalidRun(f"{self.name}: no point of the curve counts: {told}")
        return self.valid
