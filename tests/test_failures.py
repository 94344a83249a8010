"""A test that ended in an error before or after its own part is told its likely cause too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures import failures
from halab.lab.embedded import EmbeddedLab
from tests.broken_around import AROUND

CHECKOUT = Path(__file__).parents[1]


def test_pytests_own_words_are_left_out() -> None:
    """What is left is of the cluster."""
    message = """AssertionError: lb1 holds them for DOWN
assert {'web4'} == set()

  Extra items in the left set:
  'web4'
  +  where {'web4'} = unhealthy()
  Use -v to get more diff"""
    assert failures.said(message) == [
        "AssertionError: lb1 holds them for DOWN",
        "assert {'web4'} == set()",
        "Extra items in the left set:",
        "'web4'",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", AROUND)
def test_error_around_a_test_is_told_its_cause(
    lab: EmbeddedLab, tmp_path: Path, pytestconfig: pytest.Config, name: str
) -> None:
    """On the cluster that the test had, or that could not be brought to what it asks for."""
    topology = Path(pytestconfig.getoption("--topology")).resolve()
    run = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-p", "tests.broken_around", f"--around={name}",
            f"--topology={topology}", f"--lab-name={lab.name}", "-p", "no:cacheprovider",
            f"--html={tmp_path / 'report.html'}", f"--junitxml={tmp_path / 'junit.xml'}",
            AROUND[name].test,
        ],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=200,
    )  # fmt: skip
    assert run.returncode in (1, 2), run.stdout[-3000:]  # 2: a session that was left broken stops
    assert f"ERROR at {AROUND[name].phase} of" in run.stdout
    assert AROUND[name].cause in run.stdout.partition(" likely cause -")[2]
    assert "The cluster as it was then" in (tmp_path / "report.html").read_text()
