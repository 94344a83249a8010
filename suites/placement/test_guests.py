"""Web VMs as libvirt guests: in service, and on the CPUs that the plan gives them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from halab import cpu, webserver
from halab.cluster import Cluster
from halab.errors import NodeError
from halab.hypervisor.libvirt import LibvirtHypervisor
from halab.node import Node, each
from halab.topology import VirtualMachine

QEMU = "qemu:///system"

pytestmark = [
    pytest.mark.timeout(400),
    *(
        pytest.mark.configuration(vms_per_server=n, servers=2, vms_pinned=pinned, hypervisor=QEMU)
        for n, pinned in ((1, True), (2, True), (4, True), (4, False))
    ),
]


@pytest.fixture(scope="module")
def libvirt(cluster: Cluster) -> LibvirtHypervisor:
    """What drives the guests."""
    assert isinstance(cluster.hypervisor, LibvirtHypervisor)
    return cluster.hypervisor


@pytest.mark.parametrize("role", ["master", "backup"])
def test_every_guest_is_up(cluster: Cluster, role: str) -> None:
    """In HAProxy, by a check that has been made and passed; and there are no others."""
    haproxy, backend = getattr(cluster, role).haproxy(), cluster.topology.haproxy.backend
    names = {vm.name for vm in cluster.backends}
    assert haproxy.healthy(backend) == haproxy.servers(backend).keys() == names


def test_every_backend_is_a_guest_of_its_server(
    cluster: Cluster, libvirt: LibvirtHypervisor
) -> None:
    """What serves is what libvirt runs, and the servers that are not asked for run none."""
    assert each(cluster.servers.values(), libvirt.running) == cluster.vms_by_server


@pytest.mark.parametrize("page", ["/index.html", "/index.php", "/pi.php?n=1000"])
def test_every_guest_answers_for_itself(cluster: Cluster, page: str) -> None:
    """The same pages as light VMs serve, and each names its guest."""

    def answer(vm: VirtualMachine) -> tuple[int, str, bool]:
        got = webserver.get(vm.address, cluster.topology.webserver.port, page, within=20)
        return got.status, got.served_by, f"erved by {vm.name}" in got.page

    with ThreadPoolExecutor(4) as pool:
        answers = dict(zip(cluster.backends, pool.map(answer, cluster.backends), strict=True))
    assert answers == {vm: (200, vm.name, True) for vm in cluster.backends}


def test_every_guest_lets_the_operator_in(cluster: Cluster) -> None:
    """By the lab's keys, like any node."""
    guests = [cluster.vm(vm.name) for vm in cluster.backends]
    names = each(guests, lambda guest: guest.run("hostname").strip())
    assert names == {vm.name: vm.name for vm in cluster.backends}


def affinity(cluster: Cluster, libvirt: LibvirtHypervisor) -> dict[str, list[frozenset[int]]]:
    """Where the kernel lets each vCPU of each guest run."""
    return {
        vm.name: list(libvirt.vcpu_affinity(cluster.servers[vm.server], vm.name).values())
        for vm in cluster.backends
    }


def cpus(server: Node) -> frozenset[int]:
    """The CPUs of a server."""
    return cpu.cpus_in(server.read("/sys/devices/system/cpu/online"))


def test_vcpus_may_run_where_the_plan_says(cluster: Cluster, libvirt: LibvirtHypervisor) -> None:
    """Each vCPU's thread on one CPU as annex A.14 has it; unpinned, on every CPU there is."""
    assert cluster.configuration is not None
    wanted: dict[str, list[frozenset[int]]] = {}
    for server in {vm.server: cluster.servers[vm.server] for vm in cluster.backends}.values():
        vms = [vm.name for vm in cluster.backends if vm.server == server.name]
        plan = cpu.pin_plan(len(vms), cpus(server))
        for vm, pins in zip(vms, plan, strict=True):
            pinned = cluster.configuration.vms_pinned
            wanted[vm] = [frozenset({pin}) if pinned else cpus(server) for pin in pins]
    assert affinity(cluster, libvirt) == wanted


# -- what is not ours ------------------------------------------------------------------------------

BARE = """\
<domain type='qemu'>
  <name>%s</name>
  <memory unit='MiB'>16</memory>
  <os><type>hvm</type></os>
  <devices><memballoon model='none'/></devices>
</domain>
"""


@pytest.fixture
def spare(cluster: Cluster) -> VirtualMachine:
    """A VM that the topology has on the first server, and the configuration has not."""
    server = next(iter(cluster.topology.servers.values()))
    return server.vms[-1]


@pytest.fixture
def foreign(cluster: Cluster, spare: VirtualMachine) -> Iterator[dict[str, str]]:
    """Domains that somebody else runs on the first server, by name, with their UUIDs: one of
    a name of its own, and one that has the name of a VM of ours."""
    server = cluster.servers[spare.server]
    with ExitStack() as undone:
        for name in ("accounting", spare.name):
            server.run("virsh -q -c %s define /dev/stdin", QEMU, stdin=BARE % name)
            undone.callback(server.run, "virsh -q -c %s undefine %s", QEMU, name)
            server.run("virsh -q -c %s start %s", QEMU, name)
            # it runs no more if the test fails
            undone.callback(server.ask, "virsh -q -c %s destroy %s", QEMU, name)
        yield running(server)


def running(server: Node) -> dict[str, str]:
    """The UUIDs of the foreign domains that run, by name."""
    listed = server.run("virsh -q -c %s list --name --uuid", QEMU).splitlines()
    pairs = [line.split() for line in listed if line]
    return {name: uuid for uuid, name in pairs}


def test_foreign_domains_stay(
    cluster: Cluster,
    libvirt: LibvirtHypervisor,
    foreign: dict[str, str],
    spare: VirtualMachine,
) -> None:
    """No verb touches one, not even under the name of a VM of ours; each says so."""
    server = cluster.servers[spare.server]
    for verb in (libvirt.power_off, libvirt.remove):
        with pytest.raises(NodeError, match=f"{spare.name} does not carry the suite's mark"):
            verb(server, [spare.name])
    with pytest.raises(NodeError, match=f"{spare.name} does not carry the suite's mark"):
        libvirt.start(server, [spare])
    with pytest.raises(NodeError, match="already exists with uuid"):
        libvirt.define(server, {spare: (0,)}, pinned=True)
    assert cluster.configuration is not None
    cluster.bring_to(cluster.configuration)
    assert foreign.keys() >= {"accounting", spare.name}
    assert running(server) == foreign
