"""How long the gate takes for an edit of haproxy.cfg, on a lab that stands.

    ./run pytest benchmarks/test_gate_speed.py --benchmark-enable

The figures are in benchmarks/README.md; that it errs seldom, benchmarks/gate_power.py shows.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from halab.cluster import Cluster
from halab.gate.gate import COST, Gate
from halab.lab.embedded import EmbeddedLab
from halab.set_up import SetUp

QUICK, WHOLE = 30.0, 8 * 60.0
"""Seconds that are asked for."""


@pytest.fixture
def gate(cluster: Cluster, lab: EmbeddedLab, pytestconfig: pytest.Config) -> Gate:
    topology = Path(pytestconfig.getoption("--topology"))
    candidate = SetUp.load(Path("examples/candidates/harmless"), lab.topology)
    return Gate(lab, topology, SetUp(), candidate, None, print)


@pytest.mark.timeout(300)
def test_quick(benchmark: BenchmarkFixture, gate: Gate) -> None:
    """Syntax, timers, and three duets."""
    judged = benchmark.pedantic(gate.quick, rounds=3)
    assert any(row.what == COST and "pairs" in row.after for row in judged.rows), judged.sentence
    assert benchmark.disabled or benchmark.stats.stats.max <= QUICK


@pytest.mark.timeout(1200)
def test_whole(benchmark: BenchmarkFixture, gate: Gate) -> None:
    """That, and the fault matrix under both set-ups."""
    judged = benchmark.pedantic(gate.whole, rounds=1)
    assert len(judged.rows) > 20, judged.sentence
    assert benchmark.disabled or benchmark.stats.stats.max <= WHOLE
