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
from halab.lab.embedded import EmbeddedLab

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


def test_24_to_48_vms(benchmark: BenchmarkFixture, standing_cluster: Cluster) -> None:
    """New VMs, both directors reloaded, every backend UP by a passed check."""
    benchmark.pedantic(
        standing_cluster.bring_to,
        args=(FULL,),
        setup=lambda: standing_cluster.bring_to(HALF),
        rounds=3,
    )


def test_48_to_24_vms(benchmark: BenchmarkFixture, standing_cluster: Cluster) -> None:
    """The same backwards."""
    benchmark.pedantic(
        standing_cluster.bring_to,
        args=(HALF,),
        setup=lambda: standing_cluster.bring_to(FULL),
        rounds=3,
    )


def test_configuration_already_in_place(
    benchmark: BenchmarkFixture, standing_cluster: Cluster
) -> None:
    """Nothing differs: only looked at."""
    standing_cluster.bring_to(HALF)
    benchmark.pedantic(standing_cluster.bring_to, args=(HALF,), rounds=10)


def test_command_on_a_node(benchmark: BenchmarkFixture, lab: EmbeddedLab) -> None:
    """One command over an open connection."""
    benchmark.pedantic(lab.nodes["lb1"].run, args=("true",), rounds=200, warmup_rounds=5)
