"""Planned work on a cluster, which its operator does on purpose and wants to cost nobody anything.

Like a fault it journals, does and undoes; see :mod:`halab.faults.fault`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from halab import wait
from halab.cluster import Cluster
from halab.director import Director
from halab.errors import CommandFailed, NodeError
from halab.faults.fault import Deed, fault
from halab.haproxy import HAProxy
from halab.node import Node, in_turn
from halab.topology import VirtualMachine


@fault
def haproxy_reloaded(haproxy: HAProxy, times: int = 1) -> Deed:
    """One HAProxy process reloaded so many times, each when the one before has taken over."""

    def do() -> None:
        for _ in range(times):
            haproxy.reload()

    return Deed(haproxy.node, do, haproxy.start, haproxy.starting)


@fault
def keepalived_reloaded(director: Director) -> Deed:
    """keepalived told to read its configuration again."""
    keepalived = director.keepalived
    return Deed(director.node, keepalived.reload, keepalived.start, keepalived.starting)


@fault
def rebooted(cluster: Cluster, director: Director) -> Deed:
    """The director drained, by stopping keepalived, and rebooted once the other has the VIP.

    It is done when the director lets us in again, with keepalived started by its boot.
    """
    (other,) = (d for d in cluster.directors.values() if d is not director)

    def do() -> None:
        before = boot(director.node)
        director.keepalived.stop()
        cluster.vip_on(other).until(within=30)
        # asked for, not waited for: the answer would race the end of sshd
        director.node.run("systemctl reboot --no-block")
        wait.until(
            lambda: _booted_since(director.node, before),
            what=f"{director.name} has rebooted",
            within=30 + cluster.lab.boots_within,
        )

    def undo() -> None:
        cluster.lab.await_nodes(director.name)
        director.keepalived.start()

    return Deed(director.node, do, undo, director.keepalived.starting)


def boot(node: Node) -> str:
    """What the kernel, or a container's systemd, calls this boot."""
    return node.run("cat /proc/sys/kernel/random/boot_id").strip()


def _booted_since(node: Node, before: str) -> bool:
    try:
        return boot(node) != before
    except CommandFailed:
        raise
    except NodeError:  # it is away, or went away while it was asked
        return False


@fault
def drained(cluster: Cluster, vm: VirtualMachine) -> Deed:
    """A backend that is given no new clients, on both directors; those that it has it keeps."""
    return _in_state(cluster, vm, "drain")


@fault
def in_maintenance(cluster: Cluster, vm: VirtualMachine) -> Deed:
    """A backend that is given nothing and is not checked, on both directors."""
    return _in_state(cluster, vm, "maint")


def _in_state(cluster: Cluster, vm: VirtualMachine, state: str) -> Deed:
    backend = cluster.topology.haproxy.backend

    def processes() -> Iterator[HAProxy]:
        for director, process in product(cluster.directors.values(), cluster.processes):
            yield director.haproxy(process)

    def put(state: str) -> None:
        for haproxy in processes():
            haproxy.set_state(backend, vm.name, state)

    ready = f"set server {backend}/{vm.name} state ready"
    heals = {
        director.node: in_turn(*(director.haproxy(p).telling(ready) for p in cluster.processes))
        for director in cluster.directors.values()
    }
    return Deed(cluster.master.node, lambda: put(state), lambda: put("ready"), heals)


@fault
def priority_changed(director: Director, priority: int) -> Deed:
    """Another priority in the deployed keepalived.conf, taken over by a reload."""
    keepalived = director.keepalived
    return Deed(
        director.node,
        lambda: keepalived.set_priority(priority),
        keepalived.put_priority_back,
        keepalived.putting_priority_back,
    )
