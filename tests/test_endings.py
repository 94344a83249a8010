"""A run that is told to end mends what it broke, and cannot be hurried through that."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
IN_A_FIXTURE = """
import pytest

from halab import wait


@pytest.fixture
def broken():
    yield
    print("mending", flush=True)
    wait.passing(1)
    print("mended", flush=True)


def test_that_lasts(broken):
    print("broken", flush=True)
    wait.passing(30)
"""
IN_THE_TEST = """
from halab import wait


def test_that_lasts():
    try:
        print("broken", flush=True)
        wait.passing(30)
    finally:
        print("mending", flush=True)
        wait.passing(1)
        print("mended", flush=True)
"""


@contextmanager
def broken(folder: Path, breaking: str) -> Iterator[subprocess.Popen[str]]:
    """A run that has broken something."""
    (folder / "test_breaking.py").write_text(breaking)
    (folder / "pytest.ini").touch()
    with subprocess.Popen(
        [
            sys.executable, "-m", "pytest", "-s", "-p", "fixtures.session",
            "-p", "no:cacheprovider", f"--rootdir={folder}", f"--config-file={folder}/pytest.ini",
            str(folder),
        ],
        cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, start_new_session=True,
    ) as run:  # fmt: skip
        try:
            read_to(run, "broken")
            yield run
        finally:
            run.kill()


def read_to(run: subprocess.Popen[str], word: str) -> None:
    """Its output up to a line that ends with the word."""
    assert run.stdout is not None
    assert any(line.endswith(f"{word}\n") for line in run.stdout), word


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(signal.SIGINT, signal.SIGINT, id="Ctrl-C twice"),
        pytest.param(signal.SIGTERM, signal.SIGINT, id="SIGTERM, then Ctrl-C"),
        pytest.param(signal.SIGINT, signal.SIGTERM, id="Ctrl-C, then SIGTERM"),
    ],
)
@pytest.mark.parametrize("breaking", [IN_A_FIXTURE, IN_THE_TEST], ids=["fixture", "test"])
def test_told_twice_it_mends_all_the_same(
    tmp_path: Path, first: signal.Signals, second: signal.Signals, breaking: str
) -> None:
    """As by Ctrl-C, and once more by somebody in a hurry, to all that are in the foreground."""
    with broken(tmp_path, breaking) as run:
        os.killpg(run.pid, first)
        read_to(run, "mending")
        os.killpg(run.pid, second)
        read_to(run, "mended")
        run.communicate(timeout=20)
    assert run.returncode == pytest.ExitCode.INTERRUPTED
