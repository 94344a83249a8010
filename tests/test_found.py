"""What a module may ask of a cluster that is judged as it is found."""

from __future__ import annotations

from typing import Any

import pytest

from fixtures.cluster import declared
from halab.configuration import Configuration
from halab.director import Director
from halab.found import Found
from halab.haproxy import Place
from halab.lab.privilege import BREAKING, LOOKING, commands, functions, rules
from halab.placement import Machine
from tests.answering import Answering
from tests.foreign_lab import CHECKOUT


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
