"""The lab's switches: bridges in a namespace of their own, with a port for each machine.

One is the LAN; the other the network behind the gateway, which has a port at both.

A machine's cable is a veth pair: ``eth0`` in the machine, and at the switch a port that has
the machine's name. An emulated machine's port is a tap, whose other end QEMU holds.
"""

from __future__ import annotations

import ipaddress
import subprocess
from typing import NamedTuple

from halab.errors import LabError

LAN, BEHIND = "lan", "behind"

ROUTER_PORT = "router.behind"
"""The gateway's port at the switch behind it; no machine can have such a name."""


# A cable has one queue in any case. Untold, the kernel makes one for each CPU and takes them away
# again, and waits for an RCU grace period meanwhile with the lock that every change of an address
# in any namespace needs (veth_init_queues in drivers/net/veth.c): on a busy machine a director's
# keepalived, which had just become MASTER, got its VIP up to 0.7 s late.
ONE_QUEUE = "numtxqueues 1 numrxqueues 1"

_NEVER_AGAIN = 1 << 31  # frames after which the first ones' turn would come again


class Route(NamedTuple):
    """A network, and the address of the router to it."""

    network: str
    via: str


class Loss(NamedTuple):
    """Frames from one machine's port to another's that the switch loses.

    ``protocol`` is an IP protocol as nft names it, or empty for every frame; ``percent`` of them,
    chosen at random, are lost, or else the ``first`` so many and none after them.
    """

    source: str
    target: str
    protocol: str = ""
    percent: int = 100
    first: int = 0

    @property
    def table(self) -> str:
        """The name of the nft table that has the rule: the same for the same loss."""
        many = f"first_{self.first}" if self.first else str(self.percent)
        words = (self.source, self.target, self.protocol or "all", many)
        return "_".join(("lose", *words)).replace("-", "_")

    @property
    def rule(self) -> str:
        """The nft rule in the bridge's forward hook, which a frame passes once for each port."""
        which = f"ether type ip ip protocol {self.protocol}" if self.protocol else ""
        many = f"numgen random mod 100 < {self.percent}" if self.percent < 100 else ""
        if self.first:
            many = f"numgen inc mod {_NEVER_AGAIN} < {self.first}"
        words = (f'iifname "{self.source}" oifname "{self.target}"', which, many)
        return " ".join((*filter(None, words), "counter drop"))

    @property
    def definition(self) -> str:
        """The table with the rule, as nft reads it."""
        chain = f"chain f {{ type filter hook forward priority 0; {self.rule}; }}"
        return f"table bridge {self.table} {{ {chain}\n}}"


def ip(*commands: str, netns: str | None = None) -> None:
    """Run ``ip`` with these commands as one batch, here or in the named namespace."""
    argv = ["ip", *(("-n", netns) if netns else ()), "-batch", "-"]
    done = subprocess.run(argv, input="\n".join(commands), text=True, capture_output=True)
    if done.returncode != 0:
        raise LabError(f"ip: {done.stderr.strip()}; commands: {'; '.join(commands)}")


def mac(address: ipaddress.IPv4Address) -> str:
    """A locally administered MAC that follows from the address, so that it survives a reboot."""
    return "02:00:" + ":".join(f"{octet:02x}" for octet in address.packed)


def second_port(machine: str) -> str:
    """The port of a machine's second cable; no machine can have such a name."""
    return f"{machine}.2"


def second_mac(address: ipaddress.IPv4Address) -> str:
    """And the MAC of the NIC there, as :func:`mac`."""
    return "02:01:" + mac(address)[6:]


def set_up() -> None:
    """Make the bridges; multicast (VRRP's 224.0.0.18) goes to every port."""
    ip(
        "link set lo up",
        *(
            line
            for bridge in (LAN, BEHIND)
            for line in (
                f"link add {bridge} type bridge mcast_snooping 0 forward_delay 0",
                f"link set {bridge} up",
            )
        ),
    )


def plug(
    machine: str,
    address: ipaddress.IPv4Interface,
    *,
    lan: str = LAN,
    routes: tuple[Route, ...] = (),
    bridged: bool = False,
) -> None:
    """Make the machine's network namespace and lay a cable from the switch ``lan`` to its ``eth0``.

    ``bridged`` puts eth0 into a bridge ``br0`` that carries the address, as on a host of
    virtual machines.
    """
    hardware = mac(address.ip)
    ip(
        f"netns add {machine}",
        f"link add {machine} {ONE_QUEUE} type veth"
        f" peer name eth0 address {hardware} {ONE_QUEUE} netns {machine}",
        f"link set {machine} master {lan} up",
    )
    owner = "br0" if bridged else "eth0"
    inside = ["link set lo up"]
    if bridged:
        inside += [
            f"link add br0 address {hardware} type bridge mcast_snooping 0 forward_delay 0",
            "link set eth0 master br0 up",
        ]
    inside += [f"address add {address} broadcast + dev {owner}", f"link set {owner} up"]
    inside += [f"route add {route.network} via {route.via}" for route in routes]
    ip(*inside, netns=machine)


def plug_router(machine: str, address: ipaddress.IPv4Interface) -> None:
    """Lay a plugged machine's second cable, to the switch behind it, and have it forward.

    It does so before it has booted: a packet that it dropped then would be sent again 1 s later.
    """
    far = f"name eth1 address {mac(address.ip)} {ONE_QUEUE} netns {machine}"
    ip(
        f"link add {ROUTER_PORT} {ONE_QUEUE} type veth peer {far}",
        f"link set {ROUTER_PORT} master {BEHIND} up",
    )
    ip(f"address add {address} broadcast + dev eth1", "link set eth1 up", netns=machine)
    forward = "echo 1 > /proc/sys/net/ipv4/ip_forward"
    # not ip netns exec, which would mount a /sys anew
    command = ["nsenter", f"--net=/run/netns/{machine}", "sh", "-c", forward]
    done = subprocess.run(command, text=True, capture_output=True)
    if done.returncode != 0:
        raise LabError(f"{machine} cannot be made a router: {done.stderr.strip()}")


def plug_tap(port: str, queues: int = 1) -> None:
    """Make a port of a machine that QEMU emulates, whose NIC has so many queues.

    With several, a flow's packets go to the queue that last sent any of it, and a new flow's to
    one by the hash of its addresses and ports (tun_automq_select_queue in drivers/net/tun.c).
    """
    mode = "tap multi_queue" if queues > 1 else "tap"
    ip(f"tuntap add {port} mode {mode}", f"link set {port} master {LAN} up")


def port_up(port: str) -> None:
    """Give the port its carrier."""
    ip(f"link set {port} up")


def port_down(port: str) -> None:
    """Take the carrier from the port: the machine sees NO-CARRIER, and nothing passes."""
    ip(f"link set {port} down")


def unplug(port: str) -> None:
    """Take the cable out: silent at once in both directions."""
    ip(f"link delete {port}")


def forget(machine: str) -> None:
    """Drop the namespace of a machine whose processes have ended."""
    ip(f"netns delete {machine}")


def lose(*losses: Loss) -> None:
    """Lose these frames from now on; telling it twice loses no more of them."""
    _nft(*map(_without, losses), *(loss.definition for loss in losses))


def lose_no_more(*losses: Loss) -> None:
    """Lose these frames no more; telling it twice does no harm."""
    _nft(*map(_without, losses))


def _without(loss: Loss) -> str:
    # this nft has no destroy, which would not ask whether the table is there
    return f"add table bridge {loss.table}\ndelete table bridge {loss.table}"


def _nft(*commands: str) -> None:
    """Run these commands as one transaction: all of them hold from the same moment on, or none."""
    told = "\n".join(commands)
    done = subprocess.run(["nft", "-f", "-"], input=told, text=True, capture_output=True)
    if done.returncode != 0:
        raise LabError(f"nft: {done.stderr.strip()}; commands: {told}")
