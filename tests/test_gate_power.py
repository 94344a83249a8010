"""The table of how often the gate's duet errs, from lines that are known."""

from __future__ import annotations

from benchmarks.gate_power import GOALS, HOGS, costlier, table
from halab.gate.stage import Contender

TODAY = "frontend f\n    mode http\n    bind 127.0.0.1:80\nbackend b\n    server s 127.0.0.2:80\n"


def line(hogs: int, **slower: bool) -> dict[str, object]:
    found = {
        name: {"slower": is_so, "unclear": False, "median": 0.05 if is_so else 0.0}
        for name, is_so in slower.items()
    }
    return {"hogs": hogs, "found": found}


def test_both_of_a_session_that_are_equal_are_counted_as_one_kind() -> None:
    lines = [line(0, **{"equal": False, "equal 2": True, "+5%": True}), line(HOGS, equal=False)]
    rows = table(lines).splitlines()
    assert rows[2].startswith("| nothing | equal | 2 | 1 | 0 |")
    assert rows[3].startswith("| nothing | +5% | 1 | 1 | 0 |")
    assert rows[4].startswith("| 2 hogs | equal | 1 | 0 | 0 |")
    assert len({row.count("|") for row in rows}) == 1


def test_one_alarm_in_300_bounds_the_rate_below_sixteen_in_a_thousand() -> None:
    """What the long run is for."""
    row = table([line(0, equal=False)] * 299 + [line(0, equal=True)]).splitlines()[2]
    assert "at most 1.6%" in row


def test_a_missed_one_in_twenty_bounds_the_power() -> None:
    row = table([line(0, **{"+5%": n > 0}) for n in range(20)]).splitlines()[2]
    assert "at least 78.4%" in row


def test_a_costlier_one_has_as_many_rules_as_its_goal_says() -> None:
    for name, (_, rules) in GOALS.items():
        assert costlier(Contender(TODAY), name, 9).text.count("str(xxxxxxxxx),djb2") == rules
