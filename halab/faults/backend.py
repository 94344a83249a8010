"""Faults of web VMs, of their Apache, and of the servers that they run on."""

from __future__ import annotations

import shlex
from functools import partial

from halab.cluster import Cluster
from halab.faults.fault import Deed, fault
from halab.node import in_turn
from halab.topology import VirtualMachine
from halab.webserver import Apache

PREPENDED = "/run/before-each-page.php"
TABLE = "inet refusing"


@fault
def apache_killed(cluster: Cluster, vm: VirtualMachine) -> Deed:
    """The web server of a VM killed: the VM is there and refuses connections."""
    server = cluster.web_server(vm.name)
    return Deed(server.node, server.kill, server.start, server.starting)


@fault
def apache_frozen(cluster: Cluster, vm: VirtualMachine) -> Deed:
    """The web server hangs: connections are taken, checks of them pass, and nobody answers."""
    server = cluster.web_server(vm.name)
    heals = in_turn(server.thawing, server.starting)
    return Deed(server.node, server.freeze, lambda: server.node.run(heals), heals)


@fault
def answering(cluster: Cluster, vm: VirtualMachine, status: int = 500) -> Deed:
    """The web server answers every request with this status, of 400 and above."""
    apache = Apache(cluster.vm(vm.name))
    directives = f"RedirectMatch {status} .*\n"
    return Deed(
        apache.node, lambda: apache.change(directives), apache.change_back, apache.changing_back
    )


@fault
def slow(cluster: Cluster, vm: VirtualMachine, seconds: float = 1) -> Deed:
    """Each answer begins after so many seconds, for which it holds a worker, as slow PHP does."""
    apache = Apache(cluster.vm(vm.name))

    def do() -> None:
        apache.node.put(PREPENDED, f"<?php usleep({round(seconds * 1e6)});\n")
        # PHP gives pages without PHP too: each waits in a worker of its own
        apache.change(
            '<FilesMatch "\\.(html|php)$">\n    SetHandler application/x-httpd-php\n</FilesMatch>\n'
            f"php_admin_value auto_prepend_file {PREPENDED}\n"
        )

    def undo() -> None:
        apache.change_back()
        apache.node.run("rm -f %s", PREPENDED)

    return Deed(apache.node, do, undo, in_turn(apache.changing_back, f"rm -f {PREPENDED}"))


@fault
def refusing(cluster: Cluster, vm: VirtualMachine) -> Deed:
    """The web server's port closed by a rule: whatever comes to it is answered with a reset.

    Apache lives, and connections that it has are reset with their next packet.
    """
    node, server = cluster.vm(vm.name), cluster.servers[vm.server]
    closed = f"tcp dport {cluster.topology.webserver.port} counter reject with tcp reset"
    chain = f"chain closed {{ type filter hook input priority 0; {closed}; }}"
    # this nft has no destroy, which would not ask whether the table is there
    without = f"add table {TABLE}\ndelete table {TABLE}\n"
    rules = partial(cluster.hypervisor.filter, server, node)
    return Deed(
        node,
        lambda: rules(f"{without}table {TABLE} {{ {chain}\n}}\n"),
        lambda: rules(without),
        f"echo {shlex.quote(without)} | nft -f -",
    )


@fault
def vm_off(cluster: Cluster, vm: VirtualMachine) -> Deed:
    """A VM's power cut: its address falls silent."""
    server, hypervisor = cluster.servers[vm.server], cluster.hypervisor
    return Deed(
        server,
        lambda: hypervisor.power_off(server, [vm.name]),
        lambda: hypervisor.start(server, [vm]),
    )


@fault
def server_off(cluster: Cluster, server: str) -> Deed:
    """A server's power cut, and with it that of all its VMs."""

    def undo() -> None:
        cluster.lab.power_on(server)
        cluster.lab.await_nodes(server)

    return Deed(cluster.servers[server], lambda: cluster.lab.power_off(server), undo)
