"""Settings of a whole director, in turns: what is equal, what is not, what serves nothing."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest

from halab import load
from halab.cluster import Cluster
from halab.faults import cpu_starved
from halab.gate import alternation, handicap, host_wide
from halab.gate.alternation import MARGIN, Alternation, NothingServed, Turns, alternate
from halab.gate.judgement import Verdict
from halab.gate.slowdown import Pair, Slowdown

PAIRS = 14
"""Half of them with a handicap: fewer than seven that agree are no proof at p < 0.01."""


@pytest.mark.slow
@pytest.mark.nightly
def test_the_same_settings_are_not_worse_than_themselves(cluster: Cluster) -> None:
    found = alternate(cluster, nullcontext, pairs=PAIRS)
    assert not found.time.found.slower, found.time.found
    assert not found.cpu.found.slower, found.cpu.found
    slowed = Slowdown.of(found.cpu.handicapped, MARGIN)
    assert slowed.slower, slowed
    # more than a quarter where others took of the CPU time that it was left
    assert 0.15 < slowed.median < 0.6


@pytest.mark.slow
@pytest.mark.nightly
def test_a_director_with_less_of_a_cpu_is_slower(cluster: Cluster) -> None:
    """Each slice of the candidate's has the setting, and none of today's."""
    found = alternate(cluster, lambda: cpu_starved(cluster, cluster.master, 0.05), pairs=PAIRS)
    assert found.time.found.slower, found.time.found


def test_what_wastes_time_ends_with_whoever_began_it() -> None:
    """Its stdin ends, whatever becomes of the gate."""
    command = [sys.executable, "-c", handicap._WASTE, "0.2"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as wasting:
        assert wasting.stdout is not None
        assert wasting.stdout.readline() == "\n"
        assert wasting.poll() is None
        wasting.communicate(timeout=20)
    assert wasting.returncode == 0


@pytest.fixture
def handicaps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The shares of CPU time that a director was left, which has no lab here to take it away."""
    given: list[float] = []

    @contextmanager
    def handicapped(_cluster: object, used: float) -> Iterator[None]:
        given.append(used)
        yield

    monkeypatch.setattr(alternation, "handicapped", handicapped)
    return given


def test_every_second_round_has_a_handicap_of_what_today_s_took(
    monkeypatch: pytest.MonkeyPatch, handicaps: list[float]
) -> None:
    """Whichever side comes first; it is beside today's of its round."""
    slices = iter(range(1, 100))

    def run(_cluster: object, _load: object) -> SimpleNamespace:
        return SimpleNamespace(
            succeeded=1000, requests_per_second=1 / next(slices), seconds=2.0, director_cpu=0.4,
            errors={},
        )  # fmt: skip

    monkeypatch.setattr(load, "run", run)
    found = alternate(None, nullcontext, pairs=4, chance=random.Random(3))  # type: ignore[arg-type]
    assert handicaps == [0.4, 0.4]
    assert (len(found.time.pairs), len(found.cpu.pairs)) == (4, 4)
    second, fourth = found.time.pairs[1], found.time.pairs[3]
    assert [pair.baseline for pair in found.time.handicapped] == [second.baseline, fourth.baseline]
    counted = [side for pair in found.time.pairs for side in (pair.baseline, pair.candidate)]
    counted += [pair.candidate for pair in found.time.handicapped]
    assert sorted(counted) == pytest.approx(range(1, 11))


@pytest.mark.parametrize("candidates", [True, False])
def test_settings_under_which_nothing_is_served_are_named(
    monkeypatch: pytest.MonkeyPatch, handicaps: list[float], candidates: bool
) -> None:
    """Today's or the candidate's; each slice of the candidate's has its settings."""
    changed: list[bool] = []

    @contextmanager
    def setting() -> Iterator[None]:
        changed.append(True)
        yield
        changed.clear()

    def run(_cluster: object, _load: object) -> SimpleNamespace:
        served = 0 if bool(changed) is candidates else 100
        return SimpleNamespace(
            succeeded=served, requests_per_second=served / 2.0, seconds=2.0, director_cpu=0.5,
            errors={"errored": 100 - served},
            invalid=("none of 100 requests succeeded (100 refused)",),
        )  # fmt: skip

    monkeypatch.setattr(load, "run", run)
    with pytest.raises(NothingServed, match=r"no request succeeded: none of 100 .*refused") as why:
        alternate(None, setting)  # type: ignore[arg-type]
    assert why.value.candidates is candidates


@pytest.mark.parametrize(
    ("slices", "verdict"),
    [
        (0, None),
        (1, Verdict.UNDECIDED),
        (6, Verdict.UNDECIDED),
        (7, Verdict.REJECT),
    ],
)
def test_requests_that_fail_are_no_matter_of_speed(
    monkeypatch: pytest.MonkeyPatch, handicaps: list[float], slices: int, verdict: Verdict | None
) -> None:
    """One in a hundred is no slowdown beyond the margin; seven signs that agree are 1 in 128."""
    pairs = 0

    @contextmanager
    def setting() -> Iterator[None]:
        nonlocal pairs
        pairs += 1
        monkeypatch.setattr(load, "run", lambda *_: slice_of(failed=pairs <= slices))
        yield
        monkeypatch.setattr(load, "run", lambda *_: slice_of(failed=False))

    def slice_of(*, failed: bool) -> SimpleNamespace:
        return SimpleNamespace(
            succeeded=1000 - 10 * failed, requests_per_second=500.0 - 5 * failed, seconds=2.0,
            director_cpu=0.5, errors={"errored": 10} if failed else {},
        )  # fmt: skip

    monkeypatch.setattr(load, "run", lambda *_: slice_of(failed=False))
    found = alternate(None, setting)  # type: ignore[arg-type]
    assert len(found.failed) == 20
    for turns in (found.time, found.cpu):
        turns.handicapped[:] = SLOWED
    *speed, last = host_wide.told(found)
    if verdict is None:
        assert last.what == host_wide.DIRECTORS_CPU
        return
    assert [row.verdict for row in speed] == [Verdict.ACCEPT] * 2
    assert (last.what, last.before, last.after) == (host_wide.FAILED, "0", str(10 * slices))
    assert last.verdict is verdict


EQUAL = [Pair(1.0, 1.0 + n / 1000) for n in range(20)]
SLOWED = [Pair(1.0, 1.2 + n / 1000) for n in range(10)]


def test_todays_that_fail_alike_speak_against_nobody() -> None:
    turns = Turns(EQUAL, SLOWED)
    found = Alternation(turns, turns, [(n % 2, 1 - n % 2) for n in range(20)])
    assert host_wide.told(found)[-1].verdict is Verdict.ACCEPT
    assert Alternation(turns, turns, [(0, 0)] * 20).p_of_failed == 1.0


@pytest.mark.parametrize("candidate", [1.0, 1.3], ids=["an equal", "a slower one"])
@pytest.mark.parametrize(
    ("todays", "handicapped", "flaw"),
    [
        ([1.0] * 20, 1.25, ""),
        ([1.0] * 20, 1.04, "a handicap of 20% was not found: +4.0%"),
        ([1.0, 1.1] * 10, 1.25, "today's was found worse than itself: +10.0%"),
        ([1.1, 1.0] * 10, 1.25, "today's was found worse than itself: +10.0%"),
    ],
    ids=["sound", "blind", "later is slower", "later is faster"],
)
def test_slices_that_do_not_prove_themselves_decide_nothing(
    candidate: float, todays: list[float], handicapped: float, flaw: str
) -> None:
    """Neither for the candidate nor against it."""
    turns = Turns(
        [Pair(today, candidate * today + n / 1e6) for n, today in enumerate(todays)],
        [Pair(today, handicapped * today + n / 1e6) for n, today in enumerate(todays[1::2])],
    )
    row, *_ = host_wide.told(Alternation(turns, turns, [(0, 0)] * 20))
    if flaw:
        assert row.verdict is Verdict.UNDECIDED
        assert row.why.startswith(f"the slices prove nothing: {flaw}")
    else:
        assert row.verdict is (Verdict.REJECT if candidate > 1 else Verdict.ACCEPT)
