"""Captured frames: what tcpdump writes, told as frames with their times.

Times are seconds since the epoch on the capturing node's CLOCK_REALTIME, as a float: good to a
microsecond.
"""

from __future__ import annotations

import shlex
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address
from typing import NamedTuple

from halab.errors import NodeError

ETHERNET_HEADER = 14
GLOBAL_HEADER = 24  # of pcap: bytes before the first record
RECORD_HEADER = 16  # of pcap: bytes before each frame

_NANOSECONDS = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}  # by magic: one unit of the fraction
_PCAPNG = b"\x0a\x0d\x0d\x0a"
_LINKTYPE_ETHERNET = 1
_MAXIMUM_SNAPLEN = 262144  # libpcap's MAXIMUM_SNAPLEN; a longer record is a garbled one
_VLAN_TAGS = (0x8100, 0x88A8, 0x9100)  # 802.1Q, 802.1ad, and the older QinQ
_ETHERTYPE_ARP = 0x0806
_ARP_ETHERNET_IPV4 = bytes.fromhex("0001 0800 06 04")  # RFC 826: ar$hrd, ar$pro, ar$hln, ar$pln
_ARP_LENGTH = 28


class Packet(NamedTuple):
    """One captured frame, as far as the snap length let it through."""

    at: float
    frame: bytes


def command(nic: str, expression: str, snaplen: int) -> str:
    """The shell command that captures on a NIC and writes pcap to stdout, frame by frame.

    ``snaplen`` is bytes of each frame from the Ethernet header on; raises ValueError for less
    than 1, which to tcpdump means everything. See :func:`halab.vrrp.snaplen`.
    """
    if snaplen < 1:
        raise ValueError("a snap length of 0 would capture frames whole, passwords and all")
    # --immediate-mode: the kernel hands over each frame at once, not when a block is full or its
    # timer has run out. -U: nor does tcpdump keep it in a buffer.
    options = f"-n -U --immediate-mode -s {snaplen} -w -"
    return f"tcpdump -i {shlex.quote(nic)} {options} -- {shlex.quote(expression)}"


def packets(stream: bytes | Iterable[bytes]) -> Iterator[Packet]:
    """Decode pcap, whole or in pieces as they come; give each frame as soon as it is there.

    A last record that is cut short is dropped: tcpdump was stopped amid it. Raises
    :class:`NodeError` for what is not pcap of Ethernet frames, nothing at all included.
    """
    pieces = iter((stream,) if isinstance(stream, bytes) else stream)
    held = bytearray()

    def take(wanted: int) -> bytes:
        while len(held) < wanted:
            piece = next(pieces, None)
            if piece is None:
                return b""
            held.extend(piece)
        taken = bytes(held[:wanted])
        del held[:wanted]
        return taken

    header = take(GLOBAL_HEADER)
    if not header:
        raise NodeError(
            f"tcpdump ended after {len(held)} bytes, before its pcap header: see its stderr"
        )
    order, unit = _byte_order(header)
    linktype = struct.unpack(order + "I", header[20:24])[0] & 0xFFFF  # above it: the FCS length
    if linktype != _LINKTYPE_ETHERNET:
        raise NodeError(f"pcap of link type {linktype}, not Ethernet: capture on one NIC, not any")
    while record := take(RECORD_HEADER):
        seconds, fraction, length, _ = struct.unpack(order + "IIII", record)
        if length > _MAXIMUM_SNAPLEN:
            raise NodeError(f"garbled pcap: a record of {length} bytes")
        frame = take(length)
        if len(frame) < length:
            return
        yield Packet(seconds + fraction * unit / 1_000_000_000, frame)


def _byte_order(header: bytes) -> tuple[str, int]:
    for order in "<", ">":
        unit = _NANOSECONDS.get(struct.unpack(order + "I", header[:4])[0])
        if unit is not None:
            return order, unit
    if header.startswith(_PCAPNG):
        raise NodeError("this is pcapng, not pcap: write it with tcpdump -w")
    raise NodeError(f"this is not pcap: it begins with {header[:4].hex()}")


@dataclass(frozen=True)
class Ethernet:
    """An Ethernet frame without its VLAN tags; MACs are lower case with colons."""

    destination_mac: str
    source_mac: str
    ethertype: int
    payload: bytes

    @classmethod
    def decode(cls, frame: bytes) -> Ethernet | None:
        """Read a frame; None when it ends before its payload."""
        begin = ETHERNET_HEADER
        while len(frame) >= begin:
            ethertype = int.from_bytes(frame[begin - 2 : begin], "big")
            if ethertype not in _VLAN_TAGS:
                return cls(frame[:6].hex(":"), frame[6:12].hex(":"), ethertype, frame[begin:])
            begin += 4
        return None


class Operation(IntEnum):
    """ar$op of RFC 826."""

    REQUEST = 1
    REPLY = 2


@dataclass(frozen=True)
class Arp:
    """One ARP packet for IPv4 on Ethernet (RFC 826)."""

    at: float
    operation: Operation
    sender_mac: str
    sender_ip: IPv4Address
    target_ip: IPv4Address

    @property
    def gratuitous(self) -> bool:
        """An announcement, request or reply: sender and target are one (RFC 5944 section 4.6).

        keepalived sends them when it becomes MASTER, so that switches and neighbours learn where
        the VIP is now.
        """
        return self.sender_ip == self.target_ip

    @classmethod
    def decode(cls, at: float, frame: bytes) -> Arp | None:
        """Read an Ethernet frame, VLAN tags or none; None for anything but such an ARP."""
        ethernet = Ethernet.decode(frame)
        if ethernet is None or ethernet.ethertype != _ETHERTYPE_ARP:
            return None
        arp = ethernet.payload
        if len(arp) < _ARP_LENGTH or not arp.startswith(_ARP_ETHERNET_IPV4):
            return None
        try:
            operation = Operation(int.from_bytes(arp[6:8], "big"))
        except ValueError:  # RARP and its kin
            return None
        return cls(
            at, operation, arp[8:14].hex(":"), IPv4Address(arp[14:18]), IPv4Address(arp[24:28])
        )
