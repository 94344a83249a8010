"""Platforms measured in turns by the yardsticks of a group, each group once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

from halab.platform import Platform
from halab.relation import Comparison, Verdict, turns
from halab.yardstick import Group
from halab.yardstick.yardstick import WHOLE, Quantity, Yardstick

Values = dict[str, tuple[float, ...]]
"""By kind of platform, the rounds of a quantity."""


@dataclass
class Comparing:
    """Each yardstick on every platform that has what it needs, ``pairs`` times.

    Each time the platforms have an order of their own, from ``seed``. A yardstick that takes
    minutes on any of them is measured once, and decides nothing.
    """

    platforms: Mapping[str, Platform]
    pairs: int
    seed: int
    confidence: float
    measured: dict[str, dict[Quantity, Values]] = field(default_factory=dict)
    missing: dict[str, list[str]] = field(default_factory=dict)

    def of(self, group: Group) -> dict[Quantity, Values]:
        """All that the group measures here; what is missing for it is in ``missing``.

        Raises :class:`halab.errors.NodeError` for work that was not done, or was done wrong.
        """
        if group.name not in self.measured:
            lacks = self.missing.setdefault(group.name, [])
            found: dict[Quantity, Values] = {}
            for yardstick in group.yardsticks:
                able = []
                for platform in self.platforms.values():
                    why = yardstick.missing(platform)
                    if why:
                        lacks.append(why)
                    else:
                        able.append(platform)
                found |= self._in_turns(yardstick, able)
            self.measured[group.name] = found
        return self.measured[group.name]

    def _in_turns(self, yardstick: Yardstick, able: list[Platform]) -> dict[Quantity, Values]:
        found: dict[Quantity, Values] = {quantity: {} for quantity in yardstick.quantities}
        by_kind = {platform.kind: platform for platform in able}
        rounds = 1 if any(map(yardstick.once, able)) else self.pairs
        for kind in turns([*by_kind], rounds, self.seed):
            for reading in yardstick.measure(by_kind[kind], WHOLE):
                values = found[reading.quantity]
                values[kind] = (*values.get(kind, ()), reading.value)
        return {quantity: values for quantity, values in found.items() if values}

    def beside_bare_metal(self, values: Values, kind: str, quantity: Quantity) -> Comparison:
        """The guest beside the host by itself; of a time its inverse, so that more is faster."""
        mine, its = values[kind], values["none"]
        if quantity.less_is_better:
            mine, its = (tuple(1 / value for value in side) for side in (mine, its))
        return Comparison(mine, its, self.confidence)

    def verdicts(self, measured: Mapping[Quantity, Values], kind: str) -> dict[str, Verdict]:
        """What was measured in turns on the guest and on bare metal, by the quantity's name."""
        return {
            quantity.name: self.beside_bare_metal(values, kind, quantity).verdict
            for quantity, values in measured.items()
            if {kind, "none"} <= values.keys() and len(values[kind]) > 1
        }


def middle(values: Values) -> dict[str, float]:
    """The median of each platform's rounds."""
    return {kind: median(rounds) for kind, rounds in values.items()}
