"""Settings of a whole director, in turns: what is equal, what is not, what serves nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest

from halab import load
from halab.cluster import Cluster
from halab.faults import cpu_starved
from halab.gate import host_wide
from halab.gate.alternation import Alternation, NothingServed, alternate
from halab.gate.judgement import Verdict
from halab.gate.slowdown import Pair

PAIRS = 10


@pytest.mark.slow
@pytest.mark.nightly
def test_the_same_settings_are_not_worse_than_themselves(cluster: Cluster) -> None:
    found = alternate(cluster, nullcontext, pairs=PAIRS)
    assert not found.slower.slower, found.slower
    assert not found.costlier.slower, found.costlier


@pytest.mark.slow
@pytest.mark.nightly
def test_a_director_with_less_of_a_cpu_is_slower(cluster: Cluster) -> None:
    """Each slice of the candidate's has the setting, and none of today's."""
    found = alternate(cluster, lambda: cpu_starved(cluster, cluster.master, 0.05), pairs=PAIRS)
    assert found.slower.slower, found.slower


@pytest.mark.parametrize("candidates", [True, False])
def test_settings_under_which_nothing_is_served_are_named(
    monkeypatch: pytest.MonkeyPatch, candidates: bool
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
    monkeypatch: pytest.MonkeyPatch, slices: int, verdict: Verdict | None
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
    *speed, last = host_wide.told(found)
    if verdict is None:
        assert last.what == host_wide.DIRECTORS_CPU
        return
    assert [row.verdict for row in speed] == [Verdict.ACCEPT] * 2
    assert (last.what, last.before, last.after) == (host_wide.FAILED, "0", str(10 * slices))
    assert last.verdict is verdict


def test_todays_that_fail_alike_speak_against_nobody() -> None:
    pairs = [Pair(1.0, 1.0 + n / 1000) for n in range(20)]
    found = Alternation(pairs, pairs, [(n % 2, 1 - n % 2) for n in range(20)])
    assert host_wide.told(found)[-1].verdict is Verdict.ACCEPT
    assert Alternation(pairs, pairs, [(0, 0)] * 20).p_of_failed == 1.0
