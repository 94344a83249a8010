"""The cluster as topology.yaml describes it: validated, frozen, with every error's line.

Print the JSON schema for editors with ``python -m halab.topology``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from halab import address_plan, checked_file, consistency, secret_source
from halab.address_plan import mapping
from halab.errors import ConfigurationError, TopologyError
from halab.names import File, Identifier, Label, LabName, Password, Uri, User
from halab.topology_hypervisor import Hypervisors
from halab.topology_lab import Labs
from halab.topology_machine import (
    Client,
    Director,
    Gateway,
    Machine,
    RoutedClient,
    Server,
    VirtualMachine,
)
from halab.topology_part import Address, Count, Network, Part, Port, Seconds

__all__ = [
    "Client",
    "Director",
    "Gateway",
    "Machine",
    "RoutedClient",
    "Server",
    "Topology",
    "VirtualMachine",
    "Vrrp",
]


class Authentication(Part):
    """VRRP's authentication: clear text on the wire, against mistakes and not attackers.

    The password may be in a file or in the environment, see :mod:`halab.secret_source`.
    """

    auth_type: Literal["PASS", "NONE"]
    auth_pass: Password | None = None
    auth_pass_file: str | None = None
    auth_pass_env: str | None = None

    @field_validator("auth_pass")
    @classmethod
    def _whole(cls, secret: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if secret and info.data.get("auth_type") == "NONE":
            raise ValueError("has no use with auth_type NONE; remove it")
        if secret and len(secret) > 8:
            raise ValueError("longer than 8 characters, which keepalived cuts off silently")
        return secret


class Vrrp(Part):
    """``advert_int`` and ``takeover_work`` are in seconds, ``takeover_adverts`` in advert_ints."""

    instance: Identifier
    version: Literal[2, 3]
    virtual_router_id: int = Field(ge=1, le=255)
    advert_int: float = Field(ge=0.01, le=255)
    virtual_ipaddress: Address
    authentication: Authentication
    takeover_adverts: float | None = Field(default=None, gt=0)
    takeover_work: float = Field(default=0.05, ge=0, le=1)

    @field_validator("advert_int")
    @classmethod
    def _fits_the_packet(cls, seconds: float, info: ValidationInfo) -> float:
        if info.data.get("version") == 3 and seconds > 40.95:
            raise ValueError("must be at most 40.95 s in version 3 (RFC 5798 section 5.2.7)")
        return seconds


class Check(Part):
    """HAProxy's health check; ``inter`` is in seconds, ``fall`` and ``rise`` in checks."""

    port: Port
    inter: Seconds
    fall: Count
    rise: Count


class Timeouts(Part):
    """HAProxy's timeouts, in milliseconds; ``http_request`` is for a whole request to come."""

    connect: Count
    client: Count
    server: Count
    http_request: Count = 5000


class Stats(Part):
    """HAProxy's statistics page; the lab makes the password when it is left out.

    It may be in a file or in the environment, see :mod:`halab.secret_source`.
    """

    port: Port
    uri: Uri
    user: User
    password: Password | None = None
    password_file: str | None = None
    password_env: str | None = None

    @field_validator("password")
    @classmethod
    def _not_the_known_one(cls, secret: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if secret and info.data.get("user") == secret.get_secret_value() == "admin":
            raise ValueError("user and password are the well-known pair; choose another password")
        return secret


class Peers(Part):
    """HAProxy's peers section; ``port`` is the first process's, others follow."""

    name: Identifier
    port: Port


class Haproxy(Part):
    """HAProxy on both directors; frontend ports in the order of processes and threads."""

    frontend_ports: tuple[Port, ...] = Field(min_length=1, strict=False)
    backend: Identifier
    balance: Literal["roundrobin", "static-rr", "leastconn", "first", "source", "uri", "random"]
    check: Check
    timeouts_ms: Timeouts
    maxconn: Count
    stats: Stats
    peers: Peers


class Webserver(Part):
    """The web server on every VM.

    ``gwan`` is G-WAN's binary on this machine, in its own folder, for web VMs of built labs.
    """

    port: Port
    gwan: File | None = None

    @field_validator("gwan")
    @classmethod
    def _a_binary(cls, gwan: str | None) -> str | None:
        if gwan is not None and not (gwan.startswith("/") and os.access(gwan, os.X_OK)):
            raise ValueError(f"{gwan} is no program here; give the path of G-WAN's binary")
        return gwan


class Topology(Part):
    """The whole cluster; :meth:`load` is the way in, as it also checks part against part."""

    name: LabName
    network: Network
    directors: dict[Label, Director] = Field(min_length=2, max_length=2)
    vrrp: Vrrp
    vm_exceptions: dict[Label, Address] = Field(default={})
    servers: dict[Label, Server] = Field(min_length=1)
    clients: dict[Label, Client] = Field(min_length=1)
    gateways: dict[Label, Gateway] = Field(default={}, max_length=1)
    routed_clients: dict[Label, RoutedClient] = Field(default={})
    haproxy: Haproxy
    webserver: Webserver
    hypervisors: Hypervisors | None = None
    labs: Labs

    @field_validator("directors", "servers", "clients", "gateways", "routed_clients", mode="before")
    @classmethod
    def _named(cls, machines: object) -> object:
        for name, machine in mapping(machines).items():
            if isinstance(machine, dict):
                machines = {**mapping(machines), name: {**machine, "name": name}}
        return machines

    @field_validator("servers", mode="before")
    @classmethod
    def _numbered(cls, servers: object, info: ValidationInfo) -> object:
        moved: Mapping[str, IPv4Address] = info.data.get("vm_exceptions", {})
        numbered = dict(mapping(servers))
        for server, vms in address_plan.numbered_vms(numbered).items():
            made = tuple(
                VirtualMachine(name=vm, address=moved.get(vm, its_own), server=server)
                for vm, its_own in vms
            )
            numbered[server] = {**mapping(numbered, server), "vms": made}
        return numbered if isinstance(servers, dict) else servers

    @classmethod
    def load(cls, path: Path) -> Topology:
        """Read and check the file.

        Raises :class:`TopologyError` with every mistake in it and its line. A mistake in one
        part does not hide those in others; only what is not YAML at all hides what follows.
        """
        return checked_file.read(
            path,
            cls,
            consistency.findings,
            TopologyError,
            filling=secret_source.filled_in,
        )

    @property
    def vip(self) -> IPv4Address:
        """The floating address."""
        return self.vrrp.virtual_ipaddress

    @property
    def master(self) -> Director:
        """The director with the higher priority."""
        return max(self.directors.values(), key=lambda director: director.priority)

    @property
    def backup(self) -> Director:
        """The director with the lower priority."""
        return min(self.directors.values(), key=lambda director: director.priority)

    @property
    def nodes(self) -> dict[str, Director | Server | Client | Gateway | RoutedClient]:
        """Every machine with SSH by its name: those in the LAN, the gateway, those behind it."""
        return {
            **self.directors,
            **self.servers,
            **self.clients,
            **self.gateways,
            **self.routed_clients,
        }

    @property
    def gateway(self) -> Gateway | None:
        """The router into the LAN, if there is one."""
        return next(iter(self.gateways.values()), None)

    @property
    def networks(self) -> tuple[IPv4Network, ...]:
        """The LAN and, if there is one, the network behind the gateway."""
        return (self.network, *(gateway.behind.network for gateway in self.gateways.values()))

    @property
    def vms(self) -> tuple[VirtualMachine, ...]:
        """Every VM, web1 first."""
        return tuple(vm for server in self.servers.values() for vm in server.vms)

    @property
    def guests(self) -> dict[str, VirtualMachine]:
        """The guest of each hypervisor that is compared, by the hypervisor's name."""
        hosts = self.hypervisors.hosts if self.hypervisors else {}
        return {
            name: VirtualMachine(name=f"vm-{name}", address=host.address, server=host.server)
            for name, host in hosts.items()
        }

    def backends(self, vms_per_server: int, servers: int = 0) -> tuple[VirtualMachine, ...]:
        """The first ``vms_per_server`` VMs of each of the first ``servers``, in their order.

        0 servers stands for all. Raises :class:`ConfigurationError` when there are fewer servers,
        or one has fewer VMs, or less than 1 is asked of each.
        """
        if not 0 <= servers <= len(self.servers):
            raise ConfigurationError(
                f"servers={servers}: the topology has {len(self.servers)}; 0 stands for all"
            )
        chosen = list(self.servers.values())[: servers or None]
        if vms_per_server < 1:
            raise ConfigurationError(f"{vms_per_server} VMs per server: at least 1 is needed")
        for server in chosen:
            if len(server.vms) < vms_per_server:
                few = f"{server.name} has {len(server.vms)}; lower it, or widen the server's range"
                raise ConfigurationError(f"{vms_per_server} VMs per server: {few}")
        return tuple(vm for server in chosen for vm in server.vms[:vms_per_server])


if __name__ == "__main__":
    print(json.dumps(checked_file.schema_of(Topology), indent=2))
