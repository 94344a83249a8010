"""thresholds.yaml: what performance is stated for which hardware, and by whom; validated, frozen.

Print the JSON schema for editors with ``python -m halab.thresholds``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema

from halab import checked_file, webserver
from halab.address_plan import mapping
from halab.errors import ThresholdsError
from halab.names import Label
from halab.placement import PLACEMENTS
from halab.reach import Reach
from halab.shape import Shape
from halab.source_lines import Place
from halab.topology_part import Count, Part

SUITES = ("placement", "directors", "interrupts", "webservers")


class Hardware(Part):
    """A machine of its own. ``cpu`` is part of what /proc/cpuinfo calls its model.

    ``queues`` are the receive queues of its NIC. What is left out may be anything.
    """

    cpu: str = ""
    cpus: int = Field(default=0, ge=0)
    numa_nodes: int = Field(default=0, ge=0)
    queues: int = Field(default=0, ge=0)


class Conditions(Part):
    """What a lab must be for a figure to hold there; what is left out may be anything.

    ``directors``, ``servers`` and ``clients`` name their hardware. ``hypervisor`` is what hosts
    the web VMs, "none" for web servers on the servers themselves.
    """

    directors: str = ""
    servers: str = ""
    clients: str = ""
    hypervisor: Literal["", "none", "kvm", "qemu", "xen", "vbox", "container"] = ""


class Setup(Part):
    """What the cluster is brought to.

    ``pinned``: each HAProxy process on a CPU of its own, the thesis's where directors are the
    thesis's. ``placement``: one of Tables III and IV. ``guests``: web VMs have vCPUs, and with
    ``vms_pinned`` each of them has its CPU. ``web_server`` and ``http_reuse`` are as a
    configuration has them.
    """

    vms_per_server: Count = 4
    servers: int = Field(default=0, ge=0)
    haproxy_processes: Count = 1
    pinned: bool = False
    placement: str = ""
    guests: bool = False
    vms_pinned: bool = False
    web_server: Label = webserver.APACHE
    http_reuse: Literal["never", "safe", "aggressive", "always"] = "never"

    @field_validator("placement")
    @classmethod
    def _known(cls, name: str) -> str:
        if name and name not in PLACEMENTS:
            raise ValueError(f"no placement of the thesis; there is {', '.join(PLACEMENTS)}")
        return name


class Scenario(Part):
    """A page asked for in a set-up: at the VIP through HAProxy, or at the web VMs ``past`` it.

    ``load`` is where what is stated holds, and ``elsewhere`` in any other lab: the method's, unless
    it is named.
    """

    name: SkipJsonSchema[str]
    label: str
    page: str
    load: str
    elsewhere: str = ""
    past: bool = False
    setup: Setup = Setup()


class Figure(Part):
    """A chart of the thesis: a bar for each scenario.

    With ``connections`` it is a curve for each, over so many at once.
    """

    name: SkipJsonSchema[str]
    title: str
    section: str
    suite: Literal["placement", "directors", "interrupts", "webservers"]
    bars: tuple[str, ...] = Field(min_length=1, strict=False)
    connections: tuple[Count, ...] = Field(default=(), strict=False)

    @field_validator("connections")
    @classmethod
    def _rising(cls, connections: tuple[int, ...]) -> tuple[int, ...]:
        if list(connections) != sorted({*connections}):
            raise ValueError("must rise, from the fewest to the most")
        return connections


class Threshold(Part):
    """A stated value: of one scenario, or with ``over`` of one beside another.

    In "×" it is their ratio, in req/s then their difference; "ms" is the median latency.
    ``tolerance`` is the share by which what is measured may miss it.
    """

    name: SkipJsonSchema[str]
    scenario: str
    over: str = ""
    value: float = Field(gt=0)
    unit: Literal["req/s", "ms", "×"]
    at: Literal["least", "most", "about"] = "least"
    tolerance: float = Field(ge=0, lt=1)
    section: str
    figure: int = Field(default=0, ge=0)
    holds_for: str

    @model_validator(mode="after")
    def _two_for_a_ratio(self) -> Threshold:
        if self.unit == "×" and not self.over:
            raise ValueError("a ratio is over another scenario; add over")
        return self

    @property
    def source(self) -> str:
        """Where it is stated."""
        return f"section {self.section}" + (f", Figure {self.figure}" if self.figure else "")

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the most that may be measured; infinite where there is none."""
        least, most = self.value * (1 - self.tolerance), self.value * (1 + self.tolerance)
        return (
            least if self.at in ("least", "about") else float("-inf"),
            most if self.at in ("most", "about") else float("inf"),
        )


class Relation(Part):
    """That one scenario is faster than another, or not slower, or not faster."""

    name: SkipJsonSchema[str]
    scenario: str
    over: str
    says: Literal["faster", "not slower", "not faster"]
    section: str
    figure: int = Field(default=0, ge=0)
    promised_for: str


class Method(Part):
    """How a lab that is not the one of a stated figure is measured, and compared with itself.

    ``rounds``: each bar of a figure is measured so often, all in random order each time.
    ``pairs``: so often are both sides of a relation. ``confidence`` is of each verdict.
    ``floor_tolerance``: the share by which a lab may be below its own recorded floor.
    """

    load: str
    rounds: int = Field(ge=5, le=100)
    pairs: int = Field(ge=8, le=100)
    confidence: float = Field(ge=0.9, lt=1)
    floor_tolerance: float = Field(gt=0, lt=1)


class Thresholds(Part):
    """The whole file; :meth:`load` is the way in, as it also checks part against part."""

    hardware: dict[Label, Hardware]
    labs: dict[Label, Conditions]
    loads: dict[Label, Shape]
    method: Method
    scenarios: dict[Label, Scenario]
    figures: dict[Label, Figure]
    thresholds: dict[Label, Threshold]
    relations: dict[Label, Relation]
    hypervisors: dict[Label, Reach]

    @field_validator(
        "scenarios", "figures", "thresholds", "relations", "hypervisors", mode="before"
    )
    @classmethod
    def _named(cls, parts: object) -> object:
        for name, part in mapping(parts).items():
            if isinstance(part, dict):
                parts = {**mapping(parts), name: {**part, "name": name}}
        return parts

    @classmethod
    def load(cls, path: Path) -> Thresholds:
        """Read and check the file; raises :class:`ThresholdsError` with every mistake in it."""
        return checked_file.read(path, cls, _findings, ThresholdsError)

    def figure_of(self, scenario: str) -> Figure | None:
        """The first figure that has the scenario for a bar, if any has."""
        return next((f for f in self.figures.values() if scenario in f.bars), None)

    def suite_of(self, scenario: str) -> str:
        """The suite that measures a scenario: its figure's, else that of the web servers."""
        figure = self.figure_of(scenario)
        return figure.suite if figure else "webservers"

    def stated(self, scenario: str, unit: str = "req/s") -> Threshold | None:
        """What is stated for the throughput or latency of a scenario by itself, if anything is."""
        named = (t for t in self.thresholds.values() if t.scenario == scenario and not t.over)
        return next((threshold for threshold in named if threshold.unit == unit), None)


def _findings(data: dict[str, object]) -> Iterator[tuple[Place, str]]:
    """Names that one part gives and no other part has."""
    for part, key, there in (
        ("scenarios", "load", "loads"),
        ("scenarios", "elsewhere", "loads"),
        ("thresholds", "scenario", "scenarios"),
        ("thresholds", "over", "scenarios"),
        ("thresholds", "holds_for", "labs"),
        ("relations", "scenario", "scenarios"),
        ("relations", "over", "scenarios"),
        ("relations", "promised_for", "labs"),
        ("hypervisors", "holds_for", "labs"),
        *(("labs", role, "hardware") for role in ("directors", "servers", "clients")),
    ):
        for name in mapping(data, part):
            value = mapping(data, part, name).get(key)
            if isinstance(value, str) and value not in mapping(data, there):
                yield (part, name, key), f"there is no such entry in {there}"
    own = mapping(data, "method").get("load")
    if isinstance(own, str) and own not in mapping(data, "loads"):
        yield ("method", "load"), "there is no such entry in loads"
    for name in mapping(data, "figures"):
        bars = mapping(data, "figures", name).get("bars")
        for place, bar in enumerate(bars if isinstance(bars, list) else []):
            if isinstance(bar, str) and bar not in mapping(data, "scenarios"):
                yield ("figures", name, "bars", place), "there is no such entry in scenarios"


if __name__ == "__main__":
    print(json.dumps(checked_file.schema_of(Thresholds), indent=2))
