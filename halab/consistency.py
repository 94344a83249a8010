"""Whether the parts of a topology agree: directors, names, ports and addresses.

Like the address plan, it reads the parts as they were written and leaves to the schema what
does not parse, so that one mistake does not hide another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeGuard

from halab import address_plan
from halab.address_plan import Finding, mapping
from halab.source_lines import Place

__all__ = ["Finding", "findings"]

_GROUPS = ("directors", "servers", "clients", "gateways", "routed_clients")


def findings(data: Mapping[str, object]) -> Iterator[Finding]:
    """Everything that is wrong between the parts of the file's ``data``."""
    yield from _directors(mapping(data, "directors"))
    yield from _names(data)
    yield from _hosts(data)
    yield from _ports(mapping(data, "haproxy"))
    yield from address_plan.findings(data)


def _directors(directors: Mapping[str, object]) -> Iterator[Finding]:
    if len(directors) != 2:
        return
    one, two = directors
    states = [mapping(directors, name).get("state") for name in directors]
    if states[0] == states[1] and states[0] in ("MASTER", "BACKUP"):
        other = "BACKUP" if states[0] == "MASTER" else "MASTER"
        message = f"{one} and {two} are both {states[0]}; make one of them {other}"
        yield ("directors", two, "state"), message
    first, second = (mapping(directors, name).get("priority") for name in directors)
    if not _whole(first) or not _whole(second):
        return
    if first == second:
        message = f"{one} and {two} both have priority {first}; give the MASTER a higher one"
        yield ("directors", two, "priority"), message
    elif set(map(str, states)) == {"MASTER", "BACKUP"}:
        higher, lower = (one, two) if first > second else (two, one)
        if mapping(directors, lower).get("state") == "MASTER":
            message = f"{lower} is the MASTER, but {higher} has the higher priority; swap them"
            yield ("directors", lower, "priority"), message


def _whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _names(data: Mapping[str, object]) -> Iterator[Finding]:
    vms = address_plan.numbered_vms(mapping(data, "servers"))
    taken = {
        name: f"a VM of {server}" for server, of_server in vms.items() for name, _ in of_server
    }
    for name in mapping(data, "hypervisors", "hosts"):
        taken[f"vm-{name}"] = f"the guest of {name}"
    for group in _GROUPS:
        for name, machine in mapping(data, group).items():
            if name in taken:
                yield (group, name), f"this name is also that of {taken[name]}; choose another"
            taken.setdefault(name, f"one of the {group.replace('_', ' ')}")
            if isinstance(machine, dict) and "name" in machine:
                yield (group, name, "name"), "unknown key; the name is the key above it; remove it"


def _hosts(data: Mapping[str, object]) -> Iterator[Finding]:
    """Servers that the hypervisors name and nobody has."""
    servers, compared = mapping(data, "servers"), mapping(data, "hypervisors")
    named: list[tuple[Place, object]] = [
        (("hypervisors", "bare_metal"), compared.get("bare_metal")),
        *(
            (
                ("hypervisors", "hosts", name, "server"),
                mapping(compared, "hosts", name).get("server"),
            )
            for name in mapping(compared, "hosts")
        ),
    ]
    uris: dict[str, str] = {}
    for name in mapping(compared, "hosts"):
        uri = mapping(compared, "hosts", name).get("uri")
        if not isinstance(uri, str):
            continue
        if uri in uris:
            yield (
                ("hypervisors", "hosts", name, "uri"),
                f"it is also that of {uris[uri]}; remove one",
            )
        uris.setdefault(uri, name)
    for place, server in named:
        if isinstance(server, str) and servers and server not in servers:
            yield place, f"there is no server {server!r}; there is {', '.join(servers)}"


def _ports(haproxy: Mapping[str, object]) -> Iterator[Finding]:
    frontends = haproxy.get("frontend_ports")
    ports: list[tuple[Place, object]] = [
        (("haproxy", "frontend_ports", index), port)
        for index, port in enumerate(frontends if isinstance(frontends, list) else ())
    ]
    ports += [
        (("haproxy", part, "port"), mapping(haproxy, part).get("port"))
        for part in ("stats", "peers")
    ]
    users: dict[int, str] = {}
    for place, port in ports:
        if not _whole(port):
            continue
        if port in users:
            yield place, f"port {port} is also that of {users[port]}; give each its own"
        users.setdefault(port, ".".join(str(step) for step in place[1:2]))
