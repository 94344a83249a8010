"""HAProxys that cost a known share more CPU time a request: found by duets, checked by others.

One process of HAProxy differs from the next of the same by up to 1 %, and a busy machine adds to
that. So a length is read from a line through many starts, and it counts only when others bear it
out, as many as it takes to know the share well enough.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from scipy import stats

from halab.errors import LabError
from halab.gate.duet import duets
from halab.gate.session import slowed
from halab.gate.stage import Contender
from halab.node import Node

GOALS = {"+5%": 0.05, "+10%": 0.10}
"""More CPU time a request, as shares of today's."""
RULES = 4
LENGTHS = (50, 900, 1800)
"""Bytes that each rule hashes, for the line on which the goals are found."""
STARTS = 8
MOST_STARTS = 24
KNOWN = 0.004
"""Half the 95 % interval of the mean of all starts, at most."""
NEAR = 0.005
"""How far that mean may be from its goal."""
CHECKS = 4


def costlier(today: Contender, length: int) -> Contender:
    """Today's, with :data:`RULES` rules that hash so many bytes each."""
    return slowed(today, RULES, f"    http-request set-var(txn.x) str({'x' * length}),djb2")


@dataclass(frozen=True)
class Check:
    """What independent duets found for a length: the median of each start, as a share more."""

    goal: float
    length: int
    found: tuple[float, ...]

    @property
    def more(self) -> float:
        """The mean of all starts."""
        return statistics.fmean(self.found)

    @property
    def within(self) -> float:
        """Half of the interval of that mean at 95 % (Student's t)."""
        if len(self.found) < 2:
            return float("inf")
        spread = statistics.stdev(self.found) / len(self.found) ** 0.5
        return float(stats.t.ppf(0.975, len(self.found) - 1)) * spread

    @property
    def known(self) -> bool:
        return len(self.found) >= STARTS and self.within <= KNOWN

    @property
    def near(self) -> bool:
        return abs(self.more - self.goal) <= NEAR

    def __str__(self) -> str:
        return (
            f"{RULES} rules of {self.length} bytes cost {self.more:+.2%} ± {self.within:.2%} at "
            f"95 % in {len(self.found)} starts, {self.goal:+.0%} was asked for"
        )


@dataclass(frozen=True)
class Line:
    """The share more that rules of a length cost: ``intercept + slope × bytes``."""

    intercept: float
    slope: float

    @classmethod
    def through(cls, points: Sequence[tuple[int, float]]) -> Line:
        """Theil and Sen's, which a start that went wrong does not bend.

        Raises :class:`LabError` for points of which longer rules cost no more.
        """
        lengths, more = zip(*points, strict=True)
        fitted = stats.theilslopes(more, lengths)
        if fitted.slope <= 0:
            raise LabError(f"longer rules cost no more here ({fitted.slope:.2e} a byte): too noisy")
        return cls(float(fitted.intercept), float(fitted.slope))

    def length(self, goal: float) -> int:
        return max(round((goal - self.intercept) / self.slope), 1)

    def corrected(self, check: Check) -> int:
        """The length to try next, where a check missed its goal."""
        return max(round(check.length + (check.goal - check.more) / self.slope), 1)


def calibrated(node: Node, today: Contender, say: Callable[[str], None]) -> dict[str, Check]:
    """A length for each goal that independent duets have borne out.

    Raises :class:`LabError` where the machine is too noisy to know.
    """
    others = {str(length): costlier(today, length) for length in LENGTHS}
    points: list[tuple[int, float]] = []
    for _ in range(STARTS):
        points += [(int(n), more) for n, more in _medians(node, today, others).items()]
    line = Line.through(points)
    say(f"a line through {len(points)} duets: {line.intercept:+.2%} {line.slope:+.2e} a byte")
    lengths = {name: line.length(goal) for name, goal in GOALS.items()}
    for _ in range(CHECKS):
        checks = checked(node, today, lengths)
        for name, check in checks.items():
            say(f"{name}: {check}")
        missed = [name for name, check in checks.items() if not check.near]
        if not missed:
            return checks
        lengths |= {name: line.corrected(checks[name]) for name in missed}
    raise LabError(f"no length was found that costs {', '.join(missed)}: this machine is too noisy")


def checked(node: Node, today: Contender, lengths: Mapping[str, int]) -> dict[str, Check]:
    """Duets of these lengths, each start anew, until what they cost is known."""
    others = {name: costlier(today, length) for name, length in lengths.items()}
    checks = {name: Check(GOALS[name], length, ()) for name, length in lengths.items()}
    while not all(check.known for check in checks.values()):
        if any(len(check.found) >= MOST_STARTS for check in checks.values()):
            told = "; ".join(f"{name}: {check}" for name, check in checks.items())
            raise LabError(f"this machine is too noisy to know it well enough: {told}")
        for name, median in _medians(node, today, others).items():
            check = checks[name]
            checks[name] = Check(check.goal, check.length, (*check.found, median))
    return checks


def _medians(node: Node, today: Contender, others: Mapping[str, Contender]) -> dict[str, float]:
    """What each of them costs more in one start of all of them."""
    held = duets(node, today, others, settled=[])
    return {name: held.slowdown(name).median for name in others}
