"""Times that no operator can have meant, each told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from halab.gate import timers
from halab.lab.plan import Secrets
from halab.set_up import HAPROXY, KEEPALIVED, PATHS, SetUp
from halab.topology import Topology

TOPOLOGY = Topology.load(Path("topology.yaml"))
SECRETS = Secrets("abcd1234", "hidden")
DIRECTORS = tuple(TOPOLOGY.directors)

Files = dict[str, dict[str, str]]


def today() -> Files:
    return {name: SetUp().deployed(name, TOPOLOGY, SECRETS) for name in DIRECTORS}


def changed(file: str, old: str, new: str, *directors: str) -> Files:
    files = today()
    for name in directors or DIRECTORS:
        text = files[name][PATHS[file]]
        assert old in text
        files[name][PATHS[file]] = text.replace(old, new)
    return files


def test_todays_own_times_are_no_finding() -> None:
    assert timers.findings(today()) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        (
            "timeout connect 5000",
            "timeout connect 5",
            "timeout connect",
            "timeout connect 5 is 5 ms: without a unit it is milliseconds",
        ),
        ("timeout client 50000", "timeout client 50ms", "timeout client", "50ms is 50 ms"),
        ("timeout client 50000", "timeout client 0", "timeout client", "client 0 is 0 ms"),
        (
            "timeout server 50000",
            "timeout server 50000s",
            "timeout server",
            "50000s is 50000 s, more than",
        ),
        ("timeout connect 5000", "timeout connect 5m", "timeout connect", "5m is 300 s"),
        ("inter 2000ms", "inter 2", "default-server", "inter 2 is 2 ms"),
        ("inter 2000ms", "inter 2m", "default-server", "inter 2m is 120 s"),
        ("fall 3", "fall 300", "backend wwwbackend", "its share for 600 s"),
        ("    timeout client 50000\n", "", "frontend", "has no timeout client: it waits for ever"),
    ],
)
def test_haproxys_times(old: str, new: str, line: str, said: str) -> None:
    files = changed(HAPROXY, old, new)
    lines = files["lb1"][PATHS[HAPROXY]].splitlines()
    number = next(n for n, text in enumerate(lines, 1) if text.strip().startswith(line))
    found = timers.new(today(), files)
    assert f"haproxy.cfg:{number}" in {finding.where for finding in found}
    assert any(said in finding.what for finding in found)


@pytest.mark.parametrize(
    ("old", "new", "directors", "said"),
    [
        ("advert_int 1.0", "advert_int 0.4", DIRECTORS, "advert_int 0.4 becomes 1 in VRRPv2"),
        ("advert_int 1.0", "advert_int 100", DIRECTORS, "a dead MASTER is missed after 300"),
        ("advert_int 1.0", "advert_int 2", ("lb2",), "advert_int is not the same: 1.0 on lb1, 2"),
        ("router_id 11", "router_id 12", ("lb2",), "virtual_router_id is not the same"),
        ("auth_pass abcd1234", "auth_pass abcd1235", ("lb2",), "auth_pass is not the same"),
        ("192.168.250.250\n", "192.168.250.251\n", ("lb1",), "virtual_ipaddresses is not the"),
        ("priority 100", "priority 150", ("lb2",), "which is the MASTER is left to chance"),
        ("advert_int 1.0", "preempt_delay 900", ("lb1",), "preempt_delay 900 is more than 300"),
    ],
)
def test_keepaliveds_times(old: str, new: str, directors: tuple[str, ...], said: str) -> None:
    found = timers.new(today(), changed(KEEPALIVED, old, new, *directors))
    assert any(said in finding.what for finding in found), found
    assert all("keepalived.conf:" in finding.where for finding in found)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("interval 2\n timeout 3\n fall 2", "timeout 3 is longer than interval 2"),
        ("interval 20\n timeout 3\n fall 10", "takes 203 s to fail"),
    ],
)
def test_a_scripts_times(script: str, said: str) -> None:
    block = f"vrrp_script check {{\n script /bin/true\n {script}\n}}\nvrrp_instance HA1 {{"
    found = timers.new(today(), changed(KEEPALIVED, "vrrp_instance HA1 {", block))
    assert [said in finding.what for finding in found] == [True]


def test_what_today_has_too_is_no_finding() -> None:
    both = changed(HAPROXY, "timeout connect 5000", "timeout connect 5")
    assert timers.findings(both) != []
    assert timers.new(both, both) == []


def test_what_only_its_program_can_read_is_told_apart() -> None:
    (found,) = timers.new(today(), changed(HAPROXY, "global\n", ".if true\n.endif\nglobal\n"))
    assert found.unread


def test_no_finding_shows_a_password() -> None:
    files = changed(KEEPALIVED, "auth_pass abcd1234", "auth_pass abcd1235", "lb2")
    assert not any("abcd" in str(finding) for finding in timers.findings(files))
