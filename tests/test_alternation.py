"""Settings of a whole director, compared on a real cluster: what is equal, and what is not."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from halab.cluster import Cluster
from halab.faults import cpu_starved
from halab.gate.alternation import alternate

pytestmark = [pytest.mark.slow, pytest.mark.nightly]

PAIRS = 10


def test_the_same_settings_are_not_worse_than_themselves(cluster: Cluster) -> None:
    found = alternate(cluster, nullcontext, pairs=PAIRS)
    assert not found.slower.slower, found.slower
    assert not found.costlier.slower, found.costlier


def test_a_director_with_less_of_a_cpu_is_slower(cluster: Cluster) -> None:
    """Each slice of the candidate's has the setting, and none of today's."""
    found = alternate(cluster, lambda: cpu_starved(cluster, cluster.master, 0.05), pairs=PAIRS)
    assert found.slower.slower, found.slower
