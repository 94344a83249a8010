"""The CPUs of a director under load: what is read, what is between two readings, its drawing."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping

import pytest

from halab import cores_svg
from halab.errors import NodeError
from halab.load import cores
from halab.load.cores import Core, Cores, Reading, Spent
from halab.softnet import Counters
from halab.thread import Thread

STAT = """\
cpu  30 0 30 300 0 2 8 0 0 0
cpu0 10 1 20 100 5 1 3 2 0 0
cpu1 20 0 10 200 0 1 5 0 7 0
intr 12345 0 9
"""


def counters(processed: Mapping[int, int], interrupts: Mapping[int, int]) -> Counters:
    """Of two CPUs; nothing else happened."""
    none = {0: 0, 1: 0}
    return Counters(interrupts, none, none, processed, none, none, none, none)


def reading(
    busy: int, at: int, cpus: frozenset[int], packets: int = 0, *, shared: bool = False
) -> Reading:
    """Of a director whose only HAProxy was last on the CPU ``at`` and may run on ``cpus``."""
    return Reading(
        shared=shared,
        spent={0: Spent(busy, busy, 0, 3 * busy), 1: Spent(0, 0, busy, 4 * busy)},
        received=counters({0: 0, 1: packets}, {0: 0, 1: packets}),
        threads={1: (Thread(42, "haproxy", "S", busy / 100, 0.0, at),)},
        allowed={1: {42: cpus}},
        nodes={0: frozenset({0}), 1: frozenset({1})},
    )


def through(cpus: frozenset[int], *, shared: bool = False, seconds: float = 0.8) -> Cores:
    """A load in which CPU 0 had 0.2 s of user's and of system's work, CPU 1 of softirqs."""
    before = reading(0, 0, cpus, shared=shared)
    return cores.through("lb1", before, reading(20, 0, cpus, 90, shared=shared), seconds)


def test_time_of_each_cpu_is_read() -> None:
    """proc(5): nice is user's, iowait is idle, and a guest's time is in user already."""
    assert cores.spent(STAT) == {0: Spent(11, 20, 4, 107), 1: Spent(20, 10, 6, 200)}


def test_another_file_is_no_stat() -> None:
    """It is said, and not taken for a machine without CPUs."""
    with pytest.raises(NodeError, match="/proc/stat: no CPU"):
        cores.spent("cpu  1 2 3 4 5 6 7 8 9 10\n")


def test_shares_are_of_the_load_where_the_machine_rests_around_it() -> None:
    """Starting and counting take longer than a short load, and are not to thin it out."""
    haproxy, network = through(frozenset({0})).cores
    assert (haproxy.user, haproxy.system, haproxy.busy) == (0.25, 0.25, 0.5)
    assert (network.softirq, network.packets, network.interrupts, network.node) == (0.25, 1, 1, 1)


def test_nothing_is_more_than_busy() -> None:
    """A director that was still at work when a short load was over was busy all through it."""
    haproxy, network = through(frozenset({0}), seconds=0.25).cores
    assert (haproxy.user, haproxy.system, haproxy.busy) == (0.5, 0.5, 1)
    assert network.busy == pytest.approx(0.2 / 0.25)


def test_shares_are_of_all_the_time_where_others_work_too() -> None:
    """The host of a container never rests."""
    haproxy, _ = through(frozenset({0}), shared=True).cores
    assert haproxy.user == pytest.approx(20 / 100)


def test_a_pinned_process_differs_from_one_that_came_by() -> None:
    """One stays, the other was only seen."""
    pinned, free = through(frozenset({0})).cores[0], through(frozenset({0, 1})).cores[0]
    assert (pinned.pinned, pinned.visited) == ({1}, frozenset())
    assert (free.pinned, free.visited) == (frozenset(), {1})


def test_of_several_rounds_the_shares_are_the_mean_and_all_visits_count() -> None:
    """A free process is elsewhere in the next round."""
    free = frozenset({0, 1})
    moved = cores.through("lb1", reading(0, 1, free), reading(40, 1, free, 10), 0.8)
    both = cores.of_all([through(free), moved])
    assert both.cores[0].user == pytest.approx(0.375)
    assert [core.visited for core in both.cores] == [{1}, {1}]


def texts(seen: Cores) -> list[str]:
    """What can be read in the drawing."""
    drawing = ET.fromstring(cores_svg.drawn("4 processes", seen))
    return ["".join(e.itertext()) for e in drawing.iter("{http://www.w3.org/2000/svg}text")]


def core(number: int, **more: object) -> Core:
    """One that did nothing but what is said."""
    none: dict[str, object] = dict.fromkeys(
        ("user", "system", "softirq", "packets", "interrupts"), 0.0
    )
    known = {"node": number // 4, "pinned": frozenset(), "visited": frozenset()}
    return Core(number=number, **{**none, **known, **more})  # type: ignore[arg-type]


def test_the_scheme_has_the_thesiss_letters_from_the_highest_cpu_on() -> None:
    """Figure 28: H on 0, 1, 4 and 5, the interrupt on 6, packets on 2, 3 and 7 too."""
    haproxy = {cpu: frozenset({n}) for n, cpu in enumerate((0, 1, 4, 5), 1)}
    network = {2: 0.3, 3: 0.3, 6: 0.01, 7: 0.3}
    seen = Cores(
        "lb1",
        False,
        tuple(
            core(
                n,
                pinned=haproxy.get(n, frozenset()),
                packets=network.get(n, 0.0),
                interrupts=float(n == 6),
            )
            for n in range(16)
        ),
    )
    shown = texts(seen)
    letters = [text for text in shown if text in ("I", "X", "H1", "H2", "H3", "H4")]
    assert letters == ["I", "X", "H4", "H3", "I", "I", "H2", "H1"]
    numbers = [int(text) for text in shown if text.isdecimal()]
    assert numbers == [*range(15, -1, -1)]
    assert "dashed lines part NUMA nodes" in shown[-1]


def test_who_came_by_is_in_parentheses_and_a_shared_machine_is_told() -> None:
    """Nobody takes a host's CPUs for a director's."""
    seen = Cores("lb1", True, (core(0, visited=frozenset({1})), core(1)))
    assert "(H1)" in texts(seen)
    assert "CPUs of the machine that all nodes share" in texts(seen)[-1]
    assert "CPUs of the machine that all nodes share: CPU 0 0% busy" in cores_svg.told("x", seen)


def test_many_cpus_are_drawn_in_rows() -> None:
    """64 CPUs are four rows, and not too small to be read."""
    seen = Cores("lb1", False, tuple(map(core, range(64))))
    assert {str(n) for n in range(64)} <= {*texts(seen)}
    height = float(ET.fromstring(cores_svg.drawn("x", seen)).get("viewBox", "").split()[3])
    assert height > 4 * cores_svg.ROW
