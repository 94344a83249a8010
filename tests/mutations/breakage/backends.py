"""Web VMs, their web servers, and guests of libvirt that are not as they should be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from unittest import mock

from halab.cluster import Cluster
from halab.faults import apache_killed
from halab.hypervisor import libvirt
from halab.hypervisor.libvirt import LibvirtHypervisor
from halab.topology import VirtualMachine
from tests.mutations.breakage.node import Break, done, meanwhile


@contextmanager
def apache_dead(cluster: Cluster) -> Iterator[None]:
    """One web server killed, and held for DOWN."""
    vm = cluster.backends[3]
    with apache_killed(cluster, vm):
        cluster.down([vm]).until(within=30)
        yield


def web_server_with(cluster: Cluster, vm: str, change: str, undo: str) -> Break:
    """The web server of a VM stopped, something changed, and started again."""
    server = cluster.web_server(vm)
    pid = server.pid_file
    stop = f"kill $(cat {pid}) && while [ -e {pid} ]; do sleep 0.05; done"
    first, last = (f"{stop}; {deed} && {server.by_itself}" for deed in (change, undo))
    return done(server.node, first, last)


@contextmanager
def servlet_with(cluster: Cluster, vm: str, expression: str, undo: str) -> Iterator[None]:
    """The servlet of a VM edited, and its Tomcat started anew; nothing is tested before it serves.

    Tomcat leaves its PID file behind.
    """
    server = cluster.web_server(vm)
    serving = cluster.serves([its for its in cluster.backends if its.name == vm])
    stop = f"p=$(cat {server.pid_file}); kill $p; while kill -0 $p 2>&-; do sleep 0.05; done"
    first, last = (
        f"{stop}; sed -i '{edit}' /var/lib/tomcat10/webapps/ROOT/pi.jsp && {server.by_itself}"
        for edit in (expression, undo)
    )
    with done(server.node, first, last):
        serving.until(within=30)
        yield


@contextmanager
def guest_too_many(cluster: Cluster) -> Iterator[None]:
    """A VM of the topology that the configuration has not is started on its server."""
    driver = cluster.hypervisor
    assert isinstance(driver, LibvirtHypervisor)
    vm = next(iter(cluster.topology.servers.values())).vms[4]
    server = cluster.servers[vm.server]
    try:
        driver.guests.prepare(server, [vm])
        driver.define(server, {vm: (0,)}, pinned=False)
        driver.start(server, [vm])
        yield
    finally:
        driver.remove(server, [vm.name])


def vcpu_moved(cluster: Cluster) -> Break:
    """The thread of a guest's only vCPU is bound to the first CPU, as taskset does it."""
    threads = "/proc/$(cat /run/libvirt/qemu/web2.pid)/task/*"
    return done(
        cluster.servers["server1"],
        f"for t in {threads}; do "
        "case $(cat $t/comm) in CPU*) taskset -cp 0 ${t##*/};; esac; done",
        "virsh vcpupin web2 0 r --live",
    )


@contextmanager
def mark_not_looked_at(_cluster: Cluster) -> Iterator[None]:
    """The driver's script without its look at a domain's mark."""
    script = libvirt.DOMAINS_SH.read_text("utf-8")
    blind = script.replace("ours() {", "ours() {\n    return 0")
    assert blind != script
    with NamedTemporaryFile("w", suffix=".sh") as file:
        file.write(blind)
        file.flush()
        with mock.patch.object(libvirt, "DOMAINS_SH", Path(file.name)):
            yield


def refused_once_silent(cluster: Cluster, vm: VirtualMachine) -> Break:
    """The MASTER's own firewall answers for a VM as soon as that answers no more."""
    rule = f"ip daddr {vm.address} tcp dport 80 reject with tcp reset"
    return meanwhile(
        cluster.master.node,
        f"while ping -q -c 1 -W 1 {vm.address}; do sleep 0.1; done; nft 'add table ip mutation; "
        "add chain ip mutation c { type filter hook output priority 0; }; "
        f"add rule ip mutation c {rule}'",
        "nft delete table ip mutation",
    )
