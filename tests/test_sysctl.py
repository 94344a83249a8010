"""Kernel settings of an operator's own: which a file names, and where the kernel has them."""

from __future__ import annotations

from halab import sysctl

TEXT = """\
# a comment = none
net.ipv4.tcp_tw_reuse = 1
net/ipv4/conf/eth0.1/rp_filter=0
-net.core.somaxconn = 4096
"""


def test_names_are_those_before_an_equals_sign_once_each() -> None:
    assert sysctl.keys(TEXT + "net.ipv4.tcp_tw_reuse = 2\n") == (
        "net.ipv4.tcp_tw_reuse",
        "net/ipv4/conf/eth0.1/rp_filter",
        "net.core.somaxconn",
    )


def test_dots_and_slashes_change_places_where_a_dot_comes_first() -> None:
    looked = sysctl.unknown("net.ipv4.conf.eth0/1.rp_filter = 1\n")
    assert "/proc/sys/net/ipv4/conf/eth0.1/rp_filter" in looked
    assert "/proc/sys/net/ipv4/conf/eth0.1/rp_filter" in sysctl.unknown(TEXT)
