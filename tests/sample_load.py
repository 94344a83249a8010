"""Load on a cluster that is not there, as the thesis placed it in Figure 28, and its nights."""

from __future__ import annotations

import random
from pathlib import Path

from fixtures.performance import MeasuredBar
from halab.history import Entry
from halab.load import Load, Throughput
from halab.load.cores import Core, Cores
from halab.series import Series
from halab.thresholds import Thresholds

STATED = Thresholds.load(Path(__file__).parents[1] / "thresholds.yaml")
FIGURE = STATED.figures["29"]
HAPROXY = {0: 1, 1: 2, 4: 3, 5: 4}
NETWORK = (2, 3, 6, 7)


def core(number: int) -> Core:
    """A CPU of the thesis's director with the mask 008c."""
    process = HAPROXY.get(number)
    received = number in NETWORK
    return Core(
        number,
        number // 4,
        user=0.35 if process else 0.0,
        system=0.4 if process else 0.0,
        softirq=0.7 if received else 0.0,
        packets=0.25 if received else 0.0,
        interrupts=1.0 if number == 6 else 0.0,
        pinned=frozenset({process} if process else ()),
        visited=frozenset({1} if number == 12 else ()),
    )


def series(name: str, rate: float) -> Series:
    """Five rounds of it."""
    scenario = STATED.scenarios[name]
    run = Throughput(
        load=Load(),
        generator="h2load",
        requests_per_second=rate,
        seconds=1.0,
        succeeded=round(rate),
        errors={},
        bytes=1,
        latency={50: 0.004, 90: 0.01, 99: 0.02},
        client_cpu={"client1": 0.4},
        director_cpu=0.5,
        haproxy_cpu={1: 0.7},
        cpu_per_request=40e-6,
        haproxy_requests=round(rate),
        softnet_drops=0,
        time_wait=0,
        cores=Cores("lb1", False, tuple(map(core, range(16)))),
    )
    return Series(scenario, STATED.loads["brief"], [run] * 5)


def bar() -> MeasuredBar:
    """The bar of that mask."""
    return MeasuredBar(FIGURE, series("rps-008c", 23093.0), "")


def nights(lab: str) -> list[Entry]:
    """Forty of them, the last ten worse by a tenth."""
    dice = random.Random(1)
    return [
        Entry(f"2026-{1 + n // 28:02}-{1 + n % 28:02}", lab, bar().metric, v, v - 9, v + 9, "req/s")
        for n in range(40)
        for v in (dice.gauss(23000 if n < 30 else 20700, 200),)
    ]
