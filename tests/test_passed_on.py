"""TCP streams from captured frames."""

from __future__ import annotations

import struct

from halab.capture import Packet
from halab.passed_on import PassedOn, streams

SYN, ACK = 0x02, 0x10


def frame(port: int, sequence: int, flags: int, data: bytes = b"") -> Packet:
    """From a director's port to a server's port 80; padded to 60 bytes as Ethernet has it."""
    tcp = struct.pack("!HHIIBBHHH", port, 80, sequence, 0, 5 << 4, flags, 0, 0, 0) + data
    ip = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, b"\1\1\1\1", b"\2" * 4
    )
    return Packet(0.0, (bytes(12) + b"\x08\x00" + ip + tcp).ljust(60, b"\0"))


def test_each_connection_has_its_bytes_in_order_and_once() -> None:
    """Segments that come twice, late, or with a sequence number that wraps."""
    last = 2**32 - 1
    packets = [
        frame(1000, last, SYN),  # its data begin at 0
        frame(1001, 77, SYN),
        frame(1000, 3, ACK, b"def"),
        frame(1001, 78, ACK, b"other"),
        frame(1000, 0, ACK, b"abc"),
        frame(1000, 0, ACK, b"abc"),
        frame(1000, 6, ACK),
    ]
    assert streams(packets) == (b"abcdef", b"other")


def test_connection_that_began_before_is_left_out() -> None:
    """Nobody knows what of it is missing; nor is what is no TCP a stream."""
    arp = Packet(0.0, bytes(12) + b"\x08\x06" + bytes(46))
    assert streams([arp, frame(1000, 5, ACK, b"tail")]) == ()


def test_streams_are_found_by_their_mark() -> None:
    """All of them."""
    passed = PassedOn((b"GET /a", b"GET /b", b"GET /ab"))
    assert passed.with_("/a") == (b"GET /a", b"GET /ab")
