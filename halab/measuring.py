"""Scenarios measured in turns, and each of them no more than once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median

from halab.curve import Curve
from halab.errors import InvalidRun, Untold
from halab.relation import Comparison, turns
from halab.scenario import Stage
from halab.series import UNTOLD, Series
from halab.shape import Shape
from halab.thresholds import Conditions, Figure, Relation, Scenario, Threshold, Thresholds


@dataclass
class Measuring:
    """All that is measured on one stage; ``seed`` of the order in which sides take turns."""

    thresholds: Thresholds
    stage: Stage
    seed: int
    series: dict[str, Series] = field(default_factory=dict)
    invalid: dict[str, InvalidRun] = field(default_factory=dict)
    drawn: dict[str, dict[str, Curve]] = field(default_factory=dict)

    def shape(self, scenario: Scenario) -> Shape:
        """Its own load where what is stated for its figure holds here; else what it has elsewhere.

        That is the method's, unless it is named. What holds for any lab says nothing of this one.
        """
        figure = self.thresholds.figure_of(scenario.name)
        names = figure.bars if figure else (scenario.name,)
        stated = self.thresholds
        conditions = {t.holds_for for t in stated.thresholds.values() if t.scenario in names}
        conditions |= {r.promised_for for r in stated.relations.values() if r.scenario in names}
        named = (each for each in conditions if stated.labs[each] != Conditions())
        own = any(not self._lacks(each) for each in named)
        elsewhere = scenario.elsewhere or stated.method.load
        return stated.loads[scenario.load if own else elsewhere]

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

    def curves(self, figure: Figure) -> dict[str, Curve]:
        """Each of its bars that this lab can have, under each of its numbers of connections.

        Scenarios take turns, each of them through all numbers, from the fewest on: another web
        server costs more time than a run. A point of which a run did not count has no more runs.
        """
        if figure.name not in self.drawn:
            names = [bar for bar in figure.bars if not self.inexpressible(bar)]
            curves = {name: self._flat(name, figure.connections) for name in names}
            for name in turns(names, self.thresholds.method.rounds, self.seed):
                self._rise(curves[name])
            self.drawn[figure.name] = curves
        return self.drawn[figure.name]

    def _flat(self, name: str, connections: Iterable[int]) -> Curve:
        empty = self._empty(name)
        points = {n: Series(empty.scenario, empty.shape.at(n)) for n in connections}
        return Curve(name, points)

    def _rise(self, curve: Curve) -> None:
        for n, series in curve.points.items():
            if n in curve.dropped or n in curve.failed:
                continue
            try:
                self._round(series)
            except InvalidRun as why:
                (curve.failed if why.failed else curve.dropped)[n] = str(why)

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
        """What is measured in place of the stated value, in its unit: medians.

        Of a curve the most that it serves, and the longest that it takes. Raises
        :class:`InvalidRun` where no run counts, or those did not that might have reached it, and
        :class:`Untold` for a latency that no generator tells.
        """
        names = [threshold.scenario, *([threshold.over] if threshold.over else [])]
        series = self.of(name for name in names if self._curve_of(name) is None)
        figures = []
        for name in names:
            curve = self._curve_of(name)
            if curve is None:
                figures.append(_middle(series[name], threshold.unit))
            elif threshold.unit == "ms":
                figures.append(curve.slowest)
            else:
                figures.append(_middle(curve.points[curve.peak], threshold.unit))
                _unlimited(curve, figures[-1], threshold)
        if not threshold.over:
            return figures[0]
        first, second = figures
        return first / second if threshold.unit == "×" else first - second

    def _curve_of(self, name: str) -> Curve | None:
        """The curve of a scenario, measured if need be, where its figure has curves."""
        figure = self.thresholds.figure_of(name)
        return self.curves(figure)[name] if figure and figure.connections else None

    def _empty(self, name: str) -> Series:
        scenario = self.thresholds.scenarios[name]
        return Series(scenario, self.shape(scenario))

    def _round(self, series: Series) -> None:
        pace = series.throughput[-1] if series.runs else 0.0
        series.runs.append(self.stage.measure(series.scenario, series.shape, pace))

    def _lacks(self, conditions: str) -> list[str]:
        wanted = self.thresholds.labs[conditions]
        return self.stage.facts.missing(wanted, self.thresholds.hardware)


def _unlimited(curve: Curve, peak: float, threshold: Threshold) -> None:
    """Raise :class:`InvalidRun` for too low a peak of a curve of which points were dropped.

    What a client kept from being measured may have been higher.
    """
    least, _ = threshold.bounds
    if curve.dropped and not threshold.over and peak < least:
        told = "; ".join(f"{n} connections: {why}" for n, why in curve.dropped.items())
        raise InvalidRun(f"{curve.name}: {peak:g} {threshold.unit} at most, without {told}")


def _middle(series: Series, unit: str) -> float:
    if unit != "ms":
        return median(series.throughput)
    if not series.milliseconds:
        raise Untold(f"{series.scenario.name}: {UNTOLD}")
    return median(series.milliseconds)
