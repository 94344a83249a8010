"""What HAProxy passes on to its servers, byte by byte, as it is on the director's NIC."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from halab import capture
from halab.capture import Ethernet, Packet
from halab.node import Node

WHOLE = 65535
"""Bytes of a frame: requests of the tests' own, and health checks, have no password in them."""

_IPV4, _TCP = 0x0800, 6


@dataclass
class PassedOn:
    """One stream of bytes for each connection to a server; empty until the capture has ended."""

    streams: tuple[bytes, ...] = field(default=(), repr=False)

    def with_(self, mark: str) -> tuple[bytes, ...]:
        """The streams in which the mark is."""
        return tuple(stream for stream in self.streams if mark.encode() in stream)


@contextmanager
def captured(director: Node, port: int) -> Iterator[PassedOn]:
    """Capture what the director sends to this port of any server while the block runs."""
    expression = f"src host {director.address} and tcp dst port {port}"
    recording = director.record(capture.command(director.nic, expression, WHOLE))
    passed = PassedOn()
    try:
        recording.await_said("listening on", within=10)
        yield passed
    finally:
        raw = recording.finish()
    passed.streams = streams(capture.packets(raw))


def streams(packets: Iterable[Packet]) -> tuple[bytes, ...]:
    """The data of each TCP connection among the packets, in order and once, from its SYN on."""
    begins: dict[bytes, int] = {}
    pieces: dict[bytes, dict[int, bytes]] = defaultdict(dict)
    for packet in packets:
        segment = _segment(packet.frame)
        if segment is None:
            continue
        connection, sequence, syn, data = segment
        if syn:
            begins[connection] = sequence + 1
        elif data and connection in begins:
            pieces[connection][(sequence - begins[connection]) % 2**32] = data
    return tuple(_joined(pieces[connection]) for connection in pieces)


def _joined(pieces: dict[int, bytes]) -> bytes:
    """What was sent twice counts once; nothing is lost between a NIC and its own capture."""
    whole = b""
    for offset in sorted(pieces):
        whole = whole[:offset] + pieces[offset]
    return whole


def _segment(frame: bytes) -> tuple[bytes, int, bool, bytes] | None:
    """Addresses and ports, sequence number, whether it is a SYN, and the data."""
    ethernet = Ethernet.decode(frame)
    if ethernet is None or ethernet.ethertype != _IPV4 or len(ethernet.payload) < 40:
        return None
    ip = ethernet.payload
    header = (ip[0] & 0x0F) * 4
    if ip[9] != _TCP:
        return None
    tcp = ip[header : int.from_bytes(ip[2:4], "big")]  # what is short is padded to 60 bytes
    connection = ip[12:20] + tcp[:4]
    return (
        connection,
        int.from_bytes(tcp[4:8], "big"),
        bool(tcp[13] & 0x02),
        tcp[(tcp[12] >> 4) * 4 :],
    )
