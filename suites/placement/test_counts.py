"""As many web VMs on each server as asked for, and each of them serves."""

from __future__ import annotations

import pytest

from halab.cluster import Cluster
from halab.node import each

pytestmark = [
    pytest.mark.observe,
    *(pytest.mark.configuration(vms_per_server=count) for count in (1, 2, 4, 8)),
]


def test_each_server_runs_its_share_and_no_more(cluster: Cluster) -> None:
    """What the hypervisor of each server runs, by its own word."""
    assert each(cluster.servers.values(), cluster.hypervisor.running) == cluster.vms_by_server


@pytest.mark.parametrize("role", ["master", "backup"])
def test_all_of_them_are_up(cluster: Cluster, role: str) -> None:
    """In HAProxy, by a check that has been made and passed; and there are no others."""
    haproxy, backend = getattr(cluster, role).haproxy(), cluster.topology.haproxy.backend
    names = {vm.name for vm in cluster.backends}
    assert haproxy.healthy(backend) == haproxy.servers(backend).keys() == names
