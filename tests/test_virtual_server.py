"""keepalived's virtual_server: what is deployed is read, and budgets follow from it."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

import pytest

from halab import deployment
from halab.budget import Budget
from halab.configuration import Configuration
from halab.errors import NodeError
from halab.keepalived import CONFIG, DROP_IN, FIREWALL
from halab.keepalived_conf import Deployed
from halab.lab.plan import Secrets
from halab.topology import Topology
from halab.virtual_server import RealServer, TcpCheck, VirtualServer

TOPOLOGY = Topology.load(Path(__file__).parents[1] / "topology.yaml")
VIP, WEB1 = IPv4Address("192.168.250.250"), IPv4Address("192.168.250.181")


def files(**settings: object) -> dict[str, str]:
    wanted = Configuration.declared(**settings)
    return deployment.files("lb1", wanted, TOPOLOGY, Secrets("abcd1234", "secret"))


def servers(lines: str) -> tuple[VirtualServer, ...]:
    return Deployed.parse(lines).virtual_servers


def test_every_backend_is_balanced_and_checked_as_haproxy_would_check_it() -> None:
    """Three failed checks an inter apart, and one good one."""
    (deployed,) = servers(files(layer=4)[CONFIG])
    assert (deployed.address, deployed.port) == (VIP, 8081)
    assert (deployed.lvs_sched, deployed.lvs_method) == ("rr", "NAT")
    assert len(deployed.real_servers) == 24
    check = TcpCheck(delay_loop=2, connect_timeout=2, retry=2, delay_before_retry=2)
    assert deployed.real_servers[0] == RealServer(WEB1, 80, check)
    assert Budget.sent_no_more(check, silent=False).value == 6
    assert Budget.sent_no_more(check, silent=True).value == 12
    assert Budget.sent_again(check, silent=False).value == 2
    assert Budget.sent_again(check, silent=True).value == 4


def test_layer_4_has_no_haproxy_and_forwards() -> None:
    """And layer 7 has no trace of it."""
    four, seven = files(layer=4), files()
    assert [path for path in four if "haproxy/" in path] == []
    assert "net.ipv4.ip_forward = 1" in four["/etc/sysctl.d/90-vip.conf"]
    assert "net.ipv4.ip_forward = 0" in seven["/etc/sysctl.d/90-vip.conf"]
    assert "ip_vs" in four[DROP_IN]
    assert "masquerade" in four[FIREWALL]
    for path in (DROP_IN, FIREWALL, CONFIG):
        assert "masquerade" not in seven[path]
        assert "ip_vs" not in seven[path]
        assert "virtual_server" not in seven[path]


def test_what_is_said_closer_counts() -> None:
    """Of the checker, else of its real server, else of the virtual one, else keepalived's own."""
    (one,) = servers("""\
virtual_server 192.168.250.250 80 {
    delay_loop 6
    lb_algo wlc
    lb_kind DR
    retry 3
    real_server 192.168.250.181 80 {
        retry 4
        TCP_CHECK {
            connect_timeout 2.5
        }
    }
    real_server 192.168.250.182 80 {
    }
}
""")
    assert (one.lvs_sched, one.lvs_method) == ("wlc", "DR")
    assert one.check_of(WEB1) == TcpCheck(6, 2.5, 4, 1)
    with pytest.raises(NodeError, match=r"no real_server 192.168.250.182 with one TCP_CHECK"):
        one.check_of(IPv4Address("192.168.250.182"))


def test_marks_and_groups_are_passed_over() -> None:
    assert servers("virtual_server fwmark 1 {\n}\nvirtual_server group web {\n}\n") == ()


@pytest.mark.parametrize("place", ["192.168.250.250", "192.168.250.250 http", "web 80"])
def test_what_is_no_address_and_port_is_told_with_its_line(place: str) -> None:
    with pytest.raises(NodeError, match=r"keepalived.conf:1: virtual_server: an IPv4 address"):
        servers(f"virtual_server {place} {{\n}}\n")
