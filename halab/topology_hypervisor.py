"""The hypervisors that are compared: the same guest under each of them, beside a host by itself."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator
from pydantic.json_schema import SkipJsonSchema

from halab.address_plan import mapping
from halab.names import File, HostName, Label, Nic
from halab.topology_part import Address, Count, Part


class GuestShape(Part):
    """What each guest is made with, section 3.2's by default; ``memory`` is in MiB.

    Its NIC is a port of the host's ``bridge``, so that no address is translated.
    """

    vcpus: Count = 4
    memory: int = Field(default=2048, ge=256)
    bridge: Nic = "br0"


class HypervisorHost(Part):
    """A hypervisor by its libvirt URI, on one of the servers, and the address of its guest.

    ``disk`` is what the guest boots, a file on the server that nothing else uses: a system that
    takes that address and lets the operator's key in. Labs that are built make theirs.
    """

    name: SkipJsonSchema[str]
    server: Label
    uri: Literal["qemu:///system", "xen:///system", "vbox:///session"]
    address: Address
    disk: File | None = None


class Hypervisors(Part):
    """``bare_metal`` is the server that stands for no hypervisor at all.

    ``kernel_source`` is a folder that it and all guests have: Linux, to compile it. Without it a
    fixed program in C is compiled.
    """

    bare_metal: Label
    guest: GuestShape = GuestShape()
    hosts: dict[HostName, HypervisorHost] = Field(default={})
    kernel_source: File | None = None

    @field_validator("hosts", mode="before")
    @classmethod
    def _named(cls, hosts: object) -> object:
        for name, host in mapping(hosts).items():
            if isinstance(host, dict):
                hosts = {**mapping(hosts), name: {**host, "name": name}}
        return hosts
