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


def remembered(path: Path, lab: str, *ran: Ran, day: str = "2026-11-25") -> LastRun:
    run = LastRun.load(path)
    run.remember(lab, ran, day)
    return LastRun.load(path)


ROW = Row(about="Pages", section="4.2.1", states=("web",), tests=("t[*]", "u"))


def made(row: Row, *runs: LastRun) -> str:
    states = {"web.nginx_max_req_s": 17238, "web.figure": 15, "web.slower by far": None}
    return thesis.page({"Figure 15": row}, states, thesis.seen(runs))


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
    page = made(ROW, run)
    assert "The thesis states: nginx max req/s: 17238; slower by far.\n" in page
    measured = "- t (a): 812 req/s\n- skipped: no KVM\n"
    assert f"Measured in the lab `{LAB}`, 2026-11-25:\n\n{measured}" in page
    assert "- `t[*]`: 1 passed, 1 skipped\n- `u`: not measured: in no run" in page
    assert "| [Figure 15](#figure-15) | Pages | 4.2.1 | 1 passed, 1 skipped |" in page
    assert "no nginx" not in page


def test_of_two_records_of_one_lab_the_later_one_counts(tmp_path: Path) -> None:
    early, late = (
        remembered(tmp_path / f"{day}.json", LAB, Ran("t[a]", "passed", said=(day,)), day=day)
        for day in ("2026-11-24", "2026-11-25")
    )
    for order in ((early, late), (late, early)):
        page = made(ROW, *order)
        assert "- t (a): 2026-11-25\n" in page
        assert "2026-11-24" not in page


def test_a_measurement_says_what_it_is_of(tmp_path: Path) -> None:
    """By the test's name, but a bar says its own; what is long is shortened: the report has it."""
    row = Row(about="x", section="1", tests=("*",))
    ran = [
        Ran("ha/test_a.py::test_vip_moves_in_time", "passed", said=("outage 1 s", "none lost")),
        Ran("ha/test_a.py::test_vip_moves_in_time[nic]", "failed", said=("outage 9 s",)),
        Ran("d/test_figures.py::test_figure[20-one]", "passed", said=("pinned: 8 req/s",)),
        Ran("d/test_figures.py::test_figure[20-two]", "error", said=("lost",)),
        Ran("b/test_b.py::test_c", "skipped", said=("why " * 100,)),
    ]
    lines = made(row, remembered(tmp_path / "r.json", LAB, *ran)).splitlines()
    assert "- vip moves in time: outage 1 s; none lost" in lines
    assert "- vip moves in time (nic): failed: outage 9 s" in lines
    assert "- pinned: 8 req/s" in lines
    assert "- figure (20-two): error: lost" in lines
    assert any(line.startswith("- skipped: why why") and line.endswith(" …") for line in lines)
    assert max(map(len, lines[-6:])) <= 250


def test_a_row_that_no_run_had_says_so() -> None:
    page = made(ROW)
    assert page.count("not measured: in no run that is recorded") == 3


def test_a_comparison_of_files_is_in_no_lab_s_record() -> None:
    row = Row(about="Pages", section="4.2.1", tests=("tests/test_x.py::*",))
    assert made(row).count("a comparison of files, made by `./run test`") == 2


def test_a_row_without_tests_says_why() -> None:
    assert "No test: a drawing." in made(Row(about="x", section="1", why="a drawing"))


def test_what_is_stated_says_of_what_and_much_of_it_is_a_list() -> None:
    two = Row(about="x", section="1", states=("hosts.host", "hosts.guest"), tests=("t",))
    states = {f"hosts.{name}.memory_mib": 2048 for name in ("host", "guest")}
    page = thesis.page({"Figure 1": two}, states, {})
    assert "The thesis states: host memory mib: 2048; guest memory mib: 2048.\n" in page
    one = Row(about="x", section="1", states=("web",), tests=("t",))
    many = thesis.page({"Figure 1": one}, {f"web.{n}": n for n in range(9)}, {})
    assert "The thesis states:\n\n- 0: 0\n- 1: 1\n" in many


def test_many_measurements_are_counted_and_markdown_is_text() -> None:
    tests = {f"t[{n}]": [Seen(f"t[{n}]", LAB, "passed", ("a|b *c*",), "")] for n in range(30)}
    page = thesis.page({"Figure 15": ROW}, {}, tests)
    assert "- t (11): a\\|b \\*c\\*\n- and 18 more\n" in page


def test_the_whole_page_has_every_row_state_and_test() -> None:
    page = thesis.page(ROWS, STATED, {})
    headings = [line[3:] for line in page.splitlines() if line.startswith("## ")]
    assert headings == [*ROWS]
    assert [p for row in ROWS.values() for p in row.tests if f"\n- `{p}`: " not in page] == []
    values = {
        str(value)
        for leaf, value in STATED.items()
        if not leaf.endswith(".figure") and isinstance(value, (int, float))
    }
    assert [value for value in values if f": {value}" not in page] == []


@pytest.mark.skipif(not thesis.PAGE.exists(), reason="docs/thesis.md: no run was recorded yet")
def test_the_page_that_is_there_is_of_today_s_rows() -> None:
    """What it measured is the last run's; all else is what would be made of the rows now."""
    there = thesis.PAGE.read_text()
    for name, row in ROWS.items():
        part = there.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        wanted = thesis.page({name: row}, STATED, {}).partition(f"\n## {name}\n")[2]
        for line in wanted.splitlines():
            assert line.removesuffix("not measured: in no run that is recorded") in part, name


def test_a_page_is_made_of_a_record_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(thesis, "PAGE", tmp_path / "thesis.md")
    assert thesis.main([str(tmp_path / "none.json")]) == 3
    assert "none.json: no run is recorded there" in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == []
    record = tmp_path / "last-run.json"
    remembered(record, LAB, Ran("suites/ha/test_service.py::test_x", "passed"))
    assert thesis.main([str(record)]) == 0
    assert (
        "| [Figure 1](#figure-1) | Structure of the server | 1.1 | 1 passed |"
        in (tmp_path / "thesis.md").read_text()
    )
