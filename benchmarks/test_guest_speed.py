"""How fast libvirt guests come: from their start to a page of each.

    ./run pytest benchmarks/test_guest_speed.py --guests=libvirt --benchmark-enable

The figures that were measured are in benchmarks/README.md.
"""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from halab import wait, webserver
from halab.cluster import Cluster

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.configuration(vms_per_server=4, servers=2, hypervisor="qemu:///system"),
]


@pytest.mark.parametrize("guests", [1, 8])
def test_from_start_to_the_first_page(
    benchmark: BenchmarkFixture, cluster: Cluster, guests: int
) -> None:
    """Guests that are off are started together; the last one's page is there."""
    vms = cluster.backends[:guests]
    by_server = {
        server: [vm for vm in vms if vm.server == server] for server in {vm.server for vm in vms}
    }

    def off() -> None:
        for server, its in by_server.items():
            cluster.hypervisor.power_off(cluster.servers[server], [vm.name for vm in its])

    def on() -> None:
        for server, its in by_server.items():
            cluster.hypervisor.start(cluster.servers[server], its)
        cluster.serves(vms).until(within=cluster.hypervisor.serving_within(guests))
        for vm in vms:
            assert webserver.get(vm.address, cluster.topology.webserver.port).status == 200

    benchmark.pedantic(on, setup=off, rounds=3)
    cluster.up(vms).until(within=60)


def test_pinning_eight_guests_as_they_run(benchmark: BenchmarkFixture, cluster: Cluster) -> None:
    """Each vCPU put on its CPU, and let go again."""

    def place(pinned: bool) -> float:
        began = wait.clock()
        for server in {vm.server for vm in cluster.backends}:
            vms = [vm for vm in cluster.backends if vm.server == server]
            cluster.hypervisor.place(cluster.servers[server], vms, pinned=pinned)
        return wait.clock() - began

    benchmark.pedantic(place, args=(True,), setup=lambda: place(False) and None, rounds=5)
    place(False)
