"""How fast the embedded lab comes, changes, answers and goes.

    ./run pytest benchmarks --benchmark-enable --benchmark-storage=reports/benchmarks

The figures that were measured are in benchmarks/README.md.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from halab.cluster import Cluster
from halab.configuration import Configuration
from halab.cpu import cpus_of
from halab.lab.embedded import EmbeddedLab
from halab.placement import ANNEX_A1
from halab.steering import Steering

CHECKOUT = Path(__file__).parents[1]
FULL, HALF = Configuration(vms_per_server=8), Configuration(vms_per_server=4)

FROM_NOTHING = """
import time
from pathlib import Path
from halab.cluster import Cluster
from halab.configuration import Configuration
from halab.lab.embedded import EmbeddedLab
from halab.topology import Topology
lab = EmbeddedLab.start(Topology.load(Path("topology.yaml")), "speed", lambda step: None)
lab.enter()
lab.await_nodes()
Cluster(lab).bring_to(Configuration(vms_per_server=8))
began = time.monotonic()
lab.down()
print(time.monotonic() - began)
"""


@pytest.mark.timeout(200)
def test_48_vms_from_nothing_and_down(benchmark: BenchmarkFixture) -> None:
    """A process of its own builds the lab, waits for every backend UP, and takes it down."""

    def whole() -> float:
        run = subprocess.run(
            [sys.executable, "-c", FROM_NOTHING],
            cwd=CHECKOUT, capture_output=True, text=True, check=True, timeout=90,
        )  # fmt: skip
        return float(run.stdout)

    benchmark.extra_info["down_s"] = benchmark.pedantic(whole, rounds=3)


ONE, FOUR = Configuration(), Configuration(haproxy_processes=4)
HERE = Configuration(haproxy_processes=4, haproxy_cpus=(0, 1, 0, 1))
THERE = Configuration(haproxy_processes=4, haproxy_cpus=(1, 0, 1, 0))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # new VMs, both directors reloaded, every backend UP by a passed check
        pytest.param(HALF, FULL, id="24 to 48 VMs"),
        pytest.param(FULL, HALF, id="48 to 24 VMs"),
        pytest.param(ONE, FOUR, id="1 to 4 HAProxy processes"),
        pytest.param(FOUR, ONE, id="4 to 1 HAProxy processes"),
        pytest.param(HERE, THERE, id="another pin for each of 4 processes"),
        # nothing differs: only looked at
        pytest.param(HALF, HALF, id="a configuration already in place"),
    ],
)
def test_change(
    benchmark: BenchmarkFixture,
    standing_cluster: Cluster,
    before: Configuration,
    after: Configuration,
) -> None:
    """From one steady configuration to another, on both directors."""
    benchmark.pedantic(
        standing_cluster.bring_to,
        args=(after,),
        setup=lambda: standing_cluster.bring_to(before),
        rounds=5,
    )


@pytest.mark.parametrize("mask", ["008c", "00b0"])
def test_another_mask(benchmark: BenchmarkFixture, standing_cluster: Cluster, mask: str) -> None:
    """RPS of both directors' NICs steered, and put back: two changes."""
    if standing_cluster.lab.director_machine() != ANNEX_A1:
        pytest.skip(f"masks are for directors with {ANNEX_A1}: --lab=emulated")
    steering = Steering(rps_cpus=cpus_of(mask))

    def steer() -> None:
        with standing_cluster.steered(steering):
            pass

    benchmark.pedantic(steer, rounds=10)


def test_command_on_a_node(benchmark: BenchmarkFixture, lab: EmbeddedLab) -> None:
    """One command over an open connection."""
    benchmark.pedantic(lab.nodes["lb1"].run, args=("true",), rounds=200, warmup_rounds=5)
