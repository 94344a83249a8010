"""What a run says on a terminal, and where there is none: a line for each test, and its waits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import sample_run

SOME = "takes_over or too_late or queues or lab_is_broken"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a CI's log has."""
    return sample_run.run(tmp_path_factory.mktemp("plain"), f"{SOME} or waits_for")


def test_each_test_has_a_line_with_its_figure_and_budget(plain: str) -> None:
    """What failed says why besides, and what was skipped says what is missing."""
    sample = "ha/test_sample.py::"
    for line in (
        rf"\[\d/6\] passed  {sample}test_backup_takes_over\[0\]  outage 3.420 s, budget 3.659 s",
        rf"\[\d/6\] failed  {sample}test_takeover_is_too_late  outage 4.200 s, .*  Assertion.*",
        rf"\[\d/6\] skipped {sample}test_needs_queues  the NIC has one queue",
        rf"\[\d/6\] error   {sample}test_lab_is_broken  .*needs root.*",
    ):
        assert re.search(f"^{line}$", plain, re.MULTILINE), line
    assert len(re.findall(r"^\[\d/6\]", plain, re.MULTILINE)) == 6


def test_summary_at_the_end_is_pytests_own(plain: str) -> None:
    """With its words, which a CI looks for."""
    summary = plain.partition("short test summary info")[2]
    for word in ("SKIPPED [1] ", "ERROR ", "FAILED "):
        assert f"\n{word}" in summary


def test_without_a_terminal_there_are_neither_colours_nor_returns(plain: str) -> None:
    """A log is read with any program."""
    assert "\x1b" not in plain
    assert "\r" not in plain


def test_long_wait_is_told_of_while_it_lasts(plain: str) -> None:
    """Once, past the capture of output, and before the line of its test."""
    assert plain.count("  waiting until lb2 takes the VIP\n") == 1
    assert plain.index("waiting until lb2") < plain.index("test_waits_for_a_takeover")


def test_on_a_terminal_there_are_colours_and_a_line_that_goes_again(tmp_path: Path) -> None:
    """The wait's seconds are written over, and nothing of it is left when the test is over."""
    said = sample_run.run_on_a_terminal(tmp_path, f"{SOME} or waits_for")
    assert "\x1b[32mpassed" in said
    assert "\x1b[31mfailed" in said
    assert "\x1b[33mskipped" in said
    assert re.search(r"\r  2 s until lb2 takes the VIP +", said)
    assert re.search(r"\r +\r\[\d/6\] ", said)
    assert "waiting until" not in said


def test_quiet_is_quiet(tmp_path: Path) -> None:
    """With -q pytest's letters, and no more."""
    said = sample_run.run(tmp_path, "takes_over or waits_for or load", "-q")
    assert said.startswith("....")
    for more in (
        "passed  ha/", "waiting until", "were waits", "is accepted", "since the last run", "nights",
    ):  # fmt: skip
        assert more not in said


def test_changes_through_the_nights_are_told(tmp_path: Path) -> None:
    """Where they are, and by how much, and in the page for a CI too."""
    change = "figure 29, rps-008c: worse since the night of 2026-02-03: 23,0"
    said = sample_run.run(tmp_path, "load")
    assert f"\n{change}" in said.partition("- through the nights -")[2]
    page = (tmp_path / "report.md").read_text()
    assert change in page.partition("## Through the nights\n")[2]


def test_verbose_has_the_figures_in_pytests_own_lines(tmp_path: Path) -> None:
    """For those who want its names and percentages."""
    said = sample_run.run(tmp_path, "takes_over", "-v")
    own = r"test_backup_takes_over\[0\] PASSED outage 3.420 s, budget 3.659 s +\[ 50%\]"
    assert re.search(own, said)


def test_workers_lines_come_together(tmp_path: Path) -> None:
    """With -n a line for each test too, whoever ran it."""
    said = sample_run.run(tmp_path, "takes_over or its_share", "-n", "2")
    assert len(re.findall(r"^\[\d/3\] passed  ha/", said, re.MULTILINE)) == 3
