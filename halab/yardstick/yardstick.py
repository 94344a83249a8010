"""A yardstick: a program that measures a platform, and what it measures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from halab.errors import NodeError
from halab.platform import Platform

BRIEF, WHOLE = 1.0, 2.0
"""Seconds of a run that shows that a yardstick works, and of one whose figure counts."""


@dataclass(frozen=True)
class Quantity:
    """What is measured: its ``unit``, and whether less of it is better, as of a time."""

    name: str
    unit: str
    less_is_better: bool = False

    def told(self, value: float) -> str:
        """A value of it for a report: whole, where that tells enough."""
        shown = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
        return f"{shown} {self.unit}"


@dataclass(frozen=True)
class Reading:
    """One value of a quantity, as a program told it."""

    quantity: Quantity
    value: float

    def __str__(self) -> str:
        return f"{self.quantity.name} {self.quantity.told(self.value)}"


class Yardstick(Protocol):
    """A program that is brought to a platform's figures."""

    @property
    def name(self) -> str:
        """The program's."""

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What it measures."""

    @property
    def thorough(self) -> bool:
        """True if it takes minutes, whatever it is asked."""

    def once(self, platform: Platform) -> bool:
        """True if a whole measurement takes minutes there: then there is one only."""

    def missing(self, platform: Platform) -> str:
        """What the platform lacks for it; empty if it can be measured there."""

    def measure(self, platform: Platform, seconds: float) -> tuple[Reading, ...]:
        """Measure for so many seconds, where the program can be told.

        Raises :class:`NodeError` for work that was not done, or was done wrong.
        """


class Program:
    """A yardstick that is a program on the platform itself."""

    name = ""
    quantities: tuple[Quantity, ...] = ()
    thorough = False
    limit = 120.0
    """Seconds after which it has hung."""

    def missing(self, platform: Platform) -> str:
        """The program itself, if it is not there."""
        return "" if platform.has(self.name) else f"{platform.node.name} has no {self.name}"

    def once(self, _platform: Platform) -> bool:
        """Where it takes minutes whatever it is asked."""
        return self.thorough

    def measure(self, platform: Platform, seconds: float) -> tuple[Reading, ...]:
        """Run it, and read what it says."""
        said = platform.node.run(self.command(platform, seconds), limit=self.limit)
        return self.read(said)

    def command(self, platform: Platform, seconds: float) -> str:
        """For the platform's shell."""
        raise NotImplementedError

    def read(self, said: str) -> tuple[Reading, ...]:
        """What it measured; raises :class:`NodeError` for what it never says."""
        raise NotImplementedError

    def listed(
        self, quantities: Mapping[str, Quantity], line: re.Pattern[str], said: str
    ) -> tuple[Reading, ...]:
        """Each quantity's value by its name; ``line`` finds a name and a value in what it said.

        Raises :class:`NodeError` for a name that is in no line.
        """
        values = dict(line.findall(said))
        if lacking := [name for name in quantities if name not in values]:
            told = f"{self.name} says no {', '.join(lacking)}"
            raise NodeError(f"{told}: {said.strip()[-200:]!r}")
        return tuple(Reading(each, float(values[name])) for name, each in quantities.items())
