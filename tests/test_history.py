"""Nights that are remembered, and where they changed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from halab import trend
from halab.errors import UserError
from halab.history import Entry, History


def entry(night: str, value: float = 100.0, better: str = "more") -> Entry:
    return Entry(night, "lab", "figure 20", value, value - 1, value + 1, "req/s", better)


def nights(values: list[float], better: str = "more") -> list[Entry]:
    dates = (f"2026-{1 + n // 28:02}-{1 + n % 28:02}" for n in range(len(values)))
    return [entry(date, value, better) for date, value in zip(dates, values, strict=True)]


def steady(count: int, level: float, seed: int = 1) -> list[float]:
    dice = random.Random(seed)
    return [dice.gauss(level, level * 0.01) for _ in range(count)]


def test_what_is_appended_is_there(tmp_path: Path) -> None:
    history = History(tmp_path / "history" / "lab.jsonl")
    history.append([entry("2026-11-24"), entry("2026-11-25")])
    history.append([entry("2026-11-26", 90)])
    assert history.nights("figure 20") == (
        entry("2026-11-24"), entry("2026-11-25"), entry("2026-11-26", 90),
    )  # fmt: skip
    assert history.nights("figure 21") == ()


def test_of_a_night_that_ran_twice_the_last_counts(tmp_path: Path) -> None:
    history = History(tmp_path / "lab.jsonl")
    history.append([entry("2026-11-25"), entry("2026-11-24"), entry("2026-11-25", 90)])
    assert history.nights("figure 20") == (entry("2026-11-24"), entry("2026-11-25", 90))


def test_a_line_that_is_no_entry_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lab.jsonl"
    History(path).append([entry("2026-11-24")])
    with path.open("a") as file:
        file.write('{"night": "2026-11-25"}\n')
    with pytest.raises(UserError, match=rf"{path}:2: no entry of a history"):
        History(path).entries()


def test_a_step_down_is_found_and_its_night_named() -> None:
    series = nights([*steady(30, 1000), *steady(10, 950, seed=3)])
    (change,) = trend.changes(series)
    assert change.night == series[30].night
    assert change.worse
    assert change.before == pytest.approx(1000, rel=0.01)
    assert str(change).startswith(f"worse since the night of {series[30].night}: ")


def test_most_steps_are_found_within_ten_nights() -> None:
    """5 % in 1 % of noise: now and then an outlier next to the step hides it for some nights."""
    found = [
        trend.changes(nights([*steady(30, 1000, seed), *steady(10, 950, 100 + seed)]))
        for seed in range(20)
    ]
    assert sum(len(each) == 1 and each[0].worse for each in found) >= 18


def test_less_may_be_better() -> None:
    series = nights([*steady(30, 20), *steady(10, 19, seed=3)], better="less")
    (change,) = trend.changes(series)
    assert not change.worse


def test_unchanged_nights_are_left_alone() -> None:
    """In 60 nights, 20 times over, no more than once."""
    found = [trend.changes(nights(steady(60, 1000, seed))) for seed in range(20)]
    assert sum(map(bool, found)) <= 1


def test_a_single_night_has_no_change() -> None:
    assert trend.changes(nights([1.0])) == ()
    assert trend.changes([]) == ()


def test_the_drawing_names_the_night() -> None:
    series = nights([*steady(30, 1000), *steady(10, 950, seed=3)])
    drawn = trend.drawn(series, trend.changes(series))
    assert drawn.count("<circle") == 40
    assert f"worse since the night of {series[30].night}" in drawn


def test_a_change_before_what_is_drawn_is_told_in_words() -> None:
    series = nights([*steady(30, 1000), *steady(10, 950, seed=3)])
    part = trend.drawn(series[-5:], trend.changes(series))
    assert part.count("<circle") == 5
    assert part.count(f"worse since the night of {series[30].night}") == 1
