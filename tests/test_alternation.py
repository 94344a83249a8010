"""Settings of a whole director, in turns: what is equal, what is not, what serves nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest

from halab import load
from halab.cluster import Cluster
from halab.faults import cpu_starved
from halab.gate.alternation import NothingServed, alternate

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
            invalid=("none of 100 requests succeeded (100 refused)",),
        )  # fmt: skip

    monkeypatch.setattr(load, "run", run)
    with pytest.raises(NothingServed, match=r"no request succeeded: none of 100 .*refused") as why:
        alternate(None, setting)  # type: ignore[arg-type]
    assert why.value.candidates is candidates
