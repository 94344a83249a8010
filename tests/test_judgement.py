"""What rows add up to, and how it is said."""

from __future__ import annotations

import pytest

from halab.gate.judgement import Judgement, Row, Verdict

GOOD = Row("a fault", "0.6 s", "0.6 s")
WORSE = Row("a figure", "60 µs", "65 µs", Verdict.REJECT, "it costs more")
MAYBE = Row("another", "60 µs", "62 µs", Verdict.UNDECIDED, "it may be chance")


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([GOOD], Verdict.ACCEPT),
        ([GOOD, MAYBE], Verdict.UNDECIDED),
        ([MAYBE, WORSE, GOOD], Verdict.REJECT),
        ([], Verdict.UNDECIDED),
    ],
)
def test_worst_row_decides_and_nothing_is_no_proof(rows: list[Row], verdict: Verdict) -> None:
    assert Judgement("it", rows).verdict is verdict


def test_exit_statuses_are_the_documented_ones() -> None:
    assert [*Verdict] == [0, 1, 2, 3]


def test_sentence_names_the_grounds() -> None:
    said = Judgement("DIR", [GOOD, MAYBE, WORSE]).sentence
    assert said == "DIR is rejected: a figure: it costs more"
    assert "none of them worse" in Judgement("DIR", [GOOD]).sentence


def test_table_is_in_columns_with_the_verdict_of_each_row() -> None:
    lines = Judgement("DIR", [GOOD, WORSE]).table().splitlines()
    assert lines[0].split() == ["fault", "or", "figure", "before", "after"]
    assert lines[2].endswith("rejected")
    assert lines[1].index("0.6 s") == lines[2].index("60 µs")


def test_page_shows_the_text_of_nodes_as_it_is() -> None:
    page = Judgement("DIR", [Row("a|b", "<i>", "*x*")]).markdown()
    assert "a\\|b" in page
    assert "\\<i\\>" in page
