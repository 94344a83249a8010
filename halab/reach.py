"""What a guest reaches: of its host by itself, of the other hypervisors' guests, or in all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from halab.topology_part import Part

OTHERS = "others"
HYPERVISORS = ("kvm", "xen", "vbox")
"""What the thesis compares. QEMU that emulates its guest's CPUs is none of the others."""


class Reach(Part):
    """A stated value of a quantity, one of :data:`halab.yardstick.QUANTITIES`, on a platform.

    With ``beside`` it is the share by which it is ``below`` or ``above`` bare metal ("none"), or
    the mean of the other guests ("others"), at most; without, the ``least`` in the quantity's
    unit. ``tolerance`` is a share too: of the value without ``beside``, else added to it.
    """

    name: SkipJsonSchema[str]
    quantity: Literal[
        "compile", "cpu", "memory-copy", "ramspeed-floating-point", "disk-write", "latency", "web"
    ]
    platform: Literal["none", "kvm", "xen", "vbox"]
    beside: Literal["", "none", "others"] = ""
    says: Literal["least", "below", "above"]
    value: float = Field(ge=0)
    tolerance: float = Field(ge=0, lt=1)
    section: str
    figure: int = Field(ge=1)
    holds_for: str

    @model_validator(mode="after")
    def _beside_something(self) -> Reach:
        if (self.says == "least") == bool(self.beside):
            raise ValueError("is below or above something beside it, or at least a value by itself")
        return self

    @property
    def source(self) -> str:
        """Where it is stated."""
        return f"section {self.section}, Figure {self.figure}"

    @property
    def bound(self) -> float:
        """The least that may be measured, or the most of a share."""
        if self.says == "least":
            return self.value * (1 - self.tolerance)
        return self.value + self.tolerance

    def lacking(self, kinds: Mapping[str, object]) -> list[str]:
        """Which sides are not among what was measured; nothing if both are."""
        found = [] if self.platform in kinds else [f"no {self.platform}"]
        if self.beside == "none" and "none" not in kinds:
            found.append("no bare metal")
        if self.beside == OTHERS and not self._others(kinds):
            found.append("no other hypervisor")
        return found

    def sides(self, kinds: Mapping[str, object]) -> list[str]:
        """The platform, and what it is beside, of those that are there."""
        beside = {"": (), "none": ("none",), OTHERS: self._others(kinds)}[self.beside]
        return [self.platform, *(kind for kind in beside if kind in kinds)]

    def reached(self, measured: Mapping[str, float]) -> float:
        """What was measured, by kind of platform, in the terms of what is stated.

        >>> Reach(name="x", quantity="cpu", platform="xen", beside="none", says="below", value=0.12,
        ...       tolerance=0, section="3.2.3", figure=9, holds_for="x").reached(
        ...       {"none": 100.0, "xen": 90.0})
        0.1
        """
        mine = measured[self.platform]
        if self.says == "least":
            return mine
        _, *sides = self.sides(measured)
        beside = sum(measured[kind] for kind in sides) / len(sides)
        share = 1 - mine / beside if self.says == "below" else mine / beside - 1
        return round(share, 6)

    def holds(self, measured: Mapping[str, float]) -> bool:
        """True if what was measured is within what is stated."""
        reached = self.reached(measured)
        return reached >= self.bound if self.says == "least" else reached <= self.bound

    @property
    def stated(self) -> str:
        """What is stated, in words."""
        if self.says == "least":
            return f"{self.value:,.0f}"
        beside = "bare metal" if self.beside == "none" else "the others"
        return f"at most {self.value:.0%} {self.says} {beside}"

    def told(self, reached: float, unit: str) -> str:
        """What was measured beside what is stated, for a report."""
        if self.says == "least":
            return f"{reached:,.0f} {unit}, stated {self.stated}"
        return f"{reached:.1%} {self.says}, stated {self.stated}"

    def _others(self, kinds: Mapping[str, object]) -> list[str]:
        return [kind for kind in HYPERVISORS if kind in kinds and kind != self.platform]
