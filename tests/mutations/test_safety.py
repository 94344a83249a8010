"""Each mechanism that keeps a lab safe is missed by a test when it is taken out of the source."""

from __future__ import annotations

import os
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.desk import Desk
from tests.mutations.safety import REMOVALS, Removal

CHECKOUT = Path(__file__).parents[2]
UNSAFE = f"unsafe-{os.getpid()}"
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", "reports")

pytestmark = [pytest.mark.mutation, pytest.mark.timeout(400)]


def test_each_mechanism_is_there_once() -> None:
    """As it is written: else something else is taken out, or nothing."""
    for removal in REMOVALS:
        assert (CHECKOUT / removal.file).read_text().count(removal.was) == 1, removal.name
    assert len({removal.name for removal in REMOVALS}) == len(REMOVALS)


@pytest.mark.parametrize(
    "removal",
    [pytest.param(r, marks=[] if r.fast else [pytest.mark.slow], id=r.name) for r in REMOVALS],
)
def test_own_test_notices(removal: Removal, tmp_path: Path) -> None:
    """In a copy of the project that lacks it the named test fails, not something around it.

    At a desk of its own: what has lost its safety must have nothing of this machine's in reach.
    """
    copy, report = tmp_path / "checkout", tmp_path / "junit.xml"
    shutil.copytree(CHECKOUT, copy, ignore=LEFT_OUT, symlinks=True)
    file = copy / removal.file
    file.write_text(file.read_text().replace(removal.was, removal.becomes))
    options = (f"--junitxml={report}", f"--html={tmp_path}/report.html", f"--lab-name={UNSAFE}")
    with Desk.booted(tmp_path) as desk:
        # control groups are this machine's
        group = {"group": f"halab-foreign-{UNSAFE}"}
        run = desk.start("pytest", removal.test, *options, environment=group, folder=copy)
        said = run.end(380)
    assert run.process.returncode == 1, f"not 1, but {run.process.returncode}:\n{said[-3000:]}"
    (case, *_) = ET.parse(report).getroot().iter("testcase")
    assert case.find("error") is None, f"an error is no verdict:\n{said[-3000:]}"
    assert case.find("failure") is not None
