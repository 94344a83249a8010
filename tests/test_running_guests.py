"""Whether guests that are left as they are run in a configuration, by what their servers say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from halab import running
from halab.cluster import Cluster
from halab.configuration import Configuration

WANTED: dict[str, Any] = {
    "servers": 1, "vms_per_server": 2, "vms_pinned": True, "hypervisor": "qemu:///system",
}  # fmt: skip
PINNED = Configuration(**WANTED)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.configuration(**WANTED),
]


def test_guests_on_the_cpus_of_annex_a14_are_as_wanted(cluster: Cluster) -> None:
    """Each vCPU has its CPU, by the kernel's word of QEMU's threads."""
    assert [*running.otherwise(cluster, PINNED)] == []


def test_guests_that_are_pinned_are_not_left_to_the_scheduler(cluster: Cluster) -> None:
    (why,) = running.otherwise(cluster, replace(PINNED, vms_pinned=False))
    assert why.startswith("server1 has vCPUs on 0 (")
    assert " here, not on 0-" in why


def test_one_server_is_not_two(cluster: Cluster) -> None:
    said = [*running.otherwise(cluster, replace(PINNED, servers=2))]
    assert said == ["1 servers take part here, not 2"]
