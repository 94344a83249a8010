"""Fault by fault, before and after: what speaks against a candidate and what does not."""

from __future__ import annotations

import pytest

from halab.gate import matrix
from halab.gate.judgement import Verdict
from halab.gate.matrix import Measurement, Run, Seen

TEST = "suites/ha/test_x.py::test_backup_takes_over"


def seen(outage: float, budget: float = 3.66, outcome: str = "passed") -> Seen:
    measured = {"outage": Measurement(outage, budget, 0.01, "s")}
    return Seen(outcome, "" if outcome == "passed" else "it broke", outage, 5, 100, measured)


HELD = seen(3.5)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (HELD, seen(3.6), ""),
        (HELD, seen(0.6), ""),
        (HELD, seen(3.665), ""),  # over by less than its resolution
        # its own set-up promises less, and keeps that
        (HELD, seen(18.0, budget=18.05), "outage 18.000 s, and today's set-up promises 3.66 s"),
        (HELD, seen(3.0, outcome="failed"), "it fails now: it broke"),
        (HELD, Seen("skipped", "there is none"), "it cannot be tested any more: there is none"),
        (seen(9.0, outcome="failed"), seen(9.0, outcome="failed"), ""),
        # what the candidate has and today's has not
        (
            Seen("skipped"),
            seen(9.0, outcome="failed"),
            "it fails, and was not there to be tested before: it broke",
        ),
        (Seen("skipped"), HELD, ""),
        (Seen("skipped"), Seen("skipped"), ""),
    ],
)
def test_worse_is_what_held_and_does_not_or_what_passes_todays_promise(
    before: Seen, after: Seen, said: str
) -> None:
    assert matrix.worse(before, after) == said


def test_a_row_for_each_test_of_today() -> None:
    worse, missing = matrix.rows(Run({TEST: HELD, "b::test_y": HELD}), Run({TEST: seen(9.0)}, "x"))
    assert worse.what == "backup takes over"
    assert worse.before == "5 of 100 lost, for 3.500 s"
    assert worse.verdict is Verdict.REJECT
    assert (missing.after, missing.why) == ("not run", "it was not run: x")


@pytest.mark.parametrize(
    ("again", "verdict"),
    [
        ([8.0], Verdict.REJECT),
        ([3.0, 8.0], Verdict.UNDECIDED),
        ([3.0], Verdict.UNDECIDED),
        ([3.0, 3.0], Verdict.ACCEPT),
    ],
)
def test_what_speaks_against_it_rejects_if_it_does_so_again(
    again: list[float], verdict: Verdict
) -> None:
    """Not so in the next run, the one after that tells a fault that comes and goes from chance."""
    today, first = Run({TEST: HELD}), Run({TEST: seen(9.0)})
    rows = matrix.rows(today, first)
    assert matrix.doubtful(today, first) == [TEST]
    (row,) = matrix.confirmed(rows, today, [Run({TEST: seen(outage)}) for outage in again])
    assert row.verdict is verdict
    assert ("run again" in row.why) is (verdict is Verdict.UNDECIDED)
    assert ("not so in 2 further runs" in row.after) is (verdict is Verdict.ACCEPT)
