"""What a module may ask of a cluster that is judged as it is found."""

from __future__ import annotations

import importlib
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from fixtures.cluster import declared
from halab import webserver
from halab.configuration import Configuration
from halab.director import Director
from halab.found import Found, _of_pages, _web_server
from halab.haproxy import Place
from halab.lab.privilege import BREAKING, LOOKING, commands, functions, rules
from halab.placement import Machine
from halab.topology import Topology
from halab.webserver import Answer
from tests.answering import Answering
from tests.foreign_lab import CHECKOUT

TOPOLOGY = Topology.load(Path("topology.yaml"))


def found(**settings: Any) -> Found:
    """A cluster of these settings."""
    return Found(Configuration(**settings), {}, {}, Machine(frozenset({0})), {})


@pytest.mark.parametrize(
    ("here", "asked", "lacking"),
    [
        ({}, {}, ""),
        # what is not the module's own wish is no matter to it
        ({"vms_per_server": 3, "tracking": "script", "haproxy_threads": 2}, {}, ""),
        ({"check_inter": 5.0}, {"check_inter": 1}, ""),
        ({"tracking": "script"}, {"tracking": "script"}, ""),
        ({}, {"tracking": "script"}, "tracking=interface, and this is of one with tracking=script"),
        ({"vms_per_server": 3}, {"vms_per_server": 8}, "vms_per_server=3"),
        # but every test that moves the VIP rests on its coming back
        ({"nopreempt": True}, {}, "nopreempt=True, and this is of one with nopreempt=False"),
        ({"preempt_delay": 9.0}, {}, "preempt_delay=9.0"),
    ],
)
def test_configuration_is_asked_for_by_what_is_not_usual_in_it(
    here: dict[str, Any], asked: dict[str, Any], lacking: str
) -> None:
    """And what only makes tests faster is asked of nobody."""
    said = found(**here).lacks(Configuration(**asked))
    assert lacking in said
    assert bool(said) == bool(lacking)


@pytest.mark.parametrize(("lab", "servers"), [("remote", 0), ("embedded", 1)])
def test_what_is_measured_needs_no_more_than_its_scenarios_say(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, lab: str, servers: int
) -> None:
    """A module's own configuration is where a built lab begins: one server for Figure 17."""
    request.node.add_marker("performance")
    request.node.add_marker(pytest.mark.configuration(servers=1))
    monkeypatch.setattr(request.config.option, "lab", lab)
    assert declared(request.node) == [Configuration(servers=servers)]


def test_haproxy_of_somebody_elses_unit_is_seen_to_run() -> None:
    """By that unit's state: what is no haproxy@1 is not dead."""
    units = {1: Place("haproxy.service", "a.cfg"), 2: Place("haproxy-2.service", "b.cfg")}
    node = Answering("lb1", "active\nfailed\n", status=3)
    assert Director(node, units).haproxy_processes() == {1}
    assert node.asked == ["systemctl is-active -- haproxy.service haproxy-2.service"]


def test_root_needs_no_sudo_and_others_need_it_by_name() -> None:
    """More of it where the lab may be broken; each name is one that a shell's function can have."""
    assert commands("root", disposable=True) == ()
    assert commands("deputy", disposable=False) == LOOKING
    assert set(LOOKING) < set(commands("deputy", disposable=True)) == set(BREAKING)
    assert all(name.isidentifier() for name in BREAKING)
    assert functions(("cat",)) == 'cat() { sudo -n cat "$@"; }; '
    assert rules("deputy", ("cat",)).startswith("deputy ALL=(root) NOPASSWD: /usr/bin/cat, ")


def test_documentation_names_each_command() -> None:
    """An operator copies them from there."""
    text = (CHECKOUT / "docs/remote-lab.md").read_text().replace("\n", " ")
    looking = text.partition("- To look: ")[2].partition(".")[0].split(", ")
    breaking = text.partition("besides: ")[2].partition(".")[0].split(",")
    assert tuple(looking) == LOOKING
    assert sorted(looking + [name.strip() for name in breaking]) == sorted(BREAKING)


NAMES = {"192.168.250.181": "app1"}
SAME = "<p>Served by app1 at 192.168.250.181.</p><p>Pi by 1000 intervals is {pi}.</p>"
PI = "3.141592736923"


def answers(monkeypatch: pytest.MonkeyPatch, pages: dict[str, Answer], server: str) -> None:
    """What the first backend answers; 404 for a page that it has not."""

    def get(_address: IPv4Address, _port: int, path: str = "/index.html") -> Answer:
        return pages.get(path.partition("?")[0], Answer(404, "app1", "none such"))

    monkeypatch.setattr(webserver, "get", get)
    monkeypatch.setattr(webserver, "program", lambda _address, _port: server)


def ours(*paths: str) -> dict[str, Answer]:
    return dict.fromkeys(paths, Answer(200, "app1", SAME.format(pi=PI)))


@pytest.mark.parametrize(
    ("server", "pages", "known"),
    [
        ("Apache/2.4.62 (Debian)", (), "apache"),
        ("nginx/1.22.1", ("/PiServlet",), "nginx"),
        ("", ("/PiServlet",), "tomcat"),
        ("", (), "unnamed"),
    ],
)
def test_a_web_server_is_known_by_its_word_or_its_servlet(
    monkeypatch: pytest.MonkeyPatch, server: str, pages: tuple[str, ...], known: str
) -> None:
    """Tomcat sends no name, and without one its figures would hold nowhere."""
    answers(monkeypatch, ours(*pages), server)
    assert _web_server(TOPOLOGY, NAMES) == known


PHP = ("/index.html", "/index.php", "/pi.php", "/slow.php")


@pytest.mark.parametrize(
    ("pages", "web_server", "lacking"),
    [
        (ours(*PHP), "apache", set()),
        (ours("/index.html", "/PiServlet"), "tomcat", {"slow page", "Apache or nginx"}),
        # it sends no name of its VM
        (ours("/index.html"), "g-wan", {"slow page", "pages", "Apache or nginx"}),
        (ours("/index.html"), "nginx", {"slow page", "pages"}),
        (ours(*PHP) | {"/pi.php": Answer(200, "app1", SAME.format(pi="3.14"))}, "apache",
         {"pages"}),
        (ours(*PHP) | {"/index.html": Answer(200, "", "Pagina de prueba")}, "apache",
         {"named backends", "pages"}),
    ],
)  # fmt: skip
def test_pages_that_are_not_ours_are_no_fault_of_a_cluster(
    monkeypatch: pytest.MonkeyPatch, pages: dict[str, Answer], web_server: str, lacking: set[str]
) -> None:
    """What rests on them is skipped, with what is otherwise."""
    answers(monkeypatch, pages, "")
    found = _of_pages(TOPOLOGY, NAMES, web_server)
    assert {*found} == lacking
    assert "is not this suite's: " in found.get("pages", "is not this suite's: ")


@pytest.mark.parametrize(
    ("module", "test", "things"),
    [
        ("backends.test_health", "test_every_vm_answers_for_itself", {"pages", "Apache or nginx"}),
        ("backends.test_health", "test_pi_is_computed", {"pages", "Apache or nginx"}),
        ("backends.test_balance", "test_each_backend_gets_its_share_exactly",
         {"named backends", "round robin"}),
        ("backends.test_balance", "test_each_backend_gets_its_share_under_traffic",
         {"round robin"}),
        ("webservers.test_pages", "test_every_vm_serves_each_page", {"pages", "Apache or nginx"}),
        ("webservers.test_pages", "test_the_web_server_is_the_one_asked_for", {"Apache or nginx"}),
        ("webservers.test_pi", "test_pi_is_right_to_what_n_gives", {"pages", "Apache or nginx"}),
        ("webservers.test_servlet", "test_every_vm_serves_the_servlet", {"pages"}),
    ],
)  # fmt: skip
def test_what_a_cluster_may_have_otherwise_is_said_by_each_test_that_asks_for_it(
    module: str, test: str, things: set[str]
) -> None:
    """Pages of somebody else's, Tomcat, or another balance reject no cluster."""
    suite = importlib.import_module(f"suites.{module}")
    marks = [*suite.pytestmark, *getattr(getattr(suite, test), "pytestmark", [])]
    rested = [mark.args for mark in marks if mark.name == "rests_on"]
    assert {thing for args in rested for thing in args} == things
