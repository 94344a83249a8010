"""Who has which IPv4 address: VM ranges, their numbering, and what clashes.

It reads the topology as it was written, part by part, so that a mistake in one part does not
hide the mistakes in another: a part that does not parse is left to the schema to report.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    NetmaskValueError,
)

from halab.source_lines import Place

Finding = tuple[Place, str]
"""A place in the topology, and what is wrong there and how to mend it."""

MOST_VMS = 1024  # on one server; a longer range is a slip of the pen
_RANGE = re.compile(r"([0-9.]+)-([0-9.]+)", re.ASCII)


@dataclass(frozen=True)
class Owner:
    """Something with an address; ``server`` is set for a VM whose address its range gives.

    ``behind`` is true in the network behind the gateway, false in the LAN.
    """

    name: str
    address: IPv4Address
    place: Place
    server: str | None = None
    behind: bool = False


def mapping(value: object, *keys: str) -> Mapping[str, object]:
    """The mapping at ``keys``, or an empty one where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def address(value: object) -> IPv4Address:
    """Take dotted text; raise ValueError for anything else, integers included."""
    if isinstance(value, IPv4Address):
        return value
    try:
        return IPv4Address(value if isinstance(value, str) else "")
    except AddressValueError:
        raise ValueError("must be an IPv4 address, such as 192.168.250.121") from None


def network(value: object) -> IPv4Network:
    """Take ``a.b.c.d/n``; raise ValueError for anything else."""
    if isinstance(value, IPv4Network):
        return value
    written = value if isinstance(value, str) and "/" in value else ""
    try:
        loose = IPv4Network(written, strict=False)
    except (AddressValueError, NetmaskValueError):
        raise ValueError("must be an IPv4 network, such as 192.168.250.0/24") from None
    if loose.network_address != IPv4Address(written.split("/")[0]):
        raise ValueError(f"is an address inside a network; write {loose}")
    return loose


def interface(value: object) -> IPv4Interface:
    """Take ``a.b.c.d/n``, a host's address with its network's prefix; raise ValueError else."""
    if isinstance(value, IPv4Interface):
        return value
    try:
        return IPv4Interface(value if isinstance(value, str) and "/" in value else "")
    except (AddressValueError, NetmaskValueError):
        raise ValueError("must be an address with its prefix, such as 198.51.100.1/24") from None


def vm_range(value: object) -> tuple[IPv4Address, ...]:
    """Expand ``192.168.250.181-188`` or ``192.168.250.181-192.168.250.188``, both ends included.

    Raises ValueError when it is no range, empty, reversed, or longer than ``MOST_VMS``.
    """
    parts = _RANGE.fullmatch(value) if isinstance(value, str) else None
    try:
        if parts is None:
            raise AddressValueError
        first = IPv4Address(parts[1])
        last = IPv4Address(
            parts[2] if "." in parts[2] else f"{parts[1].rpartition('.')[0]}.{parts[2]}"
        )
    except AddressValueError:
        raise ValueError("must be a range of addresses, such as 192.168.250.181-188") from None
    if last < first:
        raise ValueError(f"the range is reversed; write {last}-{first}")
    if int(last) - int(first) >= MOST_VMS:
        raise ValueError(f"the range has more than {MOST_VMS} VMs; shorten it")
    return tuple(IPv4Address(number) for number in range(int(first), int(last) + 1))


def numbered_vms(servers: Mapping[str, object]) -> dict[str, tuple[tuple[str, IPv4Address], ...]]:
    """Name the VMs of each server web1, web2, ... in the file's order.

    It stops at the first server whose range cannot be read: the numbers after it are not known.
    """
    vms: dict[str, tuple[tuple[str, IPv4Address], ...]] = {}
    number = 0
    for server in servers:
        try:
            addresses = vm_range(mapping(servers, server).get("vms"))
        except ValueError:
            break
        vms[server] = tuple((f"web{number + n}", vm) for n, vm in enumerate(addresses, start=1))
        number += len(addresses)
    return vms


def findings(data: Mapping[str, object]) -> Iterator[Finding]:
    """Every address that two owners claim or that is not a host's in the network."""
    servers = mapping(data, "servers")
    vms = numbered_vms(servers)
    if len(vms) == len(servers):
        known = {name for of_server in vms.values() for name, _ in of_server}
        for name in mapping(data, "vm_exceptions"):
            if name not in known:
                yield ("vm_exceptions", name), f"no such VM; the servers have {_among(known)}"
    owners = list(_owners(data, vms))
    yield from _shared(owners)
    yield from _routed(data)
    lan, behind = _lan(data), _behind(data)
    if lan:
        yield from _outside([owner for owner in owners if not owner.behind], lan)
    if behind and not (lan and lan.overlaps(behind)):
        yield from _outside([owner for owner in owners if owner.behind], behind)


def _lan(data: Mapping[str, object]) -> IPv4Network | None:
    try:
        return network(data.get("network"))
    except ValueError:
        return None


def _behind(data: Mapping[str, object]) -> IPv4Network | None:
    """The network behind the first gateway; there can be no other."""
    for name in mapping(data, "gateways"):
        try:
            return interface(mapping(data, "gateways", name).get("behind")).network
        except ValueError:
            return None
    return None


def _routed(data: Mapping[str, object]) -> Iterator[Finding]:
    """What is wrong between the LAN, the gateway and the clients behind it."""
    gateways, lan, behind = mapping(data, "gateways"), _lan(data), _behind(data)
    if mapping(data, "routed_clients") and not data.get("gateways"):
        yield ("routed_clients",), "they need a gateway to be behind; add it under gateways"
    if lan and behind and lan.overlaps(behind):
        message = f"{behind} overlaps the network {lan}; give the clients behind it another"
        yield ("gateways", next(iter(gateways)), "behind"), message


def _among(names: set[str]) -> str:
    return f"web1 to web{len(names)}" if names else "none"


def _owners(
    data: Mapping[str, object], vms: Mapping[str, tuple[tuple[str, IPv4Address], ...]]
) -> Iterator[Owner]:
    single: list[tuple[str, Place]] = []
    for group in ("directors", "servers", "clients", "gateways", "routed_clients"):
        single += [(name, (group, name, "address")) for name in mapping(data, group)]
    single.append(("the VIP", ("vrrp", "virtual_ipaddress")))
    single.append(("the operator", ("labs", "embedded", "operator")))
    hosts = mapping(data, "hypervisors", "hosts")
    single += [(f"vm-{name}", ("hypervisors", "hosts", name, "address")) for name in hosts]
    exceptions = mapping(data, "vm_exceptions")
    single += [(name, ("vm_exceptions", name)) for name in exceptions]
    for name, place in single:
        *above, last = (str(step) for step in place)
        try:
            its_own = address(mapping(data, *above).get(last))
            yield Owner(name, its_own, place, behind=place[0] == "routed_clients")
        except ValueError:
            continue
    for name in mapping(data, "gateways"):
        try:
            beyond = interface(mapping(data, "gateways", name).get("behind"))
            yield Owner(name, beyond.ip, ("gateways", name, "behind"), behind=True)
        except ValueError:
            continue
    servers = mapping(data, "servers")
    for server in servers:
        try:
            addresses = vm_range(mapping(servers, server).get("vms"))
        except ValueError:
            continue
        unnamed = tuple((f"a VM of {server}", vm) for vm in addresses)
        for name, vm in vms.get(server, unnamed):
            if name not in exceptions:
                yield Owner(name, vm, ("servers", server, "vms"), server)


def _shared(owners: list[Owner]) -> Iterator[Finding]:
    first: dict[IPv4Address, Owner] = {}
    overlaps: dict[tuple[str, str], list[IPv4Address]] = defaultdict(list)
    for owner in owners:
        other = first.setdefault(owner.address, owner)
        if other is owner:
            continue
        if owner.server and other.server:
            overlaps[other.server, owner.server].append(owner.address)
        else:
            both = f"both {other.name} and {owner.name}"
            yield owner.place, f"{owner.address} belongs to {both}; give one of them another"
    for (earlier, later), addresses in overlaps.items():
        message = f"the VM ranges of {earlier} and {later} overlap at {_span(addresses)}"
        yield ("servers", later, "vms"), f"{message}; an address can have one owner"


def _outside(owners: list[Owner], inside: IPv4Network) -> Iterator[Finding]:
    stray: dict[tuple[str, Place], list[IPv4Address]] = defaultdict(list)
    for owner in owners:
        if owner.address not in inside:
            stray[f"outside the network {inside}", owner.place].append(owner.address)
        elif owner.address == inside.network_address:
            stray[f"the address of the network {inside} itself", owner.place].append(owner.address)
        elif owner.address == inside.broadcast_address:
            stray[f"the broadcast address of {inside}", owner.place].append(owner.address)
    for (where, place), addresses in stray.items():
        yield place, f"{_span(addresses)} is {where}; give a host's address in it"


def _span(addresses: list[IPv4Address]) -> str:
    first, last = min(addresses), max(addresses)
    return str(first) if first == last else f"{first}-{last}"
