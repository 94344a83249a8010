"""The lab of real machines, proved on a built lab's: this run addresses them as an operator would.

The run inside is a process of its own in the operator's namespace, which knows of the lab no more
than a topology says.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from halab.cluster import Cluster
from halab.configuration import Configuration
from halab.lab.embedded import EmbeddedLab

CHECKOUT = Path(__file__).parents[1]
KINDS = ("failure", "error", "skipped")
THESIS = (CHECKOUT / "topology.yaml").read_text()


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its status, what it said, and each test's outcome by its name."""

    status: int
    said: str
    tests: dict[str, str]

    @property
    def passed(self) -> list[str]:
        return [name for name, outcome in self.tests.items() if outcome == "passed"]


Runs = Callable[..., Outcome]


@pytest.fixture(scope="session")
def operators_topology(lab: EmbeddedLab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The thesis's topology as somebody writes it who has these machines, and a way into them."""
    file = tmp_path_factory.mktemp("operator") / "topology.yaml"
    embedded = THESIS.index("  embedded:\n")
    text = THESIS[:embedded] + (
        f"  remote:\n    key: {json.dumps(str(lab.access.key))}\n"
        f"    known_hosts: {json.dumps(str(lab.access.known_hosts))}\n"
    )
    text = text.replace("user: operator}", f"user: operator, password: {lab.secrets.stats}}}")
    file.touch(mode=0o600)
    file.write_text(text)
    return file


@pytest.fixture
def runs(operators_topology: Path, standing_cluster: Cluster, tmp_path: Path) -> Runs:
    """Run pytest with these arguments against the machines; a minute or two it may take."""
    standing_cluster.bring_to(Configuration())

    def run(*arguments: str, topology: Path = operators_topology) -> Outcome:
        report = tmp_path / "junit.xml"
        report.unlink(missing_ok=True)
        ended = subprocess.run(
            [
                sys.executable, "-m", "pytest", "--lab=remote", f"--topology={topology}",
                f"--junitxml={report}", f"--html={tmp_path}/report.html", *arguments,
            ],
            cwd=CHECKOUT,
            env={k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")},
            capture_output=True,
            text=True,
            timeout=240,
        )  # fmt: skip
        tests = {}
        if report.exists():
            for case in ET.parse(report).getroot().iter("testcase"):
                (kind, *_) = [*(child.tag for child in case if child.tag in KINDS), "passed"]
                tests[str(case.get("name"))] = kind
        return Outcome(ended.returncode, ended.stdout + ended.stderr, tests)

    return run


def test_looking_accepts_what_stands(runs: Runs) -> None:
    """``-m observe`` finds the machines by the topology alone, and judges them."""
    outcome = runs("suites/ha", "-m", "observe")
    assert outcome.status == 0, outcome.said
    assert len(outcome.passed) >= 15
    assert set(outcome.tests.values()) == {"passed"}
