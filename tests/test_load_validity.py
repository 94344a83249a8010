"""When a run of load does not count, and the figure of several generators that were staggered."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from halab.errors import InvalidRun, NodeError
from halab.load import Load, Throughput
from halab.load.crew import Crew
from halab.load.generator import Tally
from halab.load.meter import Reading, cpu_time
from halab.load.validity import disagreement, errors, overworked, unfinished
from halab.load.volley import Ended

GOOD = Tally(started=1000, succeeded=1000, seconds=1.0)


def counted(requests: int, answers: int, given_up: int = 0) -> Reading:
    """What HAProxy counted in the time of a load."""
    return Reading(
        workers={1: 42},
        requests={1: requests},
        answers={1: answers},
        given_up={1: given_up},
        haproxy={1: 0.5},
        cpu=1.0,
        cpus=2,
        drops=0,
        time_wait=0,
    )


def reasons(*tallies: Tally) -> str:
    return "; ".join(unfinished(tallies))


def test_a_run_whose_every_request_succeeded_has_no_reason() -> None:
    assert reasons(GOOD, GOOD) == ""
    assert not [*disagreement([GOOD, GOOD], counted(2000, 2000)), *overworked({"client1": 0.7})]


def test_one_request_that_failed_is_one_too_many() -> None:
    bad = Tally(started=1000, succeeded=999, failed={"5xx": 1})
    assert reasons(GOOD, bad) == "1999 of 2000 requests succeeded (1 5xx)"


def test_nothing_at_all() -> None:
    assert reasons(Tally(0, 0)) == "none of 0 requests succeeded (nothing was answered)"


def test_what_generators_said_comes_first_and_once() -> None:
    mute = Tally(0, 0, said="wrk: no")
    assert reasons(mute, mute).startswith("wrk: no; none of 0")


@pytest.mark.parametrize(
    ("requests", "answers", "agree"),
    [
        (1000, 1000, True),
        (1004, 1000, True),
        (995, 1000, True),
        (1006, 1000, False),
        (994, 1000, False),
        (1000, 994, False),
        (1000, 0, False),
        (0, 0, False),
    ],
)
def test_half_a_percent_is_the_most_that_both_sides_may_differ(
    requests: int, answers: int, agree: bool
) -> None:
    assert (not [*disagreement([GOOD], counted(requests, answers))]) is agree


def test_what_haproxy_saw_cut_off_is_left_out() -> None:
    cut = Tally(started=1000, succeeded=1000, cut=8)
    assert not [*disagreement([cut], counted(1008, 1000, given_up=8))]
    assert not [*disagreement([cut], counted(1013, 1005, given_up=8))]
    (why,) = disagreement([cut], counted(1014, 1000, given_up=8))
    assert why == (
        "the generators made 1000 requests, HAProxy counted 1014, 8 given up when time was up"
    )


def test_what_was_under_way_is_no_excuse_for_what_haproxy_did_not_see_given_up() -> None:
    cut = Tally(started=1000, succeeded=1000, cut=8)
    (why,) = disagreement([cut], counted(1008, 1000))
    assert why == "the generators made 1000 requests, HAProxy counted 1008"


def test_no_more_is_left_out_than_was_under_way() -> None:
    cut = Tally(started=1000, succeeded=1000, cut=8)
    assert [*disagreement([cut], counted(1020, 1000, given_up=20))]
    assert [*disagreement([GOOD], counted(1006, 1000, given_up=6))]


def test_a_run_too_short_for_its_connections_is_told_so() -> None:
    cut = Tally(started=1000, succeeded=1000, cut=8)
    (why,) = disagreement([cut], counted(1008, 1008, given_up=8))
    assert why.endswith(
        "8 were cut off, too many for so short a run: make it longer, or end by requests"
    )


def test_successes_without_an_answer_are_found_by_haproxys_2xx() -> None:
    (why,) = disagreement([GOOD], counted(1000, 0))
    assert why == ("the generators had 1000 successes, HAProxy gave 0 answers of status 2xx")


def test_a_client_above_70_percent() -> None:
    assert [*overworked({"client1": 0.71, "client2": 0.2})] == [
        "client1 used 71% of its CPU, more than 70%"
    ]


def test_errors_are_summed_by_class() -> None:
    assert errors([Tally(3, 0, {"4xx": 2, "5xx": 1}), Tally(1, 0, {"4xx": 1})]) == {
        "4xx": 3,
        "5xx": 1,
    }


def measured(*invalid: str) -> Throughput:
    return Throughput(
        load=Load(),
        generator="h2load",
        requests_per_second=1000.0,
        seconds=4.0,
        succeeded=4000,
        errors={},
        bytes=1,
        latency={},
        client_cpu={"client1": 0.5},
        director_cpu=0.5,
        haproxy_cpu={1: 0.2},
        cpu_per_request=50e-6,
        haproxy_requests=4000,
        softnet_drops=0,
        time_wait=0,
        invalid=invalid,
    )


def test_an_invalid_run_says_all_its_reasons_in_one_line() -> None:
    assert measured().valid == measured()
    with pytest.raises(InvalidRun, match=r"^h2load, /index.html: too slow; too late$"):
        _ = measured("too slow", "too late").valid


def test_cpu_time_of_a_control_group_and_of_a_machine() -> None:
    assert cpu_time("usage_usec 2500000\nuser_usec 2000000\n") == 2.5
    # user nice system idle iowait irq softirq steal guest guest_nice, in ticks of 10 ms
    assert cpu_time("cpu  100 10 50 9999 8888 5 30 5 70 0\n") == 2.0
    with pytest.raises(NodeError, match=r"neither cpu\.stat"):
        cpu_time("")


def test_counters_of_another_worker_are_no_difference() -> None:
    before = Reading({1: 42}, {1: 10}, {1: 9}, {1: 1}, {1: 0.5}, 2.0, 2, 1, 0)
    after = Reading({1: 42}, {1: 30}, {1: 19}, {1: 3}, {1: 0.75}, 3.0, 2, 1, 7)
    assert after.since(before) == Reading(
        {1: 42}, {1: 20}, {1: 10}, {1: 2}, {1: 0.25}, 1.0, 2, 0, 7
    )
    with pytest.raises(NodeError, match="reloaded or died"):
        Reading({1: 43}, {1: 1}, {1: 1}, {1: 0}, {1: 0.0}, 3.0, 2, 1, 0).since(before)


class Slow:
    """A generator that ends by requests only; it must not be fired to find out what is known."""

    name = "slow"

    def times(self, _load: Load) -> bool:
        return False


def test_a_known_pace_needs_no_trying() -> None:
    crew = Crew(Slow(), [])  # type: ignore[arg-type]
    shares = Load(connections=6, seconds=2.0, pace=900).shares(3)
    assert [share.requests for share in crew.counted(shares)] == [600, 600, 600]


@pytest.mark.parametrize(
    ("served", "fired", "requests"), [(0, 1, [2, 2, 2]), (4, 2, [800, 800, 800])]
)
def test_what_serves_nothing_is_tried_once(served: int, fired: int, requests: list[int]) -> None:
    """A generator that waits for a dead port for good does so for a minute and a half each time."""
    fires = []

    class Trying(Crew):
        def fire(self, shares: Sequence[Load], delays: Sequence[float] = ()) -> tuple[Ended, ...]:
            fires.append([share.requests for share in shares])
            return ()

        def tallies(self, shares: Sequence[Load], ended: Sequence[Ended]) -> tuple[Tally, ...]:
            return (Tally(served, served, seconds=0.01 * served / 4),) * len(shares)

    shares = Load(connections=6, seconds=2.0).shares(3)
    counted = Trying(Slow(), []).counted(shares)  # type: ignore[arg-type]
    assert [share.requests for share in counted] == requests
    assert len(fires) == fired
