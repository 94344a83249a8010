"""A lab's plan: what its machines are made of, and the state folder that is laid out for them."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import secrets
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict

from halab.errors import LabError
from halab.lab import cgroup, rack, switch
from halab.lab.hosting import GUESTS, Hosting
from halab.lab.keys import KeyPair
from halab.lab.machine import Blueprint
from halab.lab.qemu import Emulation
from halab.lab.switch import Route
from halab.redaction import remember
from halab.topology import Director, Gateway, RoutedClient, Server, Topology
from halab.topology import Machine as Described

DIRECTORS_WEIGHT = 10 * cgroup.WEIGHT
"""A director of the cluster that this one stands for shares its CPUs with no web VM."""


class Cabling(TypedDict):
    """What of a :class:`Blueprint` says how the machine is connected."""

    address: ipaddress.IPv4Interface
    lan: str
    routes: tuple[Route, ...]
    behind: ipaddress.IPv4Interface | None


@dataclass(frozen=True)
class Secrets:
    """The passwords of one lab, which its nodes' configurations need. Never shown."""

    vrrp: str
    stats: str

    def __post_init__(self) -> None:
        remember(self.vrrp)
        remember(self.stats)

    def __repr__(self) -> str:
        return "Secrets(…)"

    def fit(self, topology: Topology) -> bool:
        """False when the topology names another password than the lab was built with."""
        vrrp, stats = topology.vrrp.authentication.auth_pass, topology.haproxy.stats.password
        return all(
            named is None or named.get_secret_value() == ours
            for named, ours in ((vrrp, self.vrrp), (stats, self.stats))
        )

    @classmethod
    def given(cls, topology: Topology) -> Secrets:
        """The topology's passwords, empty where it has none: real machines have theirs already."""
        vrrp, stats = topology.vrrp.authentication.auth_pass, topology.haproxy.stats.password
        return cls(
            vrrp=vrrp.get_secret_value() if vrrp else "",
            stats=stats.get_secret_value() if stats else "",
        )

    @classmethod
    def of(cls, topology: Topology) -> Secrets:
        """The topology's passwords, or new ones where it has none."""
        given = cls.given(topology)
        return cls(given.vrrp or secrets.token_hex(4), given.stats or secrets.token_urlsafe(16))


def fingerprint(topology: Topology) -> str:
    """What tells a standing lab's topology from another: 12 hex digits; no secret enters them."""
    return hashlib.sha256(topology.model_dump_json().encode()).hexdigest()[:12]


def require_this_machine() -> None:
    """Raises :class:`LabError` that names what this machine lacks for a lab."""
    if os.geteuid() != 0:
        raise LabError("the embedded lab needs root: run it with sudo")
    if shutil.which("systemd-nspawn") is None:
        raise LabError("systemd-nspawn is missing: apt-get install systemd-container, or ./run")
    if not Path("/proc/self/ns/net").exists():
        raise LabError("this kernel has no network namespaces (CONFIG_NET_NS)")


def prepare(
    topology: Topology,
    name: str,
    kind: str,
    disk: Path,
    standing: bool,
    emulation: Emulation | None = None,
    hosting: Hosting | None = None,
    *,
    guests: str = GUESTS[0],
    web_disk: Path | None = None,
) -> dict[str, Any]:
    """Lay out the lab's state folder, with new keys, and give the rack's plan.

    ``disk`` is the folder of the node image, and ``web_disk`` that of light web VMs, if they have
    another; ``guests`` is what web VMs are, ``emulation`` what makes the directors, if they are
    not made of the same; ``hosting`` what servers need for web VMs that are libvirt guests, and
    not containers. Everything that is written is this user's alone.
    """
    operator = (_operator(topology), topology.network.prefixlen)
    state = rack.state(name)
    state.mkdir(mode=0o700)
    key = KeyPair.generate()
    vm_hostkey = KeyPair.generate()
    guest_vms = (*topology.vms, *topology.guests.values())
    known = [f"{vm.address} {vm_hostkey.public}\n" for vm in guest_vms]
    machines = []
    for machine in topology.nodes.values():
        hostkey = KeyPair.generate()
        known.append(f"{machine.address} {hostkey.public}\n")
        files = (
            ("/etc/ssh/ssh_host_ed25519_key", hostkey.private, 0o600),
            ("/root/.ssh/authorized_keys", key.public + "\n", 0o600),
            ("/etc/hostname", machine.name + "\n", 0o644),
        )
        blueprint = Blueprint(
            name=machine.name,
            **_cabling(topology, machine),
            files=files,
            emulation=emulation if isinstance(machine, Director) else None,
            queues=topology.labs.emulated.queues,
            nics=topology.labs.emulated.nics,
            cpu_weight=_cpu_weight(machine),
        )
        if isinstance(machine, Server):
            gwan = topology.webserver.gwan
            blueprint = _with_web_vms(blueprint, vm_hostkey, web_disk or disk, hosting, gwan)
        machines.append(blueprint)
    _private(state / "id_ed25519", key.private)
    _private(state / "known_hosts", "".join(known))
    made = Secrets.of(topology)
    _private(state / "secrets.json", json.dumps({"vrrp": made.vrrp, "stats": made.stats}))
    facts = {
        "kind": kind,
        "topology": fingerprint(topology),
        "standing": standing,
        "owner": os.getpid(),
        "guests": guests,
        "accelerator": hosting.accelerator if hosting else None,
        "directors_accelerator": emulation.accelerator if emulation else None,
    }
    _private(state / "lab.json", json.dumps(facts))
    return {
        "lab": name,
        "image": str(disk),
        "operator": str(ipaddress.IPv4Interface(operator)),
        "routes": _routes(topology),
        "machines": [rack.encode(machine) for machine in machines],
    }


def _with_web_vms(
    server: Blueprint, hostkey: KeyPair, disk: Path, hosting: Hosting | None, gwan: str | None
) -> Blueprint:
    """A server with what its VMs are made of: light ones share a disk and a host key.

    They have all that is below the server's /srv/www: G-WAN's folder too, where it is named, and
    their pages are the files there without a dot.
    """
    gwans = ((str(Path(gwan).parent), "/srv/www/.gwan"),) if gwan else ()
    server = replace(
        server,
        bridged=True,
        files=(*server.files, ("/srv/ssh/ssh_host_ed25519_key", hostkey.private, 0o600)),
        binds=((str(disk), "/srv/image"), *gwans),
    )
    if hosting is None:
        return server
    return replace(
        server,
        files=(*server.files, *hosting.files),
        binds=(*server.binds, *hosting.binds),
        image=hosting.hypervisor,
        devices=hosting.devices,
    )


def _cpu_weight(machine: Described) -> int | None:
    """Its part of CPU time that is short: clients have none, their probers' priority is higher."""
    if isinstance(machine, Director):
        return DIRECTORS_WEIGHT
    return cgroup.WEIGHT if isinstance(machine, Server) else None


def _operator(topology: Topology) -> ipaddress.IPv4Address:
    """The address from which tests speak in a built lab."""
    if topology.labs.embedded is None:
        raise LabError(
            f"the topology {topology.name!r} has no labs.embedded, which a lab on this machine "
            "needs: add its operator's address, or run with --lab=remote"
        )
    return topology.labs.embedded.operator


def _cabling(topology: Topology, machine: Described) -> Cabling:
    """How a machine is connected: addresses, switch and routes."""
    address = ipaddress.IPv4Interface((machine.address, topology.network.prefixlen))
    gateway = topology.gateway
    if gateway and isinstance(machine, RoutedClient):
        far = gateway.behind
        return {
            "address": ipaddress.IPv4Interface((machine.address, far.network.prefixlen)),
            "lan": switch.BEHIND,
            # to the LAN and no farther: there is no default route in a lab
            "routes": (Route(str(topology.network), str(far.ip)),),
            "behind": None,
        }
    at_the_gateway = isinstance(machine, Gateway)
    return {
        "address": address,
        "lan": switch.LAN,
        "routes": () if at_the_gateway else _routes(topology),
        "behind": gateway.behind if gateway and at_the_gateway else None,
    }


def _routes(topology: Topology) -> tuple[Route, ...]:
    """The routes of whoever is in the LAN: to the network behind the gateway, through it."""
    gateway = topology.gateway
    return (Route(str(gateway.behind.network), str(gateway.address)),) if gateway else ()


def _private(path: Path, content: str) -> None:
    with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
