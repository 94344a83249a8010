"""The machines of topology.yaml: directors, servers with their VMs, clients and gateways."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from halab import address_plan
from halab.names import Nic
from halab.topology_part import Address, Interface, Part


def _readable(vms: object) -> object:
    """Report the range that the numbering of the VMs could not take, or stopped before."""
    return vms if isinstance(vms, tuple) else address_plan.vm_range(vms)[:0]


class Machine(Part):
    """A node with SSH; its name is its key in the file."""

    name: SkipJsonSchema[str]
    address: Address
    nic: Nic = "eth0"


class Director(Machine):
    """HAProxy and keepalived. Priority 255 is the address owner's (RFC 5798 section 5.2.4)."""

    state: Literal["MASTER", "BACKUP"]
    priority: int = Field(ge=1, le=254)


class VirtualMachine(Part):
    """A web VM, and the server that hosts it."""

    name: str
    address: Address
    server: str


class Server(Machine):
    """A host of web VMs, which the file gives as a range of addresses."""

    vms: Annotated[
        tuple[VirtualMachine, ...],
        BeforeValidator(_readable),
        WithJsonSchema(
            {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+){3}-[0-9]+(\.[0-9]+){0,3}$"}
        ),
    ]


class Client(Machine):
    """A generator of load."""


class Gateway(Machine):
    """A router into the LAN: ``address`` is there, ``behind`` in the network on its other side."""

    behind: Interface


class RoutedClient(Machine):
    """A client in the network behind the gateway, which has the router's ARP entry for the VIP."""
