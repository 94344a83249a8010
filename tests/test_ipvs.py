"""IPVS: the kernel's table is read right, and what of it is missing is named."""

from __future__ import annotations

from ipaddress import IPv4Address

from halab.ipvs import Destination, Ipvs, Service, parse
from halab.node import Node

# As Linux 6.1 writes it (net/netfilter/ipvs/ip_vs_ctl.c).
TABLE = """\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
UDP  C0A8FAFA:0035 rr\x20
  -> C0A8FAB5:0035      Masq    1      0          0\x20\x20\x20\x20\x20\x20\x20\x20\x20
TCP  C0A8FAFA:1F91 rr\x20
  -> C0A8FAB5:0050      Masq    1      3          17\x20\x20\x20\x20\x20\x20\x20\x20
  -> C0A8FAB6:0050      Masq    0      0          0\x20\x20\x20\x20\x20\x20\x20\x20\x20
FWM  00000001 rr\x20
  -> C0A8FAB7:0050      Route   1      0          0\x20\x20\x20\x20\x20\x20\x20\x20\x20
TCP  C0A8FAFA:1F92 wlc persistent 300 FFFFFFFF
"""
VIP = IPv4Address("192.168.250.250")
WEB1, WEB2 = IPv4Address("192.168.250.181"), IPv4Address("192.168.250.182")


class Told(Node):
    """A node that says what the kernel would."""

    def __init__(self, said: str) -> None:
        self.name, self.said = "lb1", said

    def run(self, *_: object, **__: object) -> str:
        return self.said


def test_services_of_tcp_are_read() -> None:
    """With their scheduler, and every real server with its weight; no other protocol's."""
    assert parse(TABLE) == (
        Service(
            VIP,
            8081,
            "rr",
            (Destination(WEB1, 80, "Masq", 1), Destination(WEB2, 80, "Masq", 0)),
        ),
        Service(VIP, 8082, "wlc", ()),
    )


def test_nothing_is_balanced_by_an_empty_table() -> None:
    assert parse("\n".join(TABLE.splitlines()[:3])) == ()


def test_a_weight_of_0_gets_no_new_connection() -> None:
    assert [*Ipvs(Told(TABLE)).destinations(VIP, 8081)] == [WEB1]


def test_a_service_that_is_not_there_sends_to_nobody() -> None:
    assert Ipvs(Told(TABLE)).destinations(VIP, 80) == {}
