"""Whether a cluster that is left as it is runs in a configuration."""

from __future__ import annotations

from dataclasses import replace

import pytest

from halab import running
from halab.cluster import Cluster
from halab.configuration import Configuration
from halab.cpu import cpus_of
from halab.steering import Steering

CPU = 1
PINNED = Configuration(haproxy_cpus=(CPU,))

pytestmark = [pytest.mark.slow, pytest.mark.configuration(haproxy_cpus=(CPU,))]


def test_what_it_was_brought_to_runs(cluster: Cluster) -> None:
    """By the kernel's word, and nothing else is in the way."""
    assert [*running.otherwise(cluster, PINNED)] == []


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (replace(PINNED, haproxy_cpus=(0,)), "process 1 may run on CPU 1 here, not 0"),
        (Configuration(), "process 1 may run on CPU 1 here, not 0-"),
        (replace(PINNED, vms_per_server=8), "vms_per_server is 4 here, not 8"),
        (Configuration(haproxy_processes=2), "haproxy_processes is 1 here, not 2"),
        (replace(PINNED, http_reuse="always"), "HAProxy has http-reuse never, not always"),
        (replace(PINNED, servers=1), "6 servers take part here, not 1"),
        (replace(PINNED, vms_pinned=True), "server1 has vCPUs on no CPU here, not on 0"),
        (replace(PINNED, steering=Steering(rps_cpus=cpus_of("2"))), "cannot change eth0"),
    ],
)
def test_each_difference_is_told(cluster: Cluster, wanted: Configuration, says: str) -> None:
    """None is overlooked because it is a default."""
    assert any(says in why for why in running.otherwise(cluster, wanted))
