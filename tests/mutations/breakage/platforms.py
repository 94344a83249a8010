"""A hypervisor's guest that is not what is measured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from halab import arp_table
from tests.mutations.breakage.node import Break, done

if TYPE_CHECKING:
    # imported first by pytest, which rewrites its assertions
    from fixtures.platforms import Platforms


def answered_by_its_host(platforms: Platforms) -> Break:
    """Where the client sends what is for the guest, its server is, as where it translates."""
    guest = platforms.there["kvm"]
    address, client = guest.node.address, guest.client.node
    there = f"{address} dev {client.nic}"
    mac = arp_table.resolved(client, guest.server.address)
    return done(
        client, f"ip neigh replace {there} lladdr {mac} nud permanent", f"ip neigh del {there}"
    )


@contextmanager
def measured_on_its_host(platforms: Platforms) -> Iterator[None]:
    """What is said of the guest is its server's, as where a name leads to the wrong machine."""
    guest = platforms.there["kvm"]
    platforms.there["kvm"] = replace(guest, node=guest.server)
    try:
        yield
    finally:
        platforms.there["kvm"] = guest
