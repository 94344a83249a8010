"""Scenarios in turns: each once in a round, each measured once, each with its own load."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fixtures.evidence import Evidence
from fixtures.performance import _curve
from halab.errors import InvalidRun, Untold
from halab.facts import Facts, NodeFacts
from halab.load import Load, Served
from halab.measuring import Measuring
from halab.shape import Shape
from halab.thresholds import Figure, Scenario, Thresholds

STATED = Thresholds.load(Path(__file__).parents[1] / "thresholds.yaml")
OPTERON = NodeFacts("Quad-Core AMD Opteron(tm) Processor 8350", 16, 4, 1, "none")
EPYC = NodeFacts("AMD EPYC", 2, 1, 1, "systemd-nspawn")
SERVES = {"one-pinned": 10_000.0, "one-os": 8_000.0, "processes-3": 13_000.0}


TOLD = {50: 0.004, 90: 0.01, 99: 0.02}


def served(throughput: float, latency: dict[int, float]) -> Served:
    return Served(
        load=Load(),
        generator="weighttp",
        requests_per_second=throughput,
        seconds=1.0,
        succeeded=round(throughput),
        errors={},
        bytes=1,
        latency=latency,
        client_cpu={},
    )


@dataclass
class Table:
    """A stage whose figures are written down."""

    node: NodeFacts
    asked: list[tuple[str, str, float]] = field(default_factory=list)
    broken: str = ""
    connections: list[tuple[str, int]] = field(default_factory=list)
    most: int = 10_000
    """Connections beyond which a client's CPU is the limit."""
    latency: dict[int, float] = field(default_factory=lambda: TOLD)

    @property
    def facts(self) -> Facts:
        roles = ("directors", "servers", "clients")
        return Facts({role: {role: self.node} for role in roles}, "kvm", frozenset({"weighttp"}))

    def inexpressible(self, scenario: Scenario, shape: Shape) -> Iterator[str]:
        if scenario.name == "processes-4":
            yield "no fourth CPU"

    def measure(self, scenario: Scenario, shape: Shape, pace: float) -> Served:
        self.asked.append((scenario.name, shape.generator, pace))
        self.connections.append((scenario.name, shape.connections))
        if shape.connections > self.most:
            raise InvalidRun("client1 used 99% of its CPU")
        if scenario.name == "nginx-php" and shape.connections == 16:
            raise InvalidRun("3 of 100 requests succeeded", failed=True)
        if scenario.name == self.broken:
            raise InvalidRun("client1 used 99% of its CPU")
        rate = SERVES.get(scenario.name, 1000.0) + (shape.connections % 256) * scenario.past
        return served(rate, self.latency)


def on(node: NodeFacts = EPYC, broken: str = "") -> tuple[Measuring, Table]:
    table = Table(node, broken=broken)
    return Measuring(STATED, table, seed=1), table  # type: ignore[arg-type]


def test_each_bar_is_measured_in_each_round_and_never_again() -> None:
    measuring, table = on()
    series = measuring.figure(STATED.figures["20"])
    assert Counter(name for name, _, _ in table.asked) == {"one-os": 5, "one-pinned": 5}
    for first in range(0, 10, 2):
        assert {name for name, _, _ in table.asked[first : first + 2]} == {*series}
    measuring.figure(STATED.figures["20"])
    assert measuring.value(STATED.thresholds["one-pinned"]) == 10_000
    assert len(table.asked) == 10


def test_bars_that_a_lab_cannot_have_are_left_out() -> None:
    measuring, _ = on()
    assert "processes-4" not in measuring.figure(STATED.figures["23"])
    assert measuring.missing(STATED.thresholds["four-processes"])[-1] == "no fourth CPU"


def test_after_the_first_round_the_pace_is_known() -> None:
    measuring, table = on()
    measuring.of(["one-pinned"])
    assert [pace for _, _, pace in table.asked] == [0.0, *[10_000.0] * 4]


@pytest.mark.parametrize("figure", ["20", "24"])
def test_the_stated_load_is_for_the_stated_hardware_alone(figure: str) -> None:
    """Of Figure 24 no value is stated, but what is said of its sides is of that load too."""
    for node, generator in ((OPTERON, "weighttp"), (EPYC, "h2load")):
        measuring, table = on(node)
        measuring.figure(STATED.figures[figure])
        assert {used for _, used, _ in table.asked} == {generator}


def test_what_is_promised_of_any_lab_is_asked_of_each_by_its_own_load() -> None:
    relation = STATED.relations["servlet-over-php"]
    for node, generator in ((OPTERON, "weighttp"), (EPYC, "ab")):
        measuring, table = on(node)
        assert measuring.promised(relation) == []
        measuring.relation(relation)
        assert {used for _, used, _ in table.asked} == {generator}


@pytest.mark.parametrize("figure", STATED.figures.values(), ids=STATED.figures)
def test_figures_of_two_tools_are_never_compared(figure: Figure) -> None:
    """Nor is Tomcat, of whose answers h2load sees no status, asked by it."""
    for node in (OPTERON, EPYC):
        measuring, _ = on(node)
        scenarios = [STATED.scenarios[bar] for bar in figure.bars]
        tools = {measuring.shape(scenario).generator for scenario in scenarios}
        assert len(tools) == 1
        if any(scenario.setup.web_server == "tomcat" for scenario in scenarios):
            assert tools != {"h2load"}


def test_an_invalid_run_is_told_again_and_not_tried_again() -> None:
    measuring, table = on(broken="one-os")
    for _ in range(3):
        with pytest.raises(InvalidRun, match="99% of its CPU"):
            measuring.figure(STATED.figures["20"])
    assert sum(name == "one-os" for name, _, _ in table.asked) == 1


def test_a_ratio_a_difference_and_a_time() -> None:
    measuring, _ = on(OPTERON)
    value = {name: measuring.value(STATED.thresholds[name]) for name in ("rps-008c-over-none",)}
    assert value == {"rps-008c-over-none": pytest.approx(1000 / 13_000)}
    assert measuring.value(STATED.thresholds["pi-hides-the-pin"]) == 0
    assert measuring.value(STATED.thresholds["pi-1e5-time"]) == 4.0


@pytest.mark.parametrize("name", ["pi-1e5-time", "servlet-time"])
def test_a_latency_that_nobody_told_is_no_short_one(name: str) -> None:
    """As by weighttp 0.4, of one load or of a curve; what was served counts all the same."""
    measuring, table = on(OPTERON)
    table.latency = {}
    with pytest.raises(Untold, match="its generator tells no latency"):
        measuring.value(STATED.thresholds[name])
    evidence = Evidence()
    _curve(measuring, STATED.figures["servlet"], "servlet", evidence)
    assert "16 connections: 1016 req/s" in evidence.notes


def test_a_curve_has_a_chart_of_what_is_served_and_one_of_how_long_it_takes() -> None:
    """Annex A.13 has both; where no generator tells the latter, there is only the first."""
    measuring, table = on(OPTERON)
    evidence = Evidence()
    _curve(measuring, STATED.figures["servlet"], "servlet", evidence)
    served_, slow = evidence.charts
    assert "Java: most 1,064 at 64; the thesis states 234" in served_
    assert "A.13): median latency, ms over connections. Java: most 4 at" in slow
    assert "the thesis states 276" in slow
    peak = "Java: 1064 req/s at 64 connections (1064 to 1064 in 5 rounds)"
    assert evidence.figures == [f"{peak}, median latency 4.0 ms"]
    measuring, table = on(OPTERON)
    table.latency = {}
    evidence = Evidence()
    _curve(measuring, STATED.figures["servlet"], "servlet", evidence)
    assert len(evidence.charts) == 1
    assert evidence.figures == [peak]


def test_a_relation_is_measured_anew() -> None:
    measuring, table = on()
    measuring.figure(STATED.figures["20"])
    table.asked.clear()
    seen = measuring.relation(STATED.relations["pinned-over-os"])
    assert Counter(name for name, _, _ in table.asked) == {"one-os": 10, "one-pinned": 10}
    assert seen.ratio == 1.25
    assert measuring.promised(STATED.relations["pinned-over-os"])
    assert not on(OPTERON)[0].promised(STATED.relations["pinned-over-os"])


def test_a_curve_rises_through_all_connections_in_each_round() -> None:
    measuring, table = on()
    figure = STATED.figures["15"]
    curves = measuring.curves(figure)
    mine = [n for name, n in table.connections if name == "nginx-html"]
    assert mine == [*figure.connections] * 5
    assert curves["nginx-html"].peak == 1000
    assert measuring.curves(figure) is curves


def test_a_curve_s_peak_is_what_is_compared_with_a_stated_value() -> None:
    measuring, table = on()
    assert measuring.value(STATED.thresholds["nginx-html"]) == 1000 + 1000 % 256
    asked = len(table.asked)
    assert measuring.curves(STATED.figures["15"])["nginx-html"].slowest == 4.0
    assert len(table.asked) == asked


def test_a_point_that_a_client_limits_is_dropped_and_asked_no_more() -> None:
    measuring, table = on()
    table.most = 64
    curve = measuring.curves(STATED.figures["15"])["apache-html"]
    assert [*curve.valid] == [1, 4, 16, 64]
    assert [*curve.dropped] == [256, 1000]
    assert curve.failed == {}
    assert [n for name, n in table.connections if name == "apache-html"].count(256) == 1


@pytest.mark.parametrize("name", ["bare-metal-html", "kvm-html", "virtualbox-html"])
def test_what_a_host_serves_at_most_is_the_peak_of_its_curve(name: str) -> None:
    """Section 3.2.7 states the most over the numbers of connections, as annex A.7 has ``-c``."""
    measuring, table = on()
    assert measuring.value(STATED.thresholds[name]) == 1000 + 64
    assert {n for _, n in table.connections} == {1, 4, 16, 64, 256}


def test_a_peak_that_a_client_kept_low_is_no_figure() -> None:
    """It says what was the limit, and not that a web server is too slow; a high one stands."""
    measuring, table = on(OPTERON)
    table.most = 64
    with pytest.raises(InvalidRun, match="at most, without 256 connections: client1 used 99%"):
        measuring.value(STATED.thresholds["nginx-html"])
    assert measuring.value(STATED.thresholds["gwan-php"]) > 1000
    measuring, table = on(OPTERON)
    assert measuring.value(STATED.thresholds["nginx-html"]) == 1000 + 1000 % 256


def test_a_point_that_failed_is_told_apart() -> None:
    curve = on()[0].curves(STATED.figures["16"])["nginx-php"]
    assert curve.failed == {16: "3 of 100 requests succeeded"}
    assert 16 not in curve.valid


def test_a_curve_without_a_point_says_why() -> None:
    measuring, table = on()
    table.most = 0
    with pytest.raises(InvalidRun, match="1 connections: client1 used 99% of its CPU"):
        assert measuring.curves(STATED.figures["15"])["apache-html"].peak


def test_one_connection_is_of_one_thread() -> None:
    shape = STATED.loads["vm"].at(1)
    assert (shape.connections, shape.threads) == (1, 1)
    assert STATED.loads["vm"].at(64).threads == 2
