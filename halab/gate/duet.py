"""Duets: today's HAProxy and another at the same time on one CPU, pair by pair."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from halab.gate.slowdown import ALPHA, MOST_PAIRS, PAIRS, Pair, Slowdown
from halab.gate.stage import Contender, Stage, staged
from halab.node import Node

TODAY = "today's"


@dataclass(frozen=True)
class Duets:
    """What came of them, by the name of the other; costs are seconds of CPU time a request."""

    pairs: dict[str, list[Pair]] = field(default_factory=dict)

    def slowdown(self, name: str) -> Slowdown:
        """Of that one against today's, by all its pairs; ALPHA is halved for the second look."""
        pairs = self.pairs[name]
        return Slowdown.of(pairs, alpha=ALPHA if len(pairs) <= PAIRS else ALPHA / 2)

    def cost(self, name: str) -> float:
        """The median of what a request cost that one."""
        return statistics.median(pair.candidate for pair in self.pairs[name])

    def cost_of_todays(self, name: str) -> float:
        """The median of what it cost today's, beside that one."""
        return statistics.median(pair.baseline for pair in self.pairs[name])


def duets(
    node: Node,
    today: Contender,
    others: Mapping[str, Contender],
    *,
    settled: Collection[str],
    chance: random.Random | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Duets:
    """PAIRS duets with each of the others, in an order left to chance, on a node.

    Those that are to be ``settled`` go on to MOST_PAIRS where PAIRS leave it unclear whether they
    are slower. Raises :class:`halab.gate.stage.NotComparable` for a configuration that cannot be
    compared, and :class:`halab.gate.stage.Failing` for a HAProxy that does not do its part.
    """
    chance = chance or random.Random()
    held = Duets({name: [] for name in others})
    with staged(node) as stage:
        stage.enter(TODAY, today)
        for name, contender in others.items():
            stage.enter(name, contender)
            stage.together(TODAY, name)  # the first of all is like no other
        progress(f"{PAIRS} duets each with {', '.join(others)}")
        for _ in range(PAIRS):
            for name in chance.sample(list(others), len(others)):
                held.pairs[name].append(_pair(stage, name, chance))
        for name in settled:
            if held.slowdown(name).unclear:
                progress(f"{MOST_PAIRS - PAIRS} more with {name}: {held.slowdown(name)}")
                while len(held.pairs[name]) < MOST_PAIRS:
                    held.pairs[name].append(_pair(stage, name, chance))
    return held


def _pair(stage: Stage, name: str, chance: random.Random) -> Pair:
    """One slice of today's and another, of which either may be the first to be asked."""
    costs = stage.together(*chance.sample([TODAY, name], 2))
    return Pair(costs[TODAY].cpu, costs[name].cpu)
