"""The candidates of examples/: each differs from what is in service by what it says alone."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from halab.gate import timers
from halab.lab.plan import Secrets
from halab.set_up import SetUp
from halab.topology import Topology

TOPOLOGY = Topology.load(Path("topology.yaml"))
SECRETS = Secrets("abcd1234", "hidden")
CANDIDATES = Path("examples/candidates")
TRACKED = Path("examples/today/tracked")

CHANGES = {
    "harmless": {"stats refresh 10s"},
    "costs-seven-percent": {"http-request set-header X-Client %[src,sha2(256),hex]"},
    "loses-requests-on-reload": {"hard-stop-after 1"},
    "vip-stays": {"haproxy weight -10"},
    "mistyped-timers": {
        "timeout connect 5",
        "default-server inter 2m fall 3 rise 2",
        "advert_int 10",
    },
}


def loaded(name: str) -> tuple[SetUp, SetUp]:
    today = SetUp.load(TRACKED, TOPOLOGY) if name == "vip-stays" else SetUp()
    return today, SetUp.load(CANDIDATES / name, TOPOLOGY, today)


def test_all_are_here() -> None:
    assert {path.name for path in CANDIDATES.iterdir()} == CHANGES.keys()


@pytest.mark.parametrize("name", CHANGES)
def test_candidate_changes_what_it_says_and_nothing_else(name: str) -> None:
    added = set()
    for director in TOPOLOGY.directors:
        before, after = (s.deployed(director, TOPOLOGY, SECRETS) for s in loaded(name))
        assert before.keys() == after.keys()
        for path, text in after.items():
            for line in difflib.ndiff(before[path].splitlines(), text.splitlines()):
                if line.startswith("+ ") and not line[2:].strip().startswith("#"):
                    added.add(line[2:].strip())
    assert added == CHANGES[name]


@pytest.mark.parametrize("name", CHANGES)
def test_only_mistyped_timers_are_found(name: str) -> None:
    today, candidate = (
        {d: s.deployed(d, TOPOLOGY, SECRETS) for d in TOPOLOGY.directors} for s in loaded(name)
    )
    found = [str(finding) for finding in timers.new(today, candidate)]
    assert bool(found) == (name == "mistyped-timers"), found


def test_mistyped_timers_are_told_with_their_lines() -> None:
    today, candidate = (
        {d: s.deployed(d, TOPOLOGY, SECRETS) for d in TOPOLOGY.directors}
        for s in loaded("mistyped-timers")
    )
    written = (CANDIDATES / "mistyped-timers/haproxy.cfg").read_text().splitlines()
    line = {text.strip(): number for number, text in enumerate(written, 1)}
    said = "\n".join(map(str, timers.new(today, candidate)))
    assert f"haproxy.cfg:{line['timeout connect 5']}: timeout connect 5 is 5 ms" in said
    checks = line["default-server inter 2m fall 3 rise 2"]
    assert f"haproxy.cfg:{checks}: inter 2m is 120 s" in said
    assert "lb2/keepalived.conf:" in said
    assert "advert_int is not the same" in said
