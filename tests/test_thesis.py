"""docs/thesis.md: every figure, table and annex is there, with what its tests came to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from halab import thesis
from halab.errors import ThesisError
from halab.last_run import LastRun, Ran
from halab.thesis import Row, Seen, covers, matches

ROWS = thesis.rows()
STATED = thesis.stated()
LAB, OTHER = "thesis embedded containers", "thesis emulated containers"


@pytest.mark.parametrize("leaf", STATED)
def test_everything_that_the_thesis_states_has_a_row(leaf: str) -> None:
    """In words or in numbers; by a name that stands for it."""
    assert any(covers(name, leaf) for row in ROWS.values() for name in row.states), leaf


def test_every_figure_table_and_annex_has_a_row() -> None:
    """The thesis has 30 figures, four tables and 15 annexes."""
    wanted = [f"Figure {n}" for n in range(1, 31)]
    wanted += [f"Table {n}" for n in ("I", "II", "III", "IV")]
    wanted += [f"Annex A.{n}" for n in range(1, 16)]
    assert {*ROWS} == {*wanted, "Section 4.5"}


def test_no_row_names_what_the_thesis_does_not_state() -> None:
    names = [name for row in ROWS.values() for name in row.states]
    assert [name for name in names if not any(covers(name, leaf) for leaf in STATED)] == []


@pytest.fixture(scope="module")
def collected() -> list[str]:
    """Every test that there is, by its name."""
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "suites", "tests/test_thesis_figures.py",
            "--collect-only", "-q", "-o", "addopts=--import-mode=importlib -p no:cacheprovider",
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )  # fmt: skip
    tests = [line for line in done.stdout.splitlines() if "::" in line]
    assert tests, done.stdout + done.stderr
    return tests


@pytest.mark.parametrize("pattern", [p for row in ROWS.values() for p in row.tests])
def test_no_row_names_a_test_that_is_not_there(pattern: str, collected: list[str]) -> None:
    assert any(matches(pattern, test) for test in collected)


def test_nothing_but_a_star_has_a_meaning() -> None:
    assert matches("a[x-*]", "a[x-1]")
    assert not matches("a[x]", "ax")
    assert not matches("a.b", "axb")


def test_a_row_has_tests_or_says_why_not(tmp_path: Path) -> None:
    for rest in ("", ", tests: [a], why: nobody knows"):
        file = tmp_path / "thesis.yaml"
        file.write_text(f'rows:\n  Figure 1: {{about: x, section: "1"{rest}}}\n')
        with pytest.raises(ThesisError, match="give one of them"):
            thesis.rows(file)


def remembered(path: Path, lab: str, *ran: Ran) -> LastRun:
    run = LastRun.load(path)
    run.remember(lab, ran, "2026-11-25")
    return LastRun.load(path)


def test_what_was_measured_stands_beside_what_is_stated(tmp_path: Path) -> None:
    """With its lab and its day; a skip only where no lab could run the test."""
    file = tmp_path / "last-run.json"
    remembered(
        file,
        LAB,
        Ran("t[a]", "passed", said=("812 req/s",)),
        Ran("t[b]", "skipped", (), ("no KVM",)),
    )
    run = remembered(file, OTHER, Ran("t[a]", "skipped", (), ("no nginx",)))
    row = Row(about="Pages", section="4.2.1", states=("web",), tests=("t[*]",))
    page = thesis.page(
        {"Figure 15": row}, {"web.nginx": 17238, "web.figure": 15}, thesis.seen([run])
    )
    line = page.splitlines()[-1]
    assert "| nginx: 17238 |" in line
    assert f"1 passed, 1 skipped<br>812 req/s ({LAB}, 2026-11-25)<br>no KVM ({LAB}" in line
    assert "no nginx" not in line


def test_a_row_that_no_run_had_says_so() -> None:
    row = Row(about="Pages", section="4.2.1", tests=("t",))
    assert "not in the last run" in thesis.page({"Figure 15": row}, {}, {})


def test_many_measurements_are_counted_and_bars_end_no_cell() -> None:
    lines = tuple(f"a|b {n}" for n in range(30))
    row = Row(about="Pages", section="4.2.1", tests=("t",))
    page = thesis.page({"Figure 15": row}, {}, {"t": [Seen(LAB, "passed", lines, "")]})
    assert "a\\|b 0" in page
    assert "and 23 more" in page
    assert page.splitlines()[-1].replace("\\|", "").count("|") == 6
