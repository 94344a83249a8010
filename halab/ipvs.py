"""IPVS, the kernel's balancing at layer 4, as its own table tells of it on a director."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address

from halab.names import listed
from halab.node import Node
from halab.topology import VirtualMachine
from halab.wait import Condition

TABLE = "/proc/net/ip_vs"

_SERVICE = re.compile(r"TCP +([0-9A-F]{8}):([0-9A-F]{4}) (\S+)")
_SERVER = re.compile(r" +-> ([0-9A-F]{8}):([0-9A-F]{4}) +(\S+) +(\d+) +(\d+) +(\d+)")


@dataclass(frozen=True)
class Destination:
    """A real server of a service: what its packets are sent by, and its turns in a round."""

    address: IPv4Address
    port: int
    forward: str
    weight: int


@dataclass(frozen=True)
class Service:
    """A service of the table, with its scheduler and its real servers."""

    address: IPv4Address
    port: int
    scheduler: str
    destinations: tuple[Destination, ...]


def parse(text: str) -> tuple[Service, ...]:
    """The services of TCP and IPv4 (the kernel's net/netfilter/ipvs/ip_vs_ctl.c, ip_vs_info)."""
    found: list[tuple[IPv4Address, int, str, list[Destination]]] = []
    for line in text.splitlines():
        if service := _SERVICE.match(line):
            found.append((*_place(service[1], service[2]), service[3], []))
        elif (server := _SERVER.match(line)) and found:
            place = _place(server[1], server[2])
            found[-1][3].append(Destination(*place, server[3], int(server[4])))
        elif not line.startswith((" ", "Prot", "IP Virtual")):
            # of another protocol: what follows is not of TCP's last service
            found.append((IPv4Address(0), 0, "", []))
    return tuple(Service(*service[:3], tuple(service[3])) for service in found if service[2])


def _place(address: str, port: str) -> tuple[IPv4Address, int]:
    return IPv4Address(int(address, 16)), int(port, 16)


class Ipvs:
    """The table of one director's kernel."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def destinations(self, vip: IPv4Address, port: int) -> dict[IPv4Address, Destination]:
        """The real servers that get new connections, by address; none without such a service."""
        return {
            each.address: each
            for service in parse(self.node.run("cat %s", TABLE))
            if (service.address, service.port) == (vip, port)
            for each in service.destinations
            if each.weight
        }

    def sends_to(self, vip: IPv4Address, port: int, vms: Iterable[VirtualMachine]) -> Condition:
        """Every one of these VMs gets connections."""
        return self._seen(vip, port, vms, "sends to", lambda there: there)

    def sends_none_to(
        self, vip: IPv4Address, port: int, vms: Iterable[VirtualMachine]
    ) -> Condition:
        """None of these VMs gets a connection."""
        return self._seen(vip, port, vms, "sends none to", lambda there: not there)

    def _seen(
        self,
        vip: IPv4Address,
        port: int,
        vms: Iterable[VirtualMachine],
        what: str,
        is_so: Callable[[bool], bool],
    ) -> Condition:
        vms = tuple(vms)

        def not_yet() -> list[str]:
            there = self.destinations(vip, port)
            return [vm.name for vm in vms if not is_so(vm.address in there)]

        names = listed(vm.name for vm in vms)
        return Condition(
            f"{self.node.name}'s IPVS {what} {names}",
            lambda: not not_yet(),
            seen=lambda: f"not {listed(not_yet())}",
        )
