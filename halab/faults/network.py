"""Faults of NICs, cables and the LAN. What is lost on the wire is lost at the switch."""

from __future__ import annotations

import shlex
from functools import partial
from ipaddress import IPv4Address

from halab import wait, webserver
from halab.client import Client
from halab.cluster import Cluster
from halab.director import Director
from halab.faults.fault import Deed, fault
from halab.lab.switch import Loss
from halab.node import Node, each, in_turn

NIC_DOWN = "halab-nic-down"
NIC_DOWN_SCRIPT = f"/run/{NIC_DOWN}"
# $1: the NIC, $2: seconds until it comes up by itself. Whatever ends the script brings it up, with
# the routes that the kernel forgot, and is let do so: systemd ends what it forks meanwhile too.
_DOWN = """#!/bin/sh
routes=$(ip -4 route show dev "$1")
up() {
    trap '' TERM
    ip link set "$1" up
    echo "$routes" | while read -r route; do
        [ -z "$route" ] || ip route replace $route dev "$1"
    done
}
trap 'exit 0' TERM
trap 'up "$1"' EXIT
sleep 0.1 # the answer to the command that started this leaves by the same NIC
ip link set "$1" down
sleep "$2" &
wait
"""

# A gratuitous ARP, request and reply, from $1's own MAC for the address $2 (RFC 5944 section 4.6).
_ANNOUNCE = """
import ipaddress, pathlib, socket, sys
nic, address = sys.argv[1], ipaddress.IPv4Address(sys.argv[2]).packed
mac = bytes.fromhex(pathlib.Path(f"/sys/class/net/{nic}/address").read_text().replace(":", ""))
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind((nic, 0))
for operation in (1, 2):
    head = bytes.fromhex("0806 0001 0800 06 04") + operation.to_bytes(2, "big")
    wire.send(b"\\xff" * 6 + mac + head + mac + address + b"\\xff" * 6 + address)
"""


@fault
def nic_down(cluster: Cluster, director: Director) -> Deed:
    """The director's NIC down, by the director itself, which sees it and loses its routes.

    It comes up by itself after the lab's ``nic_down_lasts``, for nobody can reach the director to
    tell it. A built lab's containers are reached from outside; any other director is waited for.
    """
    node, lab = director.node, cluster.lab
    longest = lab.nic_down_lasts

    def do() -> None:
        node.put(NIC_DOWN_SCRIPT, _DOWN, 0o755)
        script = f"{NIC_DOWN_SCRIPT} {shlex.quote(node.nic)} {longest:g}"
        node.run("sh -c %s", f"systemd-run --quiet --collect --unit={NIC_DOWN} {script}")
        _await_silence(node)

    def undo() -> None:
        lab.nic_up(node.name)
        wait.until(
            lambda: webserver.accepts(node.address, 22),
            what=f"{node.name} is reached again",
            within=longest + 10,
        )
        node.run(heals)

    # its end puts the routes back; one that just ends by itself is not there to be stopped
    heals = in_turn(
        f"systemctl stop {NIC_DOWN} 2>/dev/null; ! systemctl --quiet is-active {NIC_DOWN}",
        f"rm -f {NIC_DOWN_SCRIPT}",
    )
    return Deed(node, do, undo, heals)


def _await_silence(node: Node) -> None:
    """Wait until the node is not reached any more, and forget the connection that hangs."""
    wait.until(
        lambda: not webserver.accepts(node.address, 22, within=0.1),
        what=f"{node.name} is not reached any more",
        within=5,
        every=0.01,
    )
    node.close()


@fault
def port_down(cluster: Cluster, director: Director) -> Deed:
    """The director's cables without carrier, at the switch: its NIC is up and has NO-CARRIER."""
    name = director.name

    def do() -> None:
        cluster.lab.port_down(name)
        director.node.close()

    def undo() -> None:
        cluster.lab.port_up(name)
        cluster.lab.await_nodes(name)

    return Deed(director.node, do, undo)


@fault
def cable_out(cluster: Cluster, director: Director, cable: int) -> Deed:
    """One cable, of that number, of a director that has several without carrier, at the switch."""
    lab, name = cluster.lab, director.name
    return Deed(
        director.node, partial(lab.port_down, name, cable), partial(lab.port_up, name, cable)
    )


def _lost(cluster: Cluster, node: Node, *losses: Loss) -> Deed:
    lab = cluster.lab
    return Deed(node, partial(lab.lose, *losses), partial(lab.lose_no_more, *losses))


@fault
def cut_off(cluster: Cluster) -> Deed:
    """The directors cut off from each other, and from nobody else."""
    master, backup = cluster.master, cluster.backup
    there, back = Loss(master.name, backup.name), Loss(backup.name, master.name)
    return _lost(cluster, backup.node, there, back)


@fault
def deaf_to(cluster: Cluster, director: Director, other: Director) -> Deed:
    """The director gets nothing from the other, which gets all from it."""
    return _lost(cluster, director.node, Loss(other.name, director.name))


@fault
def adverts_lost(cluster: Cluster, percent: int = 30) -> Deed:
    """So many of the MASTER's adverts, chosen at random, do not come to the BACKUP."""
    loss = Loss(cluster.master.name, cluster.backup.name, "vrrp", percent)
    return _lost(cluster, cluster.backup.node, loss)


@fault
def adverts_lost_in_a_row(cluster: Cluster, number: int) -> Deed:
    """The next so many of the MASTER's adverts do not come to the BACKUP; all after them do."""
    loss = Loss(cluster.master.name, cluster.backup.name, "vrrp", first=number)
    return _lost(cluster, cluster.backup.node, loss)


@fault
def duplicate_vip(cluster: Cluster, client: Client, *, announced: bool) -> Deed:
    """The VIP on a client too, which tells the LAN if it is ``announced``.

    keepalived defends nothing: its garp_master_refresh is 0 unless configured, and neighbours keep
    the client's MAC until their entry grows stale. So the undoing has whoever holds the VIP
    announce it, as an operator would with arping.
    """
    node, vip = client.node, cluster.vip

    def do() -> None:
        node.run("ip address replace %s dev %s", f"{vip}/32", node.nic)
        if announced:
            announce(node, vip)

    def undo() -> None:
        node.run(heals)
        each((holder.node for holder in cluster.holders()), lambda holder: announce(holder, vip))

    heals = (
        f"! ip -4 -o address show dev {node.nic} to {vip}/32 | grep -q . || "
        f"ip address del {vip}/32 dev {node.nic}"
    )
    return Deed(node, do, undo, heals)


def announce(node: Node, address: IPv4Address) -> None:
    """Have the node tell its LAN that the address is its own."""
    node.run("python3 - %s %s", node.nic, str(address), stdin=_ANNOUNCE)
