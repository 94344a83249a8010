"""HAProxy's admin sockets, as HAProxy 2.6 tells of them."""

from __future__ import annotations

from halab.cli_socket import CliSocket, parse

SHOWN = """\
# socket lvl processes
unix@/run/haproxy/HAProxy241.sock admin all
ipv4@127.0.0.1:9999 operator all
abns@haproxy user all
sockpair@4 admin all

"""


def test_masters_own_is_nobody_elses() -> None:
    """All others are there, files or not."""
    sockets = parse(SHOWN)
    assert [socket.level for socket in sockets] == ["admin", "operator", "user"]
    assert [socket.path for socket in sockets] == ["/run/haproxy/HAProxy241.sock", None, None]
    assert sockets[1] == CliSocket("ipv4@127.0.0.1:9999", "operator")
