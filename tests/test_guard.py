"""No connection to a lab's address leaves this process from outside that lab."""

from __future__ import annotations

import socket
from ipaddress import IPv4Network

import pytest

from halab.errors import OutsideLab
from halab.lab.guard import guard, release

# TEST-NET-3 (RFC 5737): an address that means nothing anywhere, should the guard fail
LAB = (IPv4Network("203.0.113.0/24"),)


@pytest.fixture
def guarded() -> object:
    guard(LAB, None)
    yield
    release(LAB)


@pytest.mark.usefixtures("guarded")
def test_connection_from_outside_is_refused() -> None:
    """Before a packet is made, and with a line that says how to do it instead."""
    with socket.socket() as sock, pytest.raises(OutsideLab, match="lab shell"):
        sock.connect(("203.0.113.7", 22))


@pytest.mark.usefixtures("guarded")
def test_datagram_from_outside_is_refused() -> None:
    """UDP needs no connection."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
        pytest.raises(OutsideLab),
    ):
        sock.sendto(b"x", ("203.0.113.7", 9))


@pytest.mark.usefixtures("guarded")
def test_other_addresses_are_free() -> None:
    """The guard knows only the lab's network; a closed port on loopback answers for itself."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with socket.socket() as sock, pytest.raises(ConnectionRefusedError):
        sock.connect(("127.0.0.1", port))
