"""Runs of pytest on tests/sample_suite.py, each in a process of its own, as an operator's are."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]


def command(folder: Path, select: str, *options: str) -> list[str]:
    """The command line that runs what ``select`` (``-k``) says, with its report in the folder."""
    suite = folder / "suites/ha"
    suite.mkdir(parents=True, exist_ok=True)
    shutil.copy(CHECKOUT / "tests/sample_suite.py", suite / "test_sample.py")
    return [
        sys.executable, "-m", "pytest", "-c", str(CHECKOUT / "pytest.ini"), "-p", "conftest",
        "-p", "tests.sample_clues",
        f"--rootdir={folder}", f"--html={folder / 'report.html'}",
        f"--junitxml={folder / 'junit.xml'}", f"--history={folder / 'history'}", "-k", select,
        *options, str(folder / "suites"),
    ]  # fmt: skip


def run(folder: Path, select: str, *options: str, samples: int = 2) -> str:
    """What it says where there is no terminal."""
    done = subprocess.run(
        command(folder, select, *options),
        cwd=CHECKOUT,
        env=_environment(samples),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.stdout


def run_on_a_terminal(folder: Path, select: str, *options: str) -> str:
    """What it says to a terminal, with all its escapes."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command(folder, select, *options),
        cwd=CHECKOUT,
        env={**_environment(2), "TERM": "xterm", "COLUMNS": "120"},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    said = b""
    try:
        while chunk := os.read(ours, 1 << 16):
            said += chunk
    except OSError:  # the terminal has no other end any more
        pass
    finally:
        os.close(ours)
        process.wait()
    return said.decode()


def _environment(samples: int) -> dict[str, str]:
    unset = ("FORCE_COLOR", "PY_COLORS", "NO_COLOR", "PYTEST_ADDOPTS")
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    return {**kept, "SAMPLES": str(samples)}
