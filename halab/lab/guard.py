"""No packet meant for a lab leaves the machine.

A lab that lives in namespaces has addresses that may mean something else outside them. The
guard sees every connection that this process opens, by whichever library (it is a Python
audit hook), and refuses one to a lab's network from a thread outside that lab's namespace.
"""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterable
from typing import Any

from halab.errors import OutsideLab
from halab.lab import namespace

_guarded: dict[ipaddress.IPv4Network, int] = {}
_installed = False


def guard(networks: Iterable[ipaddress.IPv4Network], inside: int | None) -> None:
    """Allow connections to ``networks`` only from the network namespace ``inside`` (an inode).

    ``None`` allows them from nowhere: the lab does not stand yet, or no longer.
    """
    global _installed
    _guarded.update(dict.fromkeys(networks, inside or 0))
    if not _installed:
        sys.addaudithook(_audit)
        _installed = True


def release(networks: Iterable[ipaddress.IPv4Network]) -> None:
    """Stop guarding ``networks``: they belong to real machines."""
    for network in networks:
        _guarded.pop(network, None)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in ("socket.connect", "socket.sendto", "socket.sendmsg") or not _guarded:
        return
    destination = arguments[1]
    if not isinstance(destination, tuple):
        return
    try:
        address = ipaddress.ip_address(destination[0])
    except ValueError:  # a name, not an address; the lab knows no names
        return
    for network, inside in _guarded.items():
        if address in network and namespace.network() != inside:
            raise OutsideLab(
                f"{address} is an address of the lab on {network}, and this process is not in "
                "that lab's network namespace; run it through pytest or ./run lab shell"
            )
