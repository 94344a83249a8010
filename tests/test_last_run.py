"""What changed since the last run: nothing is told that was not compared, and little by chance."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from halab.last_run import ALPHA, KEPT, Changes, Figure, LastRun, Ran, needed

LAB = "thesis embedded containers"
SAMPLES = Path(__file__).parent / "samples"
HEALTHY = "healthy-figures.json"
"""28 whole runs of suites/ha in a row, on an unchanged cluster."""
MOVED = "moved-figures.json"
"""Three tests 18 times, and four times more with a BACKUP of priority 50 instead of 100."""
RESOLUTION = 0.007
"""Seconds, of clients that ask every 5 ms."""


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


def test_a_move_is_told_with_its_confidence_once_enough_runs_have_it(tmp_path: Path) -> None:
    """One run is no proof, as five earlier ones may by chance be alike; the second of a kind is."""
    usual = [outage(0.600 + n % 7 / 100) for n in range(18)]
    before = remembered(tmp_path / "f", *usual)
    assert before.changes(LAB, [outage(1.2)]).moved == ()
    (unusual,) = before.changes(LAB, [outage(1.2)]).unusual
    assert str(unusual) == (
        "outage of suites/ha::test_vip: 1.200 s; 0.600 to 0.660 s in all 18 runs before. One run "
        "is no proof"
    )
    before = remembered(tmp_path / "f", outage(1.18))
    changes = before.changes(LAB, [outage(1.2)])
    (moved,) = changes.moved
    assert str(moved) == (
        "outage of suites/ha::test_vip: 1.180 to 1.200 s in the last 2 runs, 0.600 to 0.660 s in "
        "the 18 before (confidence 98.9%)"
    )
    assert changes.unusual == ()


def test_the_more_figures_are_compared_the_more_runs_it_takes() -> None:
    """One of ninety is the odd one often enough."""
    assert needed(20) == 2
    assert needed(20, 0.05 / 90) == 4
    assert needed(10, 0.05 / 90) == 0


def test_moves_within_the_resolution_are_none(tmp_path: Path) -> None:
    """What the measurement cannot tell apart has not moved."""
    before = remembered(tmp_path / "f", *(outage(0.600) for _ in range(30)), outage(0.6015))
    assert before.changes(LAB, [outage(0.6015)]).moved == ()


def test_few_figures_tell_nothing(tmp_path: Path) -> None:
    """Two points make no spread, and one of four is often the farthest."""
    before = remembered(tmp_path / "f", *(outage(0.6) for _ in range(3)))
    changes = before.changes(LAB, [outage(9.0)])
    assert (changes.moved, changes.unusual) == ((), ())


def test_no_more_is_kept_than_is_needed(tmp_path: Path) -> None:
    """A year of nights is no megabyte."""
    path = tmp_path / "f"
    remembered(path, *(outage(0.6) for _ in range(KEPT + 5)))
    assert path.read_text().count("0.6") == KEPT


def real_runs(sample: str) -> list[list[Ran]]:
    """Figures of runs on real clusters, on a machine with much else to do."""
    runs = json.loads((SAMPLES / sample).read_text())
    return [
        [
            Ran(test, "passed", tuple(Figure(what, v[n], RESOLUTION) for what, v in mine.items()))
            for test, mine in runs["tests"].items()
        ]
        for n in range(runs["runs"])
    ]


def said_of(runs: list[list[Ran]]) -> list[Changes]:
    """What each of the runs says of those before it, once some are known."""
    remembered = LastRun(Path("nowhere"))
    said = []
    for run in runs:
        said.append(remembered.changes(LAB, run))
        remembered.add(LAB, run)
    return said


def test_real_runs_of_an_unchanged_cluster_say_of_no_figure_that_it_moved() -> None:
    """As they came, the last nine of them with enough before; one far out in all is not much."""
    said = said_of(real_runs(HEALTHY))
    assert not any(changes.moved for changes in said)
    assert sum(len(changes.unusual) for changes in said) <= 3


def test_in_any_order_no_more_runs_are_wrong_than_is_said() -> None:
    """All 80 figures together; what is never wrong would be too cautious to tell anything."""
    runs, dice = real_runs(HEALTHY), random.Random(4)
    said = [
        bool(changes.moved)
        for _ in range(100)
        for changes in said_of(dice.sample(runs, len(runs)))[-8:]
    ]
    assert 0 < sum(said) <= len(said) * ALPHA


def test_a_real_move_is_told_by_the_second_run() -> None:
    """The BACKUP's skew_time was 0.195 s longer: it is told of what waits for it, and no more."""
    said = said_of(real_runs(MOVED))
    assert not any(changes.moved or changes.unusual for changes in said[:18])
    assert [one.test.partition("::")[2] for one in said[18].unusual] == [
        "test_stopped_master_hands_the_vip_over_within_skew_time"
    ]
    assert said[18].moved == ()
    told = {one.test.partition("::")[2]: one for one in said[19].moved}
    assert {*told} == {
        "test_stopped_master_hands_the_vip_over_within_skew_time",
        "test_backup_takes_over_when_the_master_loses_power",
    }
    for moved in told.values():
        assert min(moved.last) > max(moved.before)
        assert moved.p is not None
        assert moved.p <= ALPHA
