"""Every figure that the thesis states in words is held to, or is listed with why it is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from halab.placement import ANNEX_A1, IRQ_CPU, PLACEMENTS, UNSTEERED
from halab.scenario import ALONE
from halab.thresholds import Thresholds
from halab.topology import Topology

WORDS = YAML(typ="safe", pure=True).load(Path("docs/thesis-figures.yaml").read_text())
STATED = Thresholds.load(Path("thresholds.yaml"))
TOPOLOGY = Topology.load(Path("topology.yaml"))

NO_NUMBER = "a trend of a chart, without a number"
HOST = "the thesis's host had it; a guest takes half of it"

# By the thesis's section: thresholds, relations, and what guests reach, as "value NAME", "relation
# NAME" and "reach NAME", …
HELD = {
    "hypervisors.kernel_compile.finding": [
        "reach kvm-compile", "reach xen-compile", "reach virtualbox-compile",
    ],
    "hypervisors.cpu.xen_below_bare_metal": [
        "reach xen-cpu", "reach kvm-cpu", "reach virtualbox-cpu",
    ],
    "hypervisors.memory.bare_metal_mb_s": ["reach bare-metal-memory"],
    "hypervisors.memory.xen_mb_s": ["reach xen-memory"],
    "hypervisors.disk.xen_write_below_others": ["reach xen-disk-write"],
    "hypervisors.network.virtualbox_latency_above_bare_metal": [
        "reach virtualbox-latency", "reach kvm-latency", "reach xen-latency",
    ],
    "hypervisors.web.virtualbox_below_others": ["reach virtualbox-web"],
    "hypervisors.web.bare_metal_req_s": ["value bare-metal-html"],
    "hypervisors.web.kvm_xen_req_s": ["value kvm-html", "value xen-html"],
    "hypervisors.web.virtualbox_req_s": ["value virtualbox-html"],
    "web_servers.index.html.nginx_max_req_s": ["value nginx-html"],
    "web_servers.index.php.nginx_peak_req_s": ["value nginx-php"],
    "web_servers.index.php.gwan_max_req_s": ["value gwan-php"],
    "vm_placement.index.php.best_req_s": ["value four-pinned-vms"],
    "vm_placement.index.php.best_layout": [
        f"value four-over-{n}" for n in ("one", "two", "eight", "sixteen")
    ],
    "vm_placement.index.php.finding": [f"relation pinned-vms-{n}" for n in (1, 2, 4, 8, 16)],
    "vm_placement.pi.php?n=100000.best_req_s": ["value four-vms-pi", "value eight-vms-pi"],
    "vm_placement.pi.php?n=100000.best_layouts": [
        f"value pi-{best}-over-{n}" for best in ("four", "eight") for n in ("one", "two", "sixteen")
    ],
    "haproxy_one_process.index.php.pinned_req_s": ["value one-pinned", "relation pinned-over-os"],
    "haproxy_one_process.index.php.os_scheduled_req_s": ["value one-os"],
    "haproxy_one_process.pi.php?n=100000.difference_req_s": ["value pi-hides-the-pin"],
    "haproxy_one_process.pi.php?n=100000.finding": ["value pi-hides-the-pin"],
    "haproxy_processes.index.php.three_over_one": [
        "value three-over-one", "relation three-over-one",
    ],
    "haproxy_processes.index.php.best_req_s": ["value three-processes"],
    "haproxy_processes.index.php.best": [
        "relation three-over-one", "relation three-over-two", "relation fourth-lowers",
        "relation 24-over-48",
    ],
    "haproxy_processes.index.php.four_req_s": ["value four-processes"],
    "haproxy_processes.index.php.finding": ["relation fourth-lowers"],
    "haproxy_processes.pi.php?n=100000.finding": [
        "relation pi-bound-by-backends", "relation pi-slower-with-48",
    ],
    "rps.00b0.req_s": ["value rps-00b0"],
    "rps.00b0.rank": ["relation 00b0-over-0004", "relation 00b0-over-4404"],
    "rps.008c.req_s": ["value rps-008c"],
    "rps.008c.rank": ["relation rps-008c-first"],
    "rps.008c.over_best_without_rps": ["value rps-008c-over-none", "relation rps-008c-over-none"],
    "rfs.RFS-1.req_s": ["value rfs-1", "relation rfs-1-over-none"],
    "rfs.RFS-1.rank": [f"relation rfs-1-over-{n}" for n in (2, 3, 4)],
    "rfs.finding": ["relation rps-over-rfs"],
    "pi_cost.100000.time_ms": ["value pi-1e5-time"],
    "pi_cost.100000.req_s": ["value pi-1e5"],
    "pi_cost.1000000.time_ms": ["value pi-1e6-time"],
    "pi_cost.1000000.req_s": ["value pi-1e6"],
    "pi_cost.10000000.time_ms": ["value pi-1e7-time"],
    "pi_cost.10000000.req_s": ["value pi-1e7"],
    "servlet.java.peak_req_s": ["value servlet"],
    "servlet.java.over_php": ["value servlet-over-php", "relation servlet-over-php"],
    "servlet.java.response_below_ms": ["value servlet-time"],
}  # fmt: skip

# … or why nothing holds it.
NOT_HELD = {
    "hardware.guest.disk_gb": "a guest's disk is its operator's; nothing measured needs so much",
    "hardware.hypervisor_host.memory_mib": HOST,
    "hypervisors.kernel_compile.KVM slightly longer": NO_NUMBER,
    "web_servers.index.html.finding": NO_NUMBER,
    "web_servers.index.php.finding": NO_NUMBER,
    "high_availability.finding": "suites/ha/test_failover.py: by what clients lose",
}
"""A name stands for all that is below it."""

# Shares of two values that the thesis states, which it does not work out itself.
XEN_MEMORY = (("memory", "xen_mb_s"), ("memory", "bare_metal_mb_s"))
WEB = (("web", "kvm_xen_req_s"), ("web", "bare_metal_req_s"))
DERIVED = {
    **{f"{name}-memory-copy": XEN_MEMORY for name in ("kvm", "xen", "virtualbox")},
    **{f"{name}-web": WEB for name in ("kvm", "xen")},
}

KINDS: dict[str, dict[str, Any]] = {
    "value": {**STATED.thresholds},
    "relation": {**STATED.relations},
    "reach": {**STATED.hypervisors},
}

# What is no figure: where it is from, what it was measured with, what was chosen; and what other
# tests here hold to.
ABOUT = {"source", "figure", "tool", "server", "page", "chosen", "pinned"}
ELSEWHERE = {
    "cluster": "tests/test_topology.py",
    "method": "test_the_load_is_the_thesis_s",
    "hardware.cluster_node": "test_the_hardware_is_the_thesis_s",
    "hardware.hypervisor_host": "test_the_hardware_is_the_thesis_s",
    "hardware.guest": "test_the_guest_is_the_thesis_s",
    "vm_placement.layouts": "test_the_layouts_are_the_thesis_s",
    "haproxy_one_process.index.php.pinned_cpu": "test_placements_are_the_thesis_s",
    "haproxy_one_process.index.php.irq_cpu": "test_placements_are_the_thesis_s",
    **{f"{t}.{name}.{key}": "test_placements_are_the_thesis_s"
       for t in ("rps", "rfs") for name, words in WORDS[t].items() if name != "finding"
       for key in {*words} & {"extra_irq_cpus", "haproxy_cpus"}},
}  # fmt: skip


def leaves(part: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Everything that is stated, by its path in the file."""
    if isinstance(part, dict):
        for key, below in part.items():
            yield from leaves(below, f"{path}.{key}" if path else str(key))
    else:
        yield path, part


LEAVES = {
    path: value for path, value in leaves(WORDS) if path.rpartition(".")[2] not in ABOUT
}  # fmt: skip


def below(path: str, names: object) -> bool:
    return any(path == name or path.startswith(f"{name}.") for name in names)  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", LEAVES)
def test_every_figure_is_held_to_or_says_why_not(path: str) -> None:
    """In one of the lists, and in one only."""
    known = [path in HELD, below(path, NOT_HELD), below(path, ELSEWHERE)]
    assert sum(known) >= 1, f"{path}: {LEAVES[path]} is in no list"
    assert not (path in HELD and path in NOT_HELD)


def test_no_list_has_what_the_thesis_has_not() -> None:
    for name in (*HELD, *NOT_HELD, *ELSEWHERE):
        assert any(below(path, [name]) for path in LEAVES), name


@pytest.mark.parametrize("path", HELD)
def test_what_holds_a_figure_is_there_with_its_value(path: str) -> None:
    """The value as it is stated, and the section's figure; of a range its lower end."""
    stated = LEAVES[path]
    number = min(stated) if isinstance(stated, list) else stated
    figure = figure_of(path)
    for said in HELD[path]:
        kind, _, name = said.partition(" ")
        held = KINDS[kind][name]
        assert held.figure == figure, said
        if kind != "relation" and not isinstance(number, str):
            assert held.value == pytest.approx(number), said  # type: ignore[union-attr]


def figure_of(path: str) -> int:
    """The figure that the part names which the path is in; 0 where it names none."""
    if path.startswith(("rps.", "rfs")):
        return 29 if path.startswith("rps.") else 30
    part, *keys = WORDS, *split(path)
    figure = 0
    for key in keys:
        part = part[key]
        figure = part.get("figure", figure) if isinstance(part, dict) else figure
    return figure


def split(path: str) -> Iterator[object]:
    """Keys of a path, of which some have dots in them and some are numbers."""
    part, rest = WORDS, path
    while rest:
        key = next(k for k in part if rest == str(k) or rest.startswith(f"{k}."))
        yield key
        part, rest = part[key], rest[len(str(key)) + 1 :]


def test_nothing_is_held_to_that_the_thesis_does_not_state() -> None:
    names = {said for held in HELD.values() for said in held}
    assert {f"value {name}" for name in STATED.thresholds} <= names
    assert {f"relation {name}" for name in STATED.relations} <= names
    derived = {f"reach {name}" for name in DERIVED}
    assert {f"reach {name}" for name in STATED.hypervisors} == derived | {
        name for name in names if name.startswith("reach ")
    }


@pytest.mark.parametrize("name", DERIVED)
def test_a_share_of_two_stated_values_is_theirs(name: str) -> None:
    """To the third digit."""
    of, whole = (WORDS["hypervisors"][part][key] for part, key in DERIVED[name])
    least = min(of) if isinstance(of, list) else of
    assert STATED.hypervisors[name].value == pytest.approx(1 - least / whole, abs=0.001)


def test_the_guest_is_the_thesis_s() -> None:
    """Of section 3.2: its size, bridged, and the NIC of each hypervisor (tests/test_domain.py)."""
    assert TOPOLOGY.hypervisors is not None
    guest, words = TOPOLOGY.hypervisors.guest, WORDS["hardware"]["guest"]
    assert (guest.vcpus, guest.memory) == (words["vcpus"], words["memory_mib"])
    assert words["mode"] == "bridged"
    assert guest.bridge
    assert {*TOPOLOGY.hypervisors.hosts} == {*words["nic"]}


def test_the_load_is_the_thesis_s() -> None:
    for shape, words in (("haproxy", "haproxy_load"), ("vm", "vm_load")):
        load = STATED.loads[shape]
        threads = f" -t {load.threads}" if load.threads > 1 else ""
        command = f"{load.generator} -n {load.requests} -c {load.connections}{threads} URL"
        assert WORDS["method"][words].startswith(command)
    one = STATED.loads["hypervisor"]
    assert WORDS["method"]["hypervisor_load"] == f"{one.generator} -n {one.requests} -c C URL"


def test_the_hardware_is_the_thesis_s() -> None:
    """An Opteron calls itself "AMD Opteron(tm) Processor 8350", an i5 "i5 CPU 760"."""
    node, host = STATED.hardware["cluster-node"], STATED.hardware["hypervisor-host"]
    words = WORDS["hardware"]["cluster_node"]
    assert (node.cpus, node.numa_nodes) == (words["cpus"], words["numa_nodes"])
    assert "one hardware queue" in words["nic"]
    assert node.queues == 1
    assert "8350" in node.cpu
    assert "8350" in words["cpu"]
    other = WORDS["hardware"]["hypervisor_host"]["cpu"]
    assert "i5-760" in other
    assert "i5 CPU 760" in host.cpu
    assert f"{host.cpus} cores" in other
    assert ANNEX_A1.cpus == frozenset(range(words["cpus"]))
    assert f"interrupts arriving on CPU {IRQ_CPU}" in words["nic"]


def test_the_layouts_are_the_thesis_s() -> None:
    """1 to 16 VMs on one server, each with its share of 16 cores (halab/hypervisor)."""
    for vms, cores in WORDS["vm_placement"]["layouts"].items():
        for name in (f"vms-{vms}", f"vms-{vms}-os", f"vms-{vms}-pi"):
            setup = STATED.scenarios[name].setup
            assert (setup.servers, setup.vms_per_server, setup.guests) == (1, vms, True)
            assert setup.vms_pinned == (not name.endswith("-os"))
        assert vms * cores == len(ANNEX_A1.cpus)


def test_placements_are_the_thesis_s() -> None:
    one = WORDS["haproxy_one_process"]["index.php"]
    assert (one["pinned_cpu"],) == ALONE
    assert UNSTEERED.steering.irq_cpus == (one["irq_cpu"],)
    for name, words in {**WORDS["rps"], **WORDS["rfs"]}.items():
        if name != "finding":
            placed = PLACEMENTS[name]
            assert placed.haproxy_cpus == tuple(words["haproxy_cpus"])
            assert placed.steering.rps_cpus == {*words.get("extra_irq_cpus", ())}
