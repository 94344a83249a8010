"""Every node is sound: it answers, knows the time, has room, and runs what it is there for."""

from __future__ import annotations

import pytest

from halab import doctor
from halab.cluster import Cluster

pytestmark = pytest.mark.observe


def test_nothing_is_wrong_with_any_node_or_the_cluster(cluster: Cluster) -> None:
    """All nodes are asked at once; what is wrong with any of them is said, all of it together."""
    assert doctor.ails(cluster) == []
