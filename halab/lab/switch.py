"""The lab's switch: a bridge in a namespace of its own, with a port for each machine.

A machine's cable is a veth pair: ``eth0`` in the machine, and at the switch a port that has
the machine's name.
"""

from __future__ import annotations

import ipaddress
import subprocess

from halab.errors import LabError

BRIDGE = "lan"


def ip(*commands: str, netns: str | None = None) -> None:
    """Run ``ip`` with these commands as one batch, here or in the named namespace."""
    argv = ["ip", *(("-n", netns) if netns else ()), "-batch", "-"]
    done = subprocess.run(argv, input="\n".join(commands), text=True, capture_output=True)
    if done.returncode != 0:
        raise LabError(f"ip: {done.stderr.strip()}; commands: {'; '.join(commands)}")


def mac(address: ipaddress.IPv4Address) -> str:
    """A locally administered MAC that follows from the address, so that it survives a reboot."""
    return "02:00:" + ":".join(f"{octet:02x}" for octet in address.packed)


def set_up() -> None:
    """Make the bridge; multicast (VRRP's 224.0.0.18) goes to every port."""
    ip(
        "link set lo up",
        f"link add {BRIDGE} type bridge mcast_snooping 0 forward_delay 0",
        f"link set {BRIDGE} up",
    )


def plug(machine: str, address: ipaddress.IPv4Interface, *, bridged: bool = False) -> None:
    """Make the machine's network namespace and lay a cable from the switch to its ``eth0``.

    ``bridged`` puts eth0 into a bridge ``br0`` that carries the address, as on a host of
    virtual machines.
    """
    hardware = mac(address.ip)
    ip(
        f"netns add {machine}",
        f"link add {machine} type veth peer name eth0 address {hardware} netns {machine}",
        f"link set {machine} master {BRIDGE} up",
    )
    owner = "br0" if bridged else "eth0"
    inside = ["link set lo up"]
    if bridged:
        inside += [
            f"link add br0 address {hardware} type bridge mcast_snooping 0 forward_delay 0",
            "link set eth0 master br0 up",
        ]
    inside += [f"address add {address} broadcast + dev {owner}", f"link set {owner} up"]
    ip(*inside, netns=machine)


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
