"""What changed since each test was last run: which broke, which was mended, which figure moved.

Kept as JSON: for each lab and test its last outcome and its last :data:`KEPT` figures. So a run
of a few tests is compared with the last run of these, whatever else ran between.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, stdev

from scipy.special import stdtr

KEPT = 20
FEWEST = 5
"""Earlier figures without which none is said to have moved."""
ALPHA = 0.05
"""The chance that any figure of an unchanged cluster is said to have moved, whatever their number:
each is given its part of it (Bonferroni)."""


@dataclass(frozen=True)
class Figure:
    """A measurement by name; ``resolution`` is what it may be off by, in ``unit``."""

    what: str
    value: float
    resolution: float = 0.0
    unit: str = "s"


@dataclass(frozen=True)
class Ran:
    """A test of a run."""

    test: str
    outcome: str
    figures: tuple[Figure, ...] = ()
    said: tuple[str, ...] = ()
    """What it measured in words, or why it was skipped."""


@dataclass(frozen=True)
class Moved:
    """A figure that is not like its earlier ones; ``p`` is the chance of that if nothing changed.

    By Student's t for one more value of a normal distribution; figures of failovers are spread
    evenly over an advert_int, which has fewer extremes, so that the true chance is smaller.
    """

    test: str
    figure: Figure
    usual: float
    count: int
    p: float

    def __str__(self) -> str:
        unit = self.figure.unit
        return (
            f"{self.figure.what} of {self.test}: {self.figure.value:.3f} {unit}, usually "
            f"{self.usual:.3f} {unit} ({self.count} runs; p = {self.p:.1g})"
        )


@dataclass(frozen=True)
class Changes:
    """Names of tests, and figures; ``known`` is false where there is nothing to compare with."""

    known: bool = False
    broke: tuple[str, ...] = ()
    mended: tuple[str, ...] = ()
    moved: tuple[Moved, ...] = ()

    def lines(self) -> list[str]:
        """A line for each change; one that says so where there is none."""
        if not self.known:
            return ["no earlier run of these tests in this lab"]
        said = [
            *(f"broke: {test}" for test in self.broke),
            *(f"mended: {test}" for test in self.mended),
            *(f"moved: {moved}" for moved in self.moved),
        ]
        return said or ["no test broke or was mended, and no figure moved"]


@dataclass
class LastRun:
    """The file that remembers; one that is not there, or is not of this form, remembers nothing."""

    path: Path
    labs: dict[str, dict[str, dict[str, object]]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> LastRun:
        """What it says."""
        try:
            labs = json.loads(path.read_text())["labs"]
            good = all(isinstance(tests, dict) for tests in labs.values())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            good, labs = False, {}
        return cls(path, labs if good else {})

    def changes(self, lab: str, ran: Iterable[Ran]) -> Changes:
        """This run beside what is remembered; a skip on either side tells nothing."""
        before = self.labs.get(lab, {})
        both = [
            (test, before[test.test])
            for test in ran
            if before.get(test.test, {"outcome": "skipped"})["outcome"] != "skipped"
        ]
        told = [
            (test, was)
            for test, was in both
            if {test.outcome, was["outcome"]} <= {"passed", "failed", "error"}
        ]
        broke = [t.test for t, was in told if t.outcome != "passed" and was["outcome"] == "passed"]
        mended = [t.test for t, was in told if t.outcome == "passed" and was["outcome"] != "passed"]
        return Changes(bool(both), tuple(broke), tuple(mended), tuple(_moved(told)))

    def remember(self, lab: str, ran: Iterable[Ran], day: str = "") -> None:
        """Add this run, of that day, and write the file whole or not at all.

        A skip takes the place of nothing but another skip.
        """
        tests = self.labs.setdefault(lab, {})
        for test in ran:
            told: dict[str, object] = {
                "outcome": test.outcome,
                "said": [*test.said],
                "day": day,
            }
            if test.outcome == "skipped":
                if tests.get(test.test, told)["outcome"] == "skipped":
                    tests[test.test] = told
                continue
            earlier = _earlier(tests.get(test.test, {}))
            for figure in test.figures:
                earlier[figure.what] = [*earlier.get(figure.what, []), figure.value][-KEPT:]
            tests[test.test] = {**told, "figures": earlier}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps({"labs": self.labs}, separators=(",", ":")))
        fresh.replace(self.path)


def _earlier(remembered: Mapping[str, object]) -> dict[str, list[float]]:
    figures = remembered.get("figures")
    return dict(figures) if isinstance(figures, dict) else {}


def _moved(told: list[tuple[Ran, dict[str, object]]]) -> Iterator[Moved]:
    comparable = [
        (test.test, figure, values)
        for test, was in told
        for figure in test.figures
        if len(values := _earlier(was).get(figure.what, [])) >= FEWEST
    ]
    for name, figure, values in comparable:
        p = chance(figure, values)
        if p < ALPHA / len(comparable):
            yield Moved(name, figure, fmean(values), len(values), p)


def chance(figure: Figure, earlier: list[float]) -> float:
    """The two-sided chance of a value as far from the earlier ones as this, if nothing changed."""
    n = len(earlier)
    spread = max(stdev(earlier), figure.resolution)
    if not spread:  # a count that was always the same
        return 1.0 if figure.value == earlier[0] else 2 / (n + 1)
    t = (figure.value - fmean(earlier)) / (spread * math.sqrt(1 + 1 / n))
    return float(2 * stdtr(n - 1, -abs(t)))
