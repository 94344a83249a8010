"""A LAN that is not as it should be: cables, firewalls, ARP tables, a VIP too many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest import mock

from halab.cluster import Cluster
from halab.director import Director
from halab.faults import cable_out
from halab.faults.network import announce
from halab.lab.embedded import EmbeddedLab
from halab.lab.switch import Loss
from halab.node import Node
from halab.wait import Condition
from tests.mutations.breakage.node import Break, done, hard_wired, meanwhile, nft


@contextmanager
def cable_out_before(cluster: Cluster, director: Director, cable: int) -> Iterator[None]:
    """One cable of a director is out already, and its bond knows."""
    port = f"port{cable}"
    with cable_out(cluster, director, cable):
        Condition(f"{port} has no carrier", lambda: not director.bond.state().ports[port]).until(
            within=10
        )
        yield


def second_port_closed_at_first(director: Director) -> Break:
    """What a bond sends by its second port is dropped for two seconds from the first frame on."""
    table, chain = "netdev mutation", "type filter hook egress device port2 priority 0"
    return meanwhile(
        director.node,
        "until grep -q 'Active Slave: port2' /proc/net/bonding/eth0; do sleep 0.02; done; "
        f"nft 'add table {table}; add chain {table} c {{ {chain}; policy drop; }}'; sleep 2; "
        f"nft delete table {table}",
        f"nft delete table {table} 2>/dev/null; true",
    )


@contextmanager
def lost_both_ways(cluster: Cluster) -> Iterator[None]:
    """What the switch is told to lose one way is lost the other way too, as by a broken cable.

    Clients that are with the BACKUP by then would stay with it: they are told of the MASTER.
    """
    lose, lose_no_more = EmbeddedLab.lose, EmbeddedLab.lose_no_more
    lost: list[tuple[EmbeddedLab, Loss]] = []

    def both(lab: EmbeddedLab, loss: Loss) -> None:
        back = loss._replace(source=loss.target, target=loss.source)
        lose(lab, loss, back)
        lost.append((lab, back))

    try:
        with mock.patch.object(EmbeddedLab, "lose", both):
            yield
    finally:
        for lab, back in lost:
            lose_no_more(lab, back)
        cluster.vip_on(cluster.master).until(within=30)
        announce(cluster.master.node, cluster.vip)


def barred_from_the_backup(cluster: Cluster, client: Node) -> Break:
    """A firewall on the BACKUP that lets this client to no HAProxy."""
    return nft(cluster.backup.node, "ip", "input", f"ip saddr {client.address} tcp dport 8081 drop")


def deaf_to_the_master(cluster: Cluster) -> Break:
    """A client that takes no MAC unasked from the MASTER, and from anybody else it does."""
    gratuitous = f"arp saddr ip {cluster.vip} arp daddr ip {cluster.vip}"
    rule = f"arp saddr ether {cluster.master.mac()} {gratuitous} drop"
    return nft(cluster.first_client.node, "arp", "input", rule)


def first_connections_lost(cluster: Cluster) -> Break:
    """The first connections of a client are lost on the way, about fifteen."""
    source = f"ip saddr {cluster.first_client.node.address} tcp dport 8081-8084"
    return nft(cluster.master.node, "ip", "input", f"{source} quota until 900 bytes drop")


def without_gratuitous_arp(cluster: Cluster, director: Director) -> Break:
    """A director that takes the VIP and tells nobody: sender and target are the VIP itself.

    keepalived sends it from a packet socket, which only the egress hook sees.
    """
    hook = f"egress device {director.node.nic}"
    gratuitous = f"arp saddr ip {cluster.vip} arp daddr ip {cluster.vip}"
    return nft(director.node, "netdev", hook, f"{gratuitous} drop")


def gateway(cluster: Cluster) -> Node:
    """The router into the LAN, which a lab that is to be broken has."""
    assert cluster.gateway is not None, "the topology has no gateways"
    return cluster.gateway.node


def gateway_deaf_to_gratuitous_arp(cluster: Cluster) -> Break:
    """A router that takes no MAC unasked, as some are set up against ARP spoofing."""
    gratuitous = f"arp saddr ip {cluster.vip} arp daddr ip {cluster.vip}"
    return nft(gateway(cluster), "arp", "input", f"{gratuitous} drop")


@contextmanager
def client_on_the_backup(cluster: Cluster) -> Iterator[None]:
    """A client that speaks to the BACKUP, which answers it: the MASTER's is not the only path."""
    vip, client, backup = cluster.vip, cluster.first_client.node, cluster.backup
    mac = client.run("cat -- %s", f"/sys/class/net/{client.nic}/address").strip()
    with (
        # it would ask for the client in the VIP's name, which it may not say
        hard_wired(backup.node, str(client.address), mac),
        done(backup.node, f"ip addr add {vip}/32 dev lo", f"ip addr del {vip}/32 dev lo"),
        nft(backup.node, "arp", "output", f"arp saddr ip {vip} drop"),
        hard_wired(client, str(vip), backup.mac()),
    ):
        yield


@contextmanager
def clients_on_the_master(cluster: Cluster) -> Iterator[None]:
    """The VIP stays on the MASTER's lo, and every client has its MAC for good."""
    vip, master = cluster.vip, cluster.master
    with ExitStack() as undo:
        put, gone = (f"ip addr {verb} {vip}/32 dev lo" for verb in ("add", "del"))
        undo.enter_context(done(master.node, put, gone))
        for client in cluster.clients.values():
            undo.enter_context(hard_wired(client, str(vip), master.mac()))
        yield


@contextmanager
def unnoticed_by_a_client(cluster: Cluster, break_: Break) -> Iterator[None]:
    """Something is wrong with the VIP, and the probing client speaks to the MASTER all the same."""
    with hard_wired(cluster.first_client.node, str(cluster.vip), cluster.master.mac()), break_:
        yield


def vip_too_on(cluster: Cluster, node: Node) -> Break:
    """The VIP on the NIC of a node that should not have it."""
    address = f"{cluster.vip}/32 dev {node.nic}"
    return done(node, f"ip address add {address}", f"ip address del {address}")


def tells_when_it_has_the_vip(cluster: Cluster, node: Node) -> Break:
    """A node whose kernel announces all its addresses as soon as the VIP is one of them."""
    notify, nic = f"sysctl -q -w net.ipv4.conf.{node.nic}.arp_notify=", node.nic
    return meanwhile(
        node,
        f"{notify}1; until ip -4 -o address show dev {nic} | grep -q {cluster.vip}; do sleep 0.05; "
        f"done; ip link set dev {nic} address $(cat /sys/class/net/{nic}/address)",
        f"{notify}0",
    )


def mute_for_the_vip(cluster: Cluster, director: Director) -> Break:
    """A director whose ARP never says that it has the VIP."""
    return nft(director.node, "arp", "output", f"arp saddr ip {cluster.vip} drop")


@contextmanager
def stranger_cut_off(cluster: Cluster) -> Iterator[None]:
    """The second client's VRRP does not get to the last one, which watches the LAN."""
    _, stranger, *_, watcher = cluster.clients
    loss = Loss(stranger, watcher, "vrrp")
    try:
        cluster.lab.lose(loss)
        yield
    finally:
        cluster.lab.lose_no_more(loss)
