"""Runs that were ended are counted over all tests, and those after which something differed."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CONFTEST = """
from tests.moments import summary

def pytest_terminal_summary(terminalreporter):
    ended = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    terminalreporter.write_line("\\n".join(summary(ended)))
"""
ENDING = """
import pytest
from tests.moments import Moments

@pytest.mark.parametrize("fault", ["frozen", "dead"])
def test_ended(request, fault):
    moments = Moments(request.node)
    with moments.at("built", "SIGKILL", fault, "told"):
        pass
    with moments.at("built", "SIGTERM", fault, "told"):
        assert fault != "dead"
    with moments.at("found", "SIGKILL", fault, "told"):
        pass
"""


@pytest.mark.parametrize("workers", ["0", "2"])
def test_each_is_counted_once(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    """By its lab and in all, whoever ended it; what should have come after a failure did not."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(ENDING)
    run = pytester.runpytest_subprocess("-n", workers, "--junitxml=junit.xml")
    counted = (("built lab", 4, 2, 2, 1), ("found lab", 1, 1, 1, 0), ("in all", 5, 2, 2, 1))
    for where, runs, ways, faults, differed in counted:
        run.stdout.fnmatch_lines(
            f"{where}: {runs} runs were ended at random moments, in {ways} ways and at {faults} "
            f"faults; something differed after {differed}"
        )
    assert (pytester.path / "junit.xml").read_text().count("ended at") == 5
