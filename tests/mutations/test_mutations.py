"""Every mutation makes the suite fail, in the test that names it."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from halab.lab.embedded import EmbeddedLab
from tests.mutations.catalogue import MUTATIONS
from tests.mutations.mutation import Mutation

CHECKOUT = Path(__file__).parents[2]

pytestmark = pytest.mark.mutation


@pytest.mark.parametrize(
    "mutation",
    [pytest.param(m, marks=[] if m.fast else [pytest.mark.slow], id=m.name) for m in MUTATIONS],
)
def test_suite_notices(
    mutation: Mutation, lab: EmbeddedLab, pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    """The named test fails, by its own assertion, and says what an operator needs."""
    if lab.kind != mutation.lab:
        pytest.skip(f"only an {mutation.lab} lab can be broken so: --lab={mutation.lab}")
    if mutation.guests != lab.guests:
        pytest.skip(f"guests are {lab.guests}: run with --guests={mutation.guests}")
    queues = lab.topology.labs.emulated.queues
    if mutation.queues > queues:
        pytest.skip(f"{queues} queue(s): run with a --topology whose labs.emulated.queues is more")
    nics = lab.topology.labs.emulated.nics
    if mutation.nics > nics:
        pytest.skip(f"{nics} NIC(s): run with a --topology whose labs.emulated.nics is 2")
    report = tmp_path / "junit.xml"
    topology = Path(pytestconfig.getoption("--topology")).resolve()
    run = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-p", "tests.mutations.plugin",
            f"--mutation={mutation.name}", f"--topology={topology}",
            f"--lab-name={lab.name}", f"--junitxml={report}",
            "-o", "addopts=--strict-markers --import-mode=importlib -p no:cacheprovider",
            mutation.test,
        ],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=200,
    )  # fmt: skip
    assert run.returncode == 1, f"status {run.returncode}, not 1:\n{run.stdout[-3000:]}"
    (case, *_) = ET.parse(report).getroot().iter("testcase")
    failures = [failure.text or "" for failure in case.iter("failure")]
    errors = [error.text or "" for error in case.iter("error")]
    assert not errors, f"an error in a fixture is no verdict:\n{errors[0][-3000:]}"
    assert failures, run.stdout[-3000:]
    assert mutation.says in told(failures[0])
    if mutation.cause is not None:
        assert mutation.cause[1] in causes(run.stdout)


def causes(output: str) -> str:
    """What the report says of the likely cause, as pytest prints it."""
    told = output.partition(" likely cause -")[2]
    return told.partition("\n")[2].partition("\n---")[0]


def told(failure: str) -> str:
    """What failed, and what pytest says of it: not the lines of the test that come before.

    A broken invariant of the LAN has no such lines.
    """
    lines = [line for line in failure.splitlines() if line.startswith((">", "E"))]
    return "\n".join(lines) or failure
