"""The fault catalogue: each a context manager that does, and on the way out undoes.

The undoing stands beside the doing, is safe to do twice, and runs even where the doing
failed half-way. Whether the cluster then comes back to its steady state is for the caller
to see: a fault only takes its own hands off.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from halab.cluster import Cluster
from halab.director import Director
from halab.topology import VirtualMachine


@contextmanager
def keepalived_stopped(director: Director) -> Iterator[None]:
    """keepalived stopped in good order: it resigns with a priority-0 advert."""
    try:
        director.keepalived.stop()
        yield
    finally:
        director.keepalived.start()


@contextmanager
def keepalived_killed(director: Director) -> Iterator[None]:
    """keepalived's whole process tree killed: adverts end, and the VIP stays on the NIC."""
    try:
        director.keepalived.kill()
        yield
    finally:
        director.keepalived.start()


@contextmanager
def powered_off(cluster: Cluster, director: Director) -> Iterator[None]:
    """The director's power cut; on the way out it boots with the disk that it had."""
    try:
        cluster.lab.power_off(director.name)
        yield
    finally:
        cluster.lab.power_on(director.name)
        cluster.lab.await_nodes()


@contextmanager
def apache_killed(cluster: Cluster, vm: VirtualMachine) -> Iterator[None]:
    """The web server of a VM killed: the VM is there and refuses connections."""
    apache = cluster.apache(vm.name)
    try:
        apache.kill()
        yield
    finally:
        apache.start()


@contextmanager
def vms_off(cluster: Cluster, vms: Sequence[VirtualMachine]) -> Iterator[None]:
    """VMs switched off at one stroke, all of one server: their addresses fall silent."""
    server = cluster.servers[vms[0].server]
    try:
        cluster.hypervisor.power_off(server, [vm.name for vm in vms])
        yield
    finally:
        cluster.hypervisor.start(server, vms)


@contextmanager
def server_off(cluster: Cluster, server: str) -> Iterator[None]:
    """A server's power cut, and with it that of all its VMs."""
    try:
        cluster.lab.power_off(server)
        yield
    finally:
        cluster.lab.power_on(server)
        cluster.lab.await_nodes()
