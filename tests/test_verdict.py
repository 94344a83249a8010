"""The verdict: what results add up to, and that a page of it says what they said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fixtures.verdict import Judge
from halab import verdict
from halab.redaction import HIDDEN, remember
from halab.verdict import Outcome, Result, Verdict

PASSED = Result("suites/ha", "test_vip", Outcome.PASSED, 2.0)
FAILED = Result(
    "suites/ha", "test_takeover", Outcome.FAILED, 5.0, "The BACKUP takes over.", "4.2 > 3.6"
)
ERROR = Result("suites/backends", "test_health", Outcome.ERROR, 1.0)
SKIPPED = Result("suites/ha", "test_rss", Outcome.SKIPPED, 0.0, "", "the NIC has one queue")


def of(*results: Result, cut_short: str = "") -> Verdict:
    """The verdict on cluster x."""
    return Verdict("Cluster x", results, cut_short)


@pytest.mark.parametrize(
    ("results", "word"),
    [
        ((PASSED,), "accepted"),
        ((PASSED, SKIPPED), "accepted"),
        ((PASSED, FAILED), "rejected"),
        ((PASSED, ERROR), "rejected"),
        ((SKIPPED,), "not judged"),
        ((), "not judged"),
    ],
)
def test_one_failure_rejects_and_nothing_run_says_nothing(
    results: tuple[Result, ...], word: str
) -> None:
    """A cluster of which nothing was seen is not a good one."""
    assert of(*results).word == word


def test_a_run_that_was_cut_short_accepts_nothing() -> None:
    """What was left out might have failed; what had failed by then still rejects."""
    assert of(PASSED, cut_short="the run ended before its end").word == "not judged"
    assert of(PASSED, FAILED, cut_short="the run ended before its end").word == "rejected"


def test_sentence_names_what_failed() -> None:
    """And of many failures the first few."""
    assert of(PASSED, FAILED, SKIPPED).sentence == (
        "Cluster x is rejected: test_takeover failed; 1 test holds; 1 was skipped."
    )
    many = of(*[Result("suites/ha", f"test_{n}", Outcome.FAILED) for n in range(9)])
    assert "test_4 and 4 more failed" in many.sentence


def test_an_error_is_called_one() -> None:
    """Whoever reads it looks at the lab first, or at what the cluster was left in."""
    assert of(ERROR, FAILED).sentence == (
        "Cluster x is rejected: test_takeover failed; test_health ended in an error; 0 tests hold."
    )


def test_page_has_suites_failures_and_reasons() -> None:
    """What a CI shows needs no report beside it."""
    page = verdict.markdown(of(PASSED, FAILED, ERROR, SKIPPED), {"Lab": "embedded"})
    assert "| Lab | embedded |" in page
    assert "| `suites/ha` | 1 | 1 | 1 |  | 7 |" in page
    assert "## test\\_takeover: failed\n\nThe BACKUP takes over.\n\n4.2 \\> 3.6" in page
    assert "- 1 × the NIC has one queue" in page


def test_page_hides_secrets_before_it_escapes_them() -> None:
    """With a backslash in it a secret would be another text."""
    remember("s*cr<t>_0815")
    failed = Result("suites/ha", "test_vip", Outcome.FAILED, 1.0, "", "said s*cr<t>_0815")
    page = verdict.markdown(of(failed), {"Lab": "s*cr<t>_0815"}, {"Since": ["s*cr<t>_0815"]})
    assert "0815" not in page
    assert page.count(r"\*" * len(HIDDEN)) == 3


@given(some.text())
def test_words_of_a_node_are_no_markdown(words: str) -> None:
    """Each stays one line of text, whatever it is made of."""
    failed = Result("suites/ha", "test", Outcome.FAILED, why=words)
    page = verdict.markdown(of(failed), {})
    bare = page.replace("\\\\", "").replace("\\<", "").replace("\\`", "").replace("\\[", "")
    assert "<" not in bare
    assert bare.count("`") == 2
    assert "[" not in bare


def test_a_test_that_was_interrupted_has_no_outcome() -> None:
    """It was set up and has not ended: neither the verdict nor the last run has it for passed."""
    judge = Judge("Cluster thesis")
    for name, phases in (("ended", ("setup", "call", "teardown")), ("interrupted", ("setup",))):
        node = f"suites/ha/test_x.py::test_{name}"
        for when in phases:
            judge.pytest_runtest_logreport(
                pytest.TestReport(node, (node, 0, name), {}, "passed", None, when, duration=1.5)  # type: ignore[arg-type]
            )
    (ended,) = judge.results.values()
    assert (ended.name, ended.outcome, ended.seconds) == ("test_ended", Outcome.PASSED, 4.5)
    judge.results.clear()
    told = judge.verdict(pytest.ExitCode.INTERRUPTED)
    assert told is not None
    assert told.word == "not judged"
