"""The thesis's 24 and 48 VMs as libvirt guests, all at once: what that takes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.evidence import Evidence
from halab import wait
from halab.budget import Budget
from halab.cluster import Cluster
from halab.configuration import Configuration
from halab.hypervisor.libvirt import LibvirtHypervisor
from halab.node import each

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1200)]


def configured(vms_per_server: int) -> pytest.MarkDecorator:
    return pytest.mark.configuration(
        vms_per_server=vms_per_server, vms_pinned=True, hypervisor="qemu:///system"
    )


@pytest.mark.parametrize(
    "vms_per_server",
    [pytest.param(4, marks=configured(4), id="24"), pytest.param(8, marks=configured(8), id="48")],
)
def test_all_guests_come_up(
    standing_cluster: Cluster,
    evidence: Evidence,
    progress: Callable[[str], None],
    vms_per_server: int,
) -> None:
    """Each serves in its time, HAProxy on both directors holds it for UP."""
    cluster, libvirt = standing_cluster, standing_cluster.hypervisor
    assert isinstance(libvirt, LibvirtHypervisor)
    before = sum(len(vms) for vms in each(cluster.servers.values(), libvirt.running).values())
    began = wait.clock()
    cluster.bring_to(
        Configuration(vms_per_server=vms_per_server, vms_pinned=True, hypervisor="qemu:///system"),
        progress,
    )
    count = len(cluster.backends)
    evidence.measure(
        f"{count} guests UP on both directors, where {before} ran",
        wait.clock() - began,
        Budget(libvirt.serving_within(count) + 30, "what the suite waits for them"),
    )
    memory = sum(each(cluster.servers.values(), libvirt.memory).values())
    evidence.note(f"memory of {count} guests: {memory} MiB, {memory / count:.0f} each")
    for director in cluster.directors.values():
        healthy = director.haproxy().healthy(cluster.topology.haproxy.backend)
        assert healthy == {vm.name for vm in cluster.backends}
