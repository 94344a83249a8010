"""thresholds.yaml: what the thesis states, and what is wrong with a file that is not right."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.performance import BEYOND
from halab import checked_file
from halab import facts as facts_of_nodes
from halab.configuration import Configuration
from halab.errors import ConfigurationError, ThresholdsError
from halab.facts import Facts, NodeFacts
from halab.load import H2LOAD
from halab.placement import ANNEX_A1, Machine
from halab.scenario import configuration
from halab.thresholds import SUITES, Setup, Threshold, Thresholds

ROOT = Path(__file__).parents[1]
FILE = ROOT / "thresholds.yaml"
TEXT = FILE.read_text()
STATED = Thresholds.load(FILE)

Mistakes = Callable[[str], str]


@pytest.fixture
def mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mistakes:
    """Load a file of this text, and return the error's text that it must give."""
    monkeypatch.chdir(tmp_path)

    def load(text: str) -> str:
        Path("thresholds.yaml").write_text(text)
        with pytest.raises(ThresholdsError) as caught:
            Thresholds.load(Path("thresholds.yaml"))
        return str(caught.value)

    return load


def changed(old: str, new: str) -> str:
    assert old in TEXT, f"thresholds.yaml no longer has {old!r}"
    return TEXT.replace(old, new, 1)


def line_of(text: str, part: str) -> int:
    return 1 + text[: text.index(part)].count("\n")


# The thesis's figures in words: value, unit, figure, and what the scenario is.
IN_WORDS = {
    "rps-008c": (23093, "req/s", 29),
    "three-processes": (13467, "req/s", 23),
    "one-pinned": (10056, "req/s", 20),
    "one-os": (8659, "req/s", 20),
    "rps-00b0": (18446, "req/s", 29),
    "rfs-1": (12480, "req/s", 30),
    "three-over-one": (1.34, "×", 23),
    "rps-008c-over-none": (1.715, "×", 29),
    "four-pinned-vms": (7314, "req/s", 17),
    "four-vms-pi": (333, "req/s", 18),
    "eight-vms-pi": (333, "req/s", 18),
    "pi-hides-the-pin": (140, "req/s", 21),
    "nginx-html": (17238, "req/s", 15),
    "nginx-php": (13660, "req/s", 16),
    "gwan-php": (200, "req/s", 16),
    "pi-1e5-time": (50.017, "ms", 0),
    "pi-1e7": (0.19, "req/s", 0),
    "servlet": (234, "req/s", 0),
    "servlet-over-php": (14, "×", 0),
    "bare-metal-html": (12000, "req/s", 13),
}


@pytest.mark.parametrize("name", IN_WORDS)
def test_what_the_thesis_states_is_there_unscaled(name: str) -> None:
    threshold = STATED.thresholds[name]
    assert (threshold.value, threshold.unit, threshold.figure) == IN_WORDS[name]
    assert 0 <= threshold.tolerance <= 0.1


def test_what_was_measured_is_the_scenario() -> None:
    """23,093 with 4 processes on 0, 1, 4, 5 and RPS 008c; 13,467 with 3 processes and 24 VMs."""
    best = STATED.scenarios[STATED.thresholds["rps-008c"].scenario]
    wanted = configuration(best.setup, ANNEX_A1)
    assert (wanted.haproxy_processes, wanted.haproxy_cpus) == (4, (0, 1, 4, 5))
    assert wanted.steering.rps_cpus == {2, 3, 7}
    three = configuration(STATED.scenarios["processes-3"].setup, ANNEX_A1)
    assert (three.haproxy_processes, three.vms_per_server) == (3, 4)
    assert three.haproxy_cpus == (4, 5, 7)
    assert configuration(STATED.scenarios["one-pinned"].setup, ANNEX_A1).haproxy_cpus == (5,)
    load = STATED.loads[best.load].load(best.page, targets=4, clients=3)
    assert (load.page, load.requests, load.connections) == ("index.php", 400_000, 512)


# What follows of what is stated: PHP serves a 14th of what the servlet does, six servers what one
# does six times, and no layout of VMs more than the best.
STATED_RATES = {
    **{t.scenario: t.value for t in STATED.thresholds.values() if t.unit == "req/s" and not t.over},
    "servlet-in-php": 234 / 14,
    **{f"processes-{n}-pi": 6 * 333.0 for n in (1, 2, 3, 4)},
    **{f"vms-{n}-pi": 333.0 for n in (1, 2, 16)},
    **{f"vms-{n}": 7314.0 for n in (1, 2, 8, 16)},
}


@pytest.mark.parametrize("name", STATED_RATES)
def test_what_is_stated_can_be_measured_in_time(name: str) -> None:
    """As fast as it is stated to be, no run is taken for hung, and a bar's test ends in time.

    A bar by itself: on a cluster that is found only one set-up stands.
    """
    scenario = STATED.scenarios[name]
    setup, shape = scenario.setup, STATED.loads[scenario.load]
    processes = len(configuration(setup, ANNEX_A1).processes)
    targets = setup.servers * setup.vms_per_server if scenario.past else processes
    a_run = targets * shape.requests / STATED_RATES[name]
    figure = STATED.figure_of(name)
    points = len(figure.connections) if figure and figure.connections else 1
    assert 2 * a_run <= shape.limit
    assert STATED.method.rounds * points * a_run <= 0.75 * BEYOND
    assert shape.requests >= max(figure.connections if figure and figure.connections else (1,))


def test_haproxy_s_options_are_beside_web_servers() -> None:
    """Whose connections to web servers are, and what clients speak; both for clients that stay."""
    reuse = [STATED.scenarios[bar] for bar in STATED.figures["reuse"].bars]
    asked = [configuration(each.setup, ANNEX_A1).http_reuse for each in reuse]
    assert asked == ["never", "safe", "always"]
    shapes = [STATED.loads[STATED.scenarios[b].elsewhere] for b in STATED.figures["clients"].bars]
    loads = [shape.load("index.html", targets=1, clients=3) for shape in shapes]
    assert [load.http2 for load in loads] == [False, True]
    assert all(load.keep_alive for load in loads)
    assert [" --h1 " in H2LOAD.command(load, "http://x/") for load in loads] == [True, False]


def test_a_load_hangs_when_its_shape_says_so() -> None:
    load = STATED.loads["vm-slow"].load("pi.php", targets=4, clients=3)
    assert {share.limit for share in load.shares(12)} == {600}
    assert load.lasting(1).counted(100).limit == 600
    assert STATED.loads["brief"].load("pi.php", targets=4, clients=3).limit == 60


@pytest.mark.parametrize("figure", ["17", "18", "20", "21", "23", "24", "29", "30"])
def test_each_figure_has_its_bars_and_its_suite(figure: str) -> None:
    found = STATED.figures[figure]
    assert len(found.bars) >= 2
    assert found.suite in SUITES
    labels = [STATED.scenarios[bar].label for bar in found.bars]
    assert len({*labels}) == len(labels)


def test_a_lab_of_other_directors_pins_to_its_last_cpus() -> None:
    setup = Setup(haproxy_processes=2, pinned=True)
    two = configuration(setup, Machine(frozenset({0, 1})))
    assert two == Configuration(haproxy_processes=2, haproxy_cpus=(0, 1))
    with pytest.raises(ConfigurationError, match="need as many; directors have 1"):
        configuration(setup, Machine(frozenset({0})))
    with pytest.raises(ConfigurationError, match="made for directors with 16 CPUs"):
        configuration(Setup(placement="008c"), Machine(frozenset({0, 1})))


OPTERON = NodeFacts("Quad-Core AMD Opteron(tm) Processor 8350", 16, 4, 1, "none")
OTHER = NodeFacts("AMD EPYC 7763", 2, 1, 8, "systemd-nspawn")


def facts(director: NodeFacts = OPTERON, hypervisor: str = "kvm") -> Facts:
    nodes = {role: {role: OPTERON} for role in ("servers", "clients")}
    return Facts({**nodes, "directors": {"lb1": director}}, hypervisor, frozenset({"weighttp"}))


def missing(of: Facts) -> list[str]:
    return of.missing(STATED.labs["thesis"], STATED.hardware)


def test_the_thesis_s_lab_lacks_nothing() -> None:
    assert missing(facts()) == []


def test_another_lab_is_told_each_thing_that_it_lacks() -> None:
    assert missing(facts(OTHER, "container")) == [
        "directors with systemd-nspawn and no machine of its own",
        "directors with AMD EPYC 7763, not AMD Opteron(tm) Processor 8350",
        "directors with 2 CPU(s), not 16",
        "directors with 1 NUMA node(s), not 4",
        "directors with 8 queue(s), not 1",
        "web VMs on container, not kvm",
    ]


def test_a_model_is_known_by_its_words_however_many_blanks_are_between_them() -> None:
    """As the kernel tells the host of section 3.2: CPUID pads its name."""
    told = "0-3\n0\nnone\n1\nIntel(R) Core(TM) i5 CPU         760  @ 2.80GHz\n\n"
    host = NodeFacts.told(told)
    assert host.cpu == "Intel(R) Core(TM) i5 CPU 760 @ 2.80GHz"
    assert [*host.short_of(STATED.hardware["hypervisor-host"])] == []


def test_sixteen_cpus_alone_are_not_the_hardware() -> None:
    """Emulated directors have 16 CPUs in 4 NUMA nodes and one queue, and are no Opterons."""
    emulated = NodeFacts("QEMU TCG CPU version 2.5+", 16, 4, 1, "qemu")
    assert missing(facts(emulated)) == [
        "directors with qemu and no machine of its own",
        "directors with QEMU TCG CPU version 2.5+, not AMD Opteron(tm) Processor 8350",
    ]


def test_facts_are_read_from_what_a_node_answers() -> None:
    told = "0-15\n0-3\nnone\n1\nQuad-Core AMD Opteron(tm) Processor 8350\n"
    assert NodeFacts.told(told) == OPTERON


def test_a_cpu_without_a_name_is_none_that_figures_hold_for(tmp_path: Path) -> None:
    """As on Arm: what it lacks is told, and it measures like any other."""
    look = (facts_of_nodes._LOOK % "lo").replace("/proc/cpuinfo", str(tmp_path / "cpuinfo"))
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nBogoMIPS\t: 50.00\n")
    said = subprocess.run(["sh", "-c", look], stdout=subprocess.PIPE, text=True, check=True).stdout
    node = NodeFacts.told(said)
    assert (node.cpu, node.queues) == ("", 1)
    assert "an unnamed CPU, not i5 CPU 760" in [*node.short_of(STATED.hardware["hypervisor-host"])]


@given(st.floats(1, 1e5), st.sampled_from(["least", "most", "about"]), st.floats(0, 0.5))
def test_the_stated_value_itself_is_always_within_bounds(
    value: float, at: str, tolerance: float
) -> None:
    threshold = Threshold(
        name="t", scenario="s", value=value, unit="req/s", at=at, tolerance=tolerance,
        section="4", holds_for="thesis",
    )  # fmt: skip
    least, most = threshold.bounds
    assert least <= value <= most
    assert (least > 0) is (at != "most")
    assert (most < float("inf")) is (at != "least")


def test_a_value_below_its_tolerance_is_out_of_bounds() -> None:
    least, most = STATED.thresholds["rps-008c"].bounds
    assert least == pytest.approx(23093 * 0.95)
    assert most == float("inf")
    assert STATED.thresholds["pi-1e5-time"].bounds[1] == pytest.approx(50.017 * 1.05)


@pytest.mark.parametrize(
    ("old", "new", "path", "says"),
    [
        ("scenario: rps-008c, value", "scenario: rps-8c, value", "thresholds.rps-008c.scenario",
         "there is no such entry in scenarios"),
        ("value: 23093", "value: -1", "thresholds.rps-008c.value", "must be greater than 0"),
        ("value: 23093", "valeu: 23093", "thresholds.rps-008c.valeu", "did you mean value?"),
        ("unit: req/s", "unit: rps", "thresholds.nginx-html.unit", "must be 'req/s'"),
        ("holds_for: thesis}", "holds_for: these}", "thresholds.nginx-html.holds_for",
         "there is no such entry in labs"),
        ("directors: cluster-node", "directors: node", "labs.thesis.directors",
         "there is no such entry in hardware"),
        ("{placement: 008c}", "{placement: 008d}", "scenarios.rps-008c.setup.placement",
         "no placement of the thesis; there is unsteered"),
        ("load: brief", "load: short", "method.load", "there is no such entry in loads"),
        ("bars: [one-os, ", "bars: [two-os, ", "figures.20.bars[0]",
         "there is no such entry in scenarios"),
        ("says: not slower", "says: faster or not", "relations.pinned-over-os.says",
         "must be 'faster'"),
        ("connections: 1, requests: 100", "connections: 1", "loads.one", "ends by requests"),
        ("keep_alive: true, http2: true", "http2: true", "loads.http2",
         "http2 is h2load's, and over kept connections"),
        ("scenario: rps-008c, over: processes-3", "scenario: rps-008c",
         "thresholds.rps-008c-over-none", "a ratio is over another scenario"),
        ("holds_for: any-xen}", "holds_for: xen5}", "hypervisors.xen-compile.holds_for",
         "there is no such entry in labs"),
        ("platform: xen, beside: none, says: below, value: 0.12",
         "platform: xen, says: below, value: 0.12",
         "hypervisors.xen-cpu", "is below or above something beside it"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(
    mistakes: Mistakes, old: str, new: str, path: str, says: str
) -> None:
    text = changed(old, new)
    told = mistakes(text)
    line = 1 + TEXT[: TEXT.index(old)].count("\n")
    first, *_ = told.splitlines()
    assert re.fullmatch(
        rf"thresholds\.yaml:{line}: {re.escape(path)}: .*{re.escape(says)}.*", first
    ), told


def test_all_mistakes_are_told_at_once(mistakes: Mistakes) -> None:
    text = changed("value: 23093", "value: -1").replace("unit: req/s", "unit: rps", 1)
    assert len(mistakes(text).splitlines()) == 2


def test_schema_file_is_up_to_date() -> None:
    """Editors check thresholds.yaml by the schema that the models give."""
    written = json.loads((ROOT / "docs" / "thresholds.schema.json").read_text())
    assert written == checked_file.schema_of(Thresholds), (
        "run: python -m halab.thresholds > docs/thresholds.schema.json"
    )
