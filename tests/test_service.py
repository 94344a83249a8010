"""The service that a record tells of: the arithmetic of outages, on records made by hand."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halab.errors import NodeError
from halab.outage import Outcome, Request, outages
from halab.prober.options import arguments
from halab.prober.outcome import LATE, OUTCOMES
from halab.prober.record import Record
from halab.record import parse
from halab.service import Gap, Service, quantile
from halab.watch import starved

OK, REFUSED, TIMEOUT = Outcome.OK, Outcome.REFUSED, Outcome.TIMEOUT
CODES = {outcome: OUTCOMES.index(outcome.value) for outcome in Outcome}


def record(
    rows: list[tuple[int, int, Outcome]],
    missed: list[list[int]] | None = None,
    marks: dict[str, float] | None = None,
    ended: float | None = None,
    lags: dict[int, int] | None = None,
) -> list[str]:
    """What a prober would print that started at 100 s and sent every 10 ms."""
    made = Record(arguments(["--target", "127.0.0.1:80", "--interval", "0.01"]))
    for number, duration, outcome in rows:
        lag = (lags or {}).get(number, 0)
        made.rows.extend((number, lag, duration, CODES[outcome], -1, -1, 0))
    made.missed = missed or []
    made.marks = list((marks or {}).items())
    made.started = 100.0
    last = rows[-1][0] if rows else 0
    made.ended = 100.0 + last * 0.01 if ended is None else ended
    made.ended_by = "stop"
    return made.lines()


def seen(pattern: str, **more: object) -> Service:
    """The service of a pattern: ``.`` answered, ``x`` refused, ``t`` timed out, space missed."""
    kinds = {".": OK, "x": REFUSED, "t": TIMEOUT}
    rows = [(n, 1000, kinds[c]) for n, c in enumerate(pattern) if c != " "]
    missed = [[n, 1, LATE] for n, c in enumerate(pattern) if c == " "]
    return parse(record(rows, missed, **more))  # type: ignore[arg-type]


def test_an_outage_lasts_from_the_middle_of_one_gap_to_that_of_another() -> None:
    service = seen("..xxt..")
    (outage,) = service.outages
    assert (outage.start, outage.end) == pytest.approx((100.015, 100.045))
    assert service.longest_outage == pytest.approx(0.03)
    assert outage.errors == service.lost == Counter({REFUSED: 2, TIMEOUT: 1})
    assert not outage.open
    assert service.resolution == pytest.approx(0.01)


def test_any_answer_ends_an_outage() -> None:
    assert [outage.lost for outage in seen("x.xx.").outages] == [1, 2]


def test_an_outage_that_never_ends_is_open() -> None:
    outage = seen("..xx").worst
    assert outage is not None
    assert outage.open
    assert outage.duration == pytest.approx(0.02)


def test_no_loss_is_no_outage() -> None:
    service = seen("....")
    assert service.longest_outage == 0.0
    assert service.resolution == pytest.approx(0.01)
    assert service.p50 == service.p99 == pytest.approx(0.001)


@pytest.mark.parametrize(
    ("pattern", "longest", "resolution"),
    [
        ("..  xx..", 0.03, 0.02),  # it may have begun in the gap
        ("..xx  ..", 0.03, 0.02),  # or ended in it
        ("..x  x..", 0.04, 0.01),  # it went on through the gap
        (".x.    .", 0.01, 0.04),  # a longer one may hide in a gap elsewhere
        ("  xx....", 0.025, 0.015),
        ("        ", 0.0, 0.08),
    ],
)
def test_missed_sends_coarsen_the_resolution(
    pattern: str, longest: float, resolution: float
) -> None:
    service = seen(pattern, ended=100.08)
    assert service.longest_outage == pytest.approx(longest)
    assert service.resolution == pytest.approx(resolution)
    assert service.missed == pattern.count(" ")


@pytest.mark.parametrize(
    ("lags", "longest", "resolution"),
    [
        ({}, 0.03, 0.01),
        ({2: 8000}, 0.026, 0.014),  # its first request was 8 ms late: what was before is unknown
        ({5: 8000}, 0.034, 0.014),  # so was the first that was answered again
        ({2: 8000, 5: 8000}, 0.03, 0.018),
        ({3: 8000}, 0.03, 0.01),  # one in its midst changes nothing
        ({0: 29000, 1: 19000, 2: 9000}, 0.016, 0.013),  # three at once: it was there just before
    ],
)
def test_edges_lie_between_sends_as_they_really_went_out(
    lags: dict[int, int], longest: float, resolution: float
) -> None:
    service = seen("..xxx...", lags=lags)
    assert service.longest_outage == pytest.approx(longest)
    assert service.resolution == pytest.approx(resolution)


def test_losses_fall_before_through_and_after_the_fault() -> None:
    service = seen("x..xx.x..tt.", marks={"fault": 100.035, "healed": 100.06})
    assert service.before == Counter({REFUSED: 1})
    assert service.through == Counter({REFUSED: 3})
    assert service.after == Counter({TIMEOUT: 2})
    during = service.during("fault", "healed")
    assert (during.sent, during.lost) == (2, Counter({REFUSED: 1}))
    assert service.during("healed").sent == 5


def test_without_a_fault_mark_there_is_no_before() -> None:
    with pytest.raises(LookupError, match="no mark 'fault'"):
        seen("..x.").before  # noqa: B018


def test_the_summary_says_what_was_lost() -> None:
    text = str(seen("..xxt.. ", marks={"fault": 100.02}))
    assert "3 lost (refused 2, timeout 1) in 1 outage(s)" in text
    assert "the longest 0.030 s" in text
    assert "-0.005 s from the fault" in text
    assert "1 sends missed by the prober itself (late)" in text


@pytest.mark.parametrize(
    ("answers", "moves", "told"),
    [
        ("0a 0a 0a", 0, "its session stayed on its backend"),
        ("0a 0b 0a", 2, "it was given no cookie, and its answers changed backend 2 times"),
        ("0a 0b 0c 1c 1c", 0, "its session stayed on its backend"),  # under way before the cookie
        ("1a 1b 1b 2b 2b", 1, "its session left its backend 1 times"),
        ("1a 2b 3c", 0, "its session stayed on its backend"),
    ],
)
def test_a_session_that_changes_its_backend_moves(answers: str, moves: int, told: str) -> None:
    requests = tuple(
        Request(100 + n * 0.01, 0.001, OK, backend, session=int(session))
        for n, (session, backend) in enumerate(answers.split())
    )
    service = replace(seen("....."), requests=requests, cookies=True)
    assert service.moves == moves
    assert told in service.summary()


def test_latency_is_told_for_each_phase() -> None:
    marks = {"fault": 100.015, "healed": 100.035}
    text = seen("..xx..", marks=marks).summary()
    assert "p50 1.0 ms and p99 1.0 ms before, p50 1.0 ms and p99 1.0 ms after" in text


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["Traceback (most recent call last):"],
        record([(0, 1, OK)])[:1],
        [record([(0, 1, OK)])[0], "[[0,1,0"],
        [record([(0, 1, OK)])[0], "[]"],
        [record([(0, 1, OK)])[0], "[[0,0,1,9,-1,-1,0]]"],
        [record([(0, 1, OK)])[0], "[[0,0,1,0,-2,-1,0]]"],
        [record([(0, 1, OK)])[0], "[[0,1,0]]"],
        ['{"record":2}', "[]"],
        ['{"record":1}', "[]"],
    ],
)
def test_a_broken_record_is_the_nodes_error(lines: list[str]) -> None:
    with pytest.raises(NodeError, match="record"):
        parse(lines)


sends = st.lists(
    st.tuples(st.integers(1, 4), st.integers(0, 10**6), st.sampled_from(list(Outcome))), max_size=60
)


@settings(max_examples=60, deadline=None)
@given(sends)
def test_outages_hold_every_loss_once_and_in_order(steps: list[tuple[int, int, Outcome]]) -> None:
    rows, number = [], -1
    for step, duration, outcome in steps:
        number += step
        rows.append((number, duration, outcome))
    service = parse(record(rows))

    assert [(round((r.intended - 100) / 0.01), round(r.duration * 1e6), r.outcome)
            for r in service.requests] == rows  # fmt: skip
    assert sum((o.errors for o in service.outages), Counter()) == service.lost
    assert sum(o.lost for o in service.outages) == service.lost.total()
    for earlier, later in zip(service.outages, service.outages[1:], strict=False):
        assert earlier.end < later.start
    assert all(o.start < o.end and o.blind >= service.interval for o in service.outages)
    assert [o for o in service.outages if o.open] == list(service.outages[-1:]) * (
        bool(rows) and rows[-1][2] is not OK
    )
    assert service.resolution > service.interval * 0.999


def test_no_requests_are_no_outages() -> None:
    assert outages([], 0.01) == ()
    assert math.isnan(quantile([], 0.5))
    assert Request(0.0, 0.1, OK).ok


@pytest.mark.parametrize(
    ("durations", "at_once"),
    [
        ({}, True),
        ({1: 35000}, True),
        ({1: 35000, 2: 25000, 3: 15000}, True),
        ({1: 35000, 2: 25000, 3: 15000, 5: 1000}, False),
        ({1: 1000, 2: 1000}, False),
    ],
    ids=["none", "one", "under way together", "another later", "one after the other"],
)
def test_what_one_moment_took_was_under_way_then(durations: dict[int, int], at_once: bool) -> None:
    """Durations are µs, and one request goes out every 10 ms."""
    rows = [(n, durations.get(n, 1000), TIMEOUT if n in durations else OK) for n in range(8)]
    assert parse(record(rows)).lost_at_once is at_once


@pytest.mark.parametrize(
    ("interval", "sent", "missed", "refused"),
    [
        # one stall of 0.05 s, and more than that
        (0.002, 200, 25, False),
        (0.002, 200, 26, True),
        (0.005, 200, 10, False),
        (0.005, 200, 11, True),
        # so few are none
        (0.02, 200, 10, False),
        # a fiftieth of all
        (0.002, 4900, 98, False),
        (0.002, 4900, 101, True),
    ],
)
def test_a_stall_is_as_long_whatever_the_interval(
    interval: float, sent: int, missed: int, refused: bool
) -> None:
    """Who asks more often misses more sends in it, and has seen no less of the service."""
    seen = replace(
        parse(record([(n, 1000, OK) for n in range(sent)])),
        interval=interval,
        gaps=(Gap(100.0, missed, "late"),),
    )
    assert starved(seen) == refused
