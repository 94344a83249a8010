"""What changed since each test was last run: which broke, which was mended, which figure moved.

Kept as JSON: for each lab and test its last outcome and its last :data:`KEPT` figures. So a run
of a few tests is compared with the last run of these, whatever else ran between.

That a figure moved is said by ranks alone. Of what it is made nobody need know: outages of a
silent MASTER are spread over an advert_int, losses are mostly none and seldom many, and five
figures may by chance be alike. So no single run is a proof: its figure is the highest of all by
chance in one run of as many. That the last m of n + m figures all lie beyond all others has a
chance of 2 ÷ C(n + m, m) where nothing changed; the least m that suffices is asked for.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

KEPT = 100
ALPHA = 0.05
"""The chance that any figure of an unchanged cluster is said to have moved in a run, whatever their
number: each is given its part of it (Bonferroni)."""
FEWEST = 10
"""Earlier figures without which none is called unusual."""
FAR = 2.0
"""So many times the range of all earlier ones lies an unusual figure beyond them."""
TOLD = 3
"""Unusual figures that are told, the farthest first."""


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
    """A figure whose last values, this run's with them, all lie beyond all of those before.

    ``p`` is the chance of that if nothing changed, for as many figures as were compared. Of an
    unusual one there is but one value, and no ``p``.
    """

    test: str
    figure: Figure
    last: tuple[float, ...]
    before: tuple[float, ...]
    p: float | None = None

    def __str__(self) -> str:
        name = f"{self.figure.what} of {self.test}"
        if self.p is None:
            return (
                f"{name}: {self._said(self.last)}; {self._said(self.before)} in all "
                f"{len(self.before)} runs before. One run is no proof"
            )
        return (
            f"{name}: {self._said(self.last)} in the last {len(self.last)} runs, "
            f"{self._said(self.before)} in the {len(self.before)} before "
            f"(confidence {1 - self.p:.1%})"
        )

    def _said(self, values: tuple[float, ...]) -> str:
        unit = self.figure.unit
        ends = [f"{v:.3f}" if unit == "s" else f"{v:g}" for v in (min(values), max(values))]
        return f"{' to '.join(dict.fromkeys(ends))} {unit}"


@dataclass(frozen=True)
class Changes:
    """Names of tests, and figures; ``known`` is false where there is nothing to compare with."""

    known: bool = False
    broke: tuple[str, ...] = ()
    mended: tuple[str, ...] = ()
    moved: tuple[Moved, ...] = ()
    unusual: tuple[Moved, ...] = ()

    def lines(self) -> list[str]:
        """A line for each change; one that says so where there is none."""
        if not self.known:
            return ["no earlier run of these tests in this lab"]
        said = [
            *(f"broke: {test}" for test in self.broke),
            *(f"mended: {test}" for test in self.mended),
            *(f"moved: {moved}" for moved in self.moved),
        ]
        said = said or ["no test broke or was mended, and no figure moved"]
        return said + [f"unusual: {unusual}" for unusual in self.unusual]


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
        moved = tuple(_moved(told))
        known = {(one.test, one.figure.what) for one in moved}
        strange = [one for one in _unusual(told) if (one.test, one.figure.what) not in known]
        return Changes(bool(both), tuple(broke), tuple(mended), moved, tuple(strange[:TOLD]))

    def remember(self, lab: str, ran: Iterable[Ran], day: str = "") -> None:
        """Add this run, of that day, and write the file whole or not at all."""
        self.add(lab, ran, day)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps({"labs": self.labs}, separators=(",", ":")))
        fresh.replace(self.path)

    def add(self, lab: str, ran: Iterable[Ran], day: str = "") -> None:
        """Add this run to what is remembered, not to the file.

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


def _earlier(remembered: Mapping[str, object]) -> dict[str, list[float]]:
    figures = remembered.get("figures")
    return dict(figures) if isinstance(figures, dict) else {}


def _series(told: list[tuple[Ran, dict[str, object]]]) -> Iterator[tuple[str, Figure, list[float]]]:
    """Each figure of this run with those that it had before, the oldest first."""
    for test, was in told:
        for figure in test.figures:
            yield test.test, figure, _earlier(was).get(figure.what, [])


def _moved(told: list[tuple[Ran, dict[str, object]]]) -> Iterator[Moved]:
    compared = [one for one in _series(told) if one[2]]
    for test, figure, earlier in compared:
        values = (*earlier, figure.value)
        m = needed(len(values), ALPHA / len(compared))
        if m and _beyond(values[-m:], values[:-m]) > figure.resolution:
            p = min(chance(len(values), m) * len(compared), 1)
            yield Moved(test, figure, values[-m:], values[:-m], p)


def _unusual(told: list[tuple[Ran, dict[str, object]]]) -> list[Moved]:
    found = []
    for test, figure, earlier in _series(told):
        if len(earlier) >= FEWEST:
            wide = max(max(earlier) - min(earlier), figure.resolution)
            far = _beyond((figure.value,), earlier)
            if far > FAR * wide:
                how_far = far / wide if wide else math.inf
                found.append((how_far, Moved(test, figure, (figure.value,), tuple(earlier))))
    return [one for _, one in sorted(found, key=lambda one: -one[0])]


def _beyond(last: Sequence[float], before: Sequence[float]) -> float:
    """By how much all of the last are above, or below, all of those before; at most 0 if not."""
    return max(min(last) - max(before), min(before) - max(last))


def chance(count: int, last: int) -> float:
    """That the last of so many figures all lie beyond all others, on either side, by chance."""
    return 2 / math.comb(count, last)


def needed(count: int, alpha: float = ALPHA) -> int:
    """The fewest last figures of so many that prove a move; 0 where none do.

    >>> needed(20), needed(20, 0.05 / 90), needed(100, 0.05 / 90)
    (2, 4, 2)
    """
    enough = (m for m in range(1, count // 2 + 1) if chance(count, m) <= alpha)
    return next(enough, 0)
