"""What changed since the last run: nothing is told that was not compared, and little by chance."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from halab.last_run import FEWEST, KEPT, Figure, LastRun, Ran, chance

LAB = "thesis embedded containers"


def remembered(path: Path, *runs: Ran) -> LastRun:
    """A file after these runs, read anew."""
    for run in runs:
        LastRun.load(path).remember(LAB, [run])
    return LastRun.load(path)


def outage(value: float, outcome: str = "passed") -> Ran:
    """A test that measured an outage."""
    return Ran("suites/ha::test_vip", outcome, (Figure("outage", value, 0.002),))


def test_first_run_has_nothing_to_compare_with(tmp_path: Path) -> None:
    """And does not say that nothing changed."""
    changes = LastRun.load(tmp_path / "last-run.json").changes(LAB, [outage(1.0)])
    assert changes.lines() == ["no earlier run of these tests in this lab"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"labs": 3}', '{"labs": {"x": []}}'])
def test_broken_file_remembers_nothing(tmp_path: Path, content: str) -> None:
    """A report is written whatever was left beside it."""
    path = tmp_path / "last-run.json"
    path.write_text(content)
    assert not LastRun.load(path).changes(LAB, [outage(1.0)]).known


def test_broke_and_mended_are_told(tmp_path: Path) -> None:
    """Each by its test; one that was skipped is neither."""
    before = remembered(
        tmp_path / "f",
        Ran("a", "passed"),
        Ran("b", "failed"),
        Ran("c", "passed"),
        Ran("d", "error"),
    )
    now = [Ran("a", "error"), Ran("b", "passed"), Ran("c", "skipped"), Ran("d", "failed")]
    changes = before.changes(LAB, now)
    assert (changes.broke, changes.mended) == (("a",), ("b",))


def test_a_skip_is_not_remembered_in_the_place_of_an_outcome(tmp_path: Path) -> None:
    """What a night without QEMU skips is compared with the night before it."""
    before = remembered(tmp_path / "f", Ran("a", "passed"), Ran("a", "skipped"))
    assert before.changes(LAB, [Ran("a", "failed")]).broke == ("a",)


def test_other_lab_is_another_matter(tmp_path: Path) -> None:
    """What broke on emulated directors did not break on embedded ones."""
    before = remembered(tmp_path / "f", Ran("a", "passed"))
    assert not before.changes("another", [Ran("a", "failed")]).known


def test_figure_that_moved_is_told_with_its_chance(tmp_path: Path) -> None:
    """A takeover that takes twice as long as ever before did not happen by chance."""
    before = remembered(tmp_path / "f", *(outage(0.60 + n / 100) for n in range(FEWEST)))
    (moved,) = before.changes(LAB, [outage(1.2)]).moved
    assert "outage of suites/ha::test_vip: 1.200 s, usually 0.620 s (5 runs; p = " in str(moved)
    assert before.changes(LAB, [outage(0.63)]).moved == ()


def test_few_figures_tell_nothing(tmp_path: Path) -> None:
    """Two points make no spread."""
    before = remembered(tmp_path / "f", *(outage(0.6) for _ in range(FEWEST - 1)))
    assert before.changes(LAB, [outage(9.0)]).moved == ()


def test_no_more_is_kept_than_is_needed(tmp_path: Path) -> None:
    """A year of nights is no megabyte."""
    path = tmp_path / "f"
    remembered(path, *(outage(0.6) for _ in range(KEPT + 5)))
    assert path.read_text().count("0.6") == KEPT


def test_unchanged_failovers_are_seldom_said_to_have_moved() -> None:
    """Crashes are noticed anywhere in an advert_int: evenly spread, of which 1 in 20 is allowed."""
    dice = random.Random(4)
    said = 0
    for _ in range(1000):
        *earlier, now = (dice.uniform(2.6, 3.6) for _ in range(8))
        said += chance(Figure("outage", now, 0.003), earlier) < 0.05
    assert said <= 60


def test_count_that_was_always_the_same_has_moved_with_its_first_change() -> None:
    """By no more than chance allows: one of n + 1 values is the odd one."""
    assert chance(Figure("frames", 2, unit="frames"), [1.0] * 9) == pytest.approx(0.2)
    assert chance(Figure("frames", 1, unit="frames"), [1.0] * 9) == 1.0
