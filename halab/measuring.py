"""Scenarios measured in turns, and each of them no more than once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median

from halab.errors import InvalidRun
from halab.load import Throughput, cores
from halab.load.cores import Cores
from halab.load.throughput import Served
from halab.relation import Comparison, turns
from halab.scenario import Stage
from halab.thresholds import Figure, Relation, Scenario, Shape, Threshold, Thresholds

MEDIAN = 50


@dataclass
class Series:
    """What came of a scenario, round by round."""

    scenario: Scenario
    shape: Shape
    runs: list[Served] = field(default_factory=list)

    @property
    def throughput(self) -> tuple[float, ...]:
        """Requests a second."""
        return tuple(run.requests_per_second for run in self.runs)

    @property
    def milliseconds(self) -> tuple[float, ...]:
        """The median latency."""
        return tuple(run.latency[MEDIAN] * 1e3 for run in self.runs if run.latency)

    @property
    def latency(self) -> dict[int, float]:
        """Seconds by percentile: the median of the rounds'; empty where nobody told."""
        told = [run.latency for run in self.runs if run.latency]
        return {p: median(latency[p] for latency in told) for p in told[0]} if told else {}

    @property
    def cores(self) -> Cores | None:
        """The MASTER's CPUs through all rounds; None where it was passed by."""
        seen = [run.cores for run in self.runs if isinstance(run, Throughput) and run.cores]
        return cores.of_all(seen) if seen else None

    @property
    def haproxy(self) -> tuple[float, ...]:
        """Microseconds of HAProxy's CPU time for a request; empty where it was passed by."""
        runs = (run for run in self.runs if isinstance(run, Throughput))
        return tuple(run.cpu_per_request * 1e6 for run in runs)


@dataclass
class Measuring:
    """All that is measured on one stage; ``seed`` of the order in which sides take turns."""

    thresholds: Thresholds
    stage: Stage
    seed: int
    series: dict[str, Series] = field(default_factory=dict)
    invalid: dict[str, InvalidRun] = field(default_factory=dict)

    def shape(self, scenario: Scenario) -> Shape:
        """Its own load where a figure that is stated for it holds here; else the method's."""
        figure = self.thresholds.figure_of(scenario.name)
        names = figure.bars if figure else (scenario.name,)
        stated = (
            threshold
            for threshold in self.thresholds.thresholds.values()
            if threshold.scenario in names
        )
        own = any(not self._lacks(threshold.holds_for) for threshold in stated)
        return self.thresholds.loads[scenario.load if own else self.thresholds.method.load]

    def missing(self, threshold: Threshold) -> list[str]:
        """Why this value does not hold here, or cannot be measured; nothing if it is asserted."""
        lacks = self._lacks(threshold.holds_for)
        sides = filter(None, (threshold.scenario, threshold.over))
        loads = self.thresholds.loads
        return lacks + [
            why
            for scenario in map(self.thresholds.scenarios.__getitem__, sides)
            for why in self.stage.inexpressible(scenario, loads[scenario.load])
        ]

    def promised(self, relation: Relation) -> list[str]:
        """Why the relation is not promised here; nothing if it is."""
        return self._lacks(relation.promised_for)

    def inexpressible(self, scenario: str) -> list[str]:
        """Why this lab cannot be what the scenario asks for."""
        wanted = self.thresholds.scenarios[scenario]
        return [*self.stage.inexpressible(wanted, self.shape(wanted))]

    def figure(self, figure: Figure) -> dict[str, Series]:
        """Each of its bars that this lab can have, in turns."""
        return self.of(bar for bar in figure.bars if not self.inexpressible(bar))

    def of(self, scenarios: Iterable[str]) -> dict[str, Series]:
        """These scenarios; those that were not measured yet are, in turns.

        Raises :class:`InvalidRun` for those that were measured with one that did not count.
        """
        wanted = list(scenarios)
        for name in wanted:
            if name in self.invalid:
                raise InvalidRun(str(self.invalid[name]))
        new = {name: self._empty(name) for name in wanted if name not in self.series}
        try:
            for name in turns([*new], self.thresholds.method.rounds, self.seed):
                self._round(new[name])
        except InvalidRun as why:
            self.invalid |= dict.fromkeys(new, why)
            raise
        self.series |= new
        return {name: self.series[name] for name in wanted}

    def relation(self, relation: Relation) -> Comparison:
        """Both sides in turns, anew: a comparison is of one time."""
        sides = [relation.scenario, relation.over]
        pairs = {name: self._empty(name) for name in sides}
        for name in turns(sides, self.thresholds.method.pairs, self.seed):
            self._round(pairs[name])
        first, second = (pairs[name].throughput for name in sides)
        return Comparison(first, second, self.thresholds.method.confidence)

    def value(self, threshold: Threshold) -> float:
        """What is measured in place of the stated value, in its unit: medians."""
        names = [threshold.scenario, *([threshold.over] if threshold.over else [])]
        figures = [
            median(series.milliseconds if threshold.unit == "ms" else series.throughput)
            for series in self.of(names).values()
        ]
        if not threshold.over:
            return figures[0]
        first, second = figures
        return first / second if threshold.unit == "×" else first - second

    def _empty(self, name: str) -> Series:
        scenario = self.thresholds.scenarios[name]
        return Series(scenario, self.shape(scenario))

    def _round(self, series: Series) -> None:
        pace = series.throughput[-1] if series.runs else 0.0
        series.runs.append(self.stage.measure(series.scenario, series.shape, pace))

    def _lacks(self, conditions: str) -> list[str]:
        wanted = self.thresholds.labs[conditions]
        return self.stage.facts.missing(wanted, self.thresholds.hardware)
