"""VRRP adverts as somebody sends them who is no director: well made, but for the password."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

from halab.hostile import checksum
from halab.keepalived_conf import VrrpInstance
from halab.vrrp import GROUP, PROTOCOL

BEST = 254
"""The highest priority of a router that does not own the VIP (RFC 9568 section 5.2.4)."""

WRONG = b"stranger"
_ADVERTISEMENT, _SIMPLE_TEXT = 1, 1  # RFC 2338 section 5.3.6


def forged(instance: VrrpInstance, vip: IPv4Address, source: IPv4Address) -> bytes:
    """A packet, without its IP header, of a better router for the same VIP and interval.

    Whoever checks no more than the instance asks of an advert takes it for its MASTER's: of the
    instance it is all that a listener on the LAN can hear, the password of VRRPv2 excepted.
    """
    head = (instance.version << 4) | _ADVERTISEMENT, instance.virtual_router_id, BEST, 1
    if instance.version == 2:
        with_password = instance.auth_type == "PASS"
        timing = (_SIMPLE_TEXT if with_password else 0), round(instance.advert_int)
        packet = struct.pack("!6BH", *head, *timing, 0) + vip.packed
        packet += WRONG if with_password else bytes(8)
        summed = packet
    else:
        packet = struct.pack("!4B2H", *head, round(instance.advert_int * 100), 0) + vip.packed
        pseudo = source.packed + GROUP.packed + struct.pack("!BBH", 0, PROTOCOL, len(packet))
        summed = pseudo + packet
    return packet[:6] + struct.pack("!H", checksum(summed)) + packet[8:]
