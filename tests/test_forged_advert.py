"""Adverts of a stranger, as a listener on the LAN reads them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface

import pytest

from halab.forged_advert import BEST, WRONG, forged
from halab.hostile import checksum
from halab.keepalived_conf import VrrpInstance
from halab.vrrp import GROUP, PROTOCOL, Advert

VIP, STRANGER = IPv4Address("192.168.250.250"), IPv4Address("192.168.250.115")


def instance(version: int, advert_int: float, auth_type: str | None) -> VrrpInstance:
    return VrrpInstance(
        "HA1", "MASTER", "eth0", 11, 150, version, advert_int, auth_type=auth_type,
        virtual_ipaddresses=(IPv4Interface(VIP),),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("version", "advert_int", "auth_type"), [(2, 1.0, "PASS"), (2, 3.0, None), (3, 0.25, None)]
)
def test_it_is_a_better_router_for_the_same_vip(
    version: int, advert_int: float, auth_type: str | None
) -> None:
    """Well made: its checksum is right (RFC 1071: with it the sum is nothing)."""
    packet = forged(instance(version, advert_int, auth_type), VIP, STRANGER)
    ip = bytes([0x45]) + bytes(8) + bytes([PROTOCOL]) + bytes(2) + STRANGER.packed + GROUP.packed
    advert = Advert.decode(0.0, bytes(12) + b"\x08\x00" + ip + packet)
    assert advert is not None
    assert (advert.version, advert.virtual_router_id, advert.priority) == (version, 11, BEST)
    assert (advert.advert_int, advert.addresses) == (pytest.approx(advert_int), (VIP,))
    pseudo = STRANGER.packed + GROUP.packed + bytes([0, PROTOCOL, 0, len(packet)])
    assert checksum(packet if version == 2 else pseudo + packet) == 0


def test_password_is_asked_for_only_where_there_is_one() -> None:
    """A wrong one then."""
    assert forged(instance(2, 1, "PASS"), VIP, STRANGER).endswith(WRONG)
    assert WRONG not in forged(instance(2, 1, None), VIP, STRANGER)
