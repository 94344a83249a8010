"""Every mistake in a topology is told with its line: never a traceback, never silence.

A small but whole topology has one thing in it changed to what cannot be right there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from halab.errors import TopologyError
from halab.topology import Haproxy, Topology

SMALL = """\
name: small
network: 192.0.2.0/24
directors:
  a: {address: 192.0.2.1, state: MASTER, priority: 150}
  b:
    address: 192.0.2.2
    nic: eth0
    state: BACKUP
    priority: 100
vrrp:
  instance: HA
  version: 2
  virtual_router_id: 11
  advert_int: 1
  virtual_ipaddress: 192.0.2.9
  authentication:
    auth_type: PASS
    auth_pass: s3cret-1
  takeover_work: 0.05
servers:
  s:
    address: 192.0.2.3
    vms: 192.0.2.20-27
clients:
  c:
    address: 192.0.2.4
haproxy:
  frontend_ports: [8081, 8082]
  backend: www
  balance: roundrobin
  check:
    port: 80
    inter: 2
    fall: 3
    rise: 2
  timeouts_ms:
    connect: 5000
    client: 50000
    server: 50000
  maxconn: 1000
  stats:
    port: 9000
    uri: /stats
    user: operator
    password: s3cret-2
  peers:
    name: LB
    port: 1234
webserver:
  port: 80
hypervisors:
  bare_metal: s
  guest:
    vcpus: 4
    memory: 2048
    bridge: br0
  hosts:
    kvm:
      server: s
      uri: qemu:///system
      address: 192.0.2.6
labs:
  embedded:
    operator: 192.0.2.5
"""
LINES = SMALL.split("\n")
SECRETS = ("s3cret-1", "s3cret-2")

ADDRESS = ("address", "virtual_ipaddress", "operator")
NAME = ("name", "instance", "backend", "user", "nic", "bare_metal", "bridge")
CHOICE = ("state", "balance", "auth_type")
WHOLE = (
    "priority", "version", "virtual_router_id", "port", "fall", "rise", "connect", "client",
    "server", "maxconn", "vcpus", "memory",
)  # fmt: skip
NUMBER = ("advert_int", "inter", "takeover_work")
OPTIONAL = (
    "auth_pass", "password", "takeover_work", "nic", "operator", "vcpus", "memory", "bridge",
)  # fmt: skip
KNOWN = {line.strip().partition(":")[0] for line in LINES}


def key_of(line: str) -> str:
    """The key that a line begins with."""
    return line.strip().partition(":")[0]


def in_quotes(text: str) -> str:
    """The text as YAML in double quotes, whatever is in it."""
    plain = set(map(chr, range(0x20, 0x7F))) - set('"\\')
    return '"' + "".join(c if c in plain else f"\\U{ord(c):08x}" for c in text) + '"'


# What may be right somewhere: Hypothesis knows the words of the code that it tests.
RIGHT = {
    "s",
    "MASTER",
    "BACKUP",
    "PASS",
    "NONE",
    *get_args(Haproxy.model_fields["balance"].annotation),
}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20).filter(
    lambda text: text not in RIGHT and not set(text) <= set("0123456789./-")
)
WORD = st.from_regex(r"[a-z]{3,12}", fullmatch=True).filter(lambda word: word not in KNOWN | RIGHT)
NO_NAME = TEXT.map(lambda text: text + "\n") | TEXT.map(lambda text: " " + text) | st.just("")
NO_WHOLE = st.one_of(
    TEXT.map(in_quotes),
    st.floats(0.1, 0.9).map(lambda number: f"{number:.3f}"),
    st.integers(max_value=0).map(str),
    st.integers(min_value=10**16, max_value=10**40).map(lambda number: f"-{number}"),
    st.sampled_from(["true", "", "1e9", ".inf", "0x50", "[80]", "{a: 80}", "NaN"]),
)
NO_ADDRESS = st.one_of(
    TEXT.map(in_quotes),
    st.tuples(*[st.integers(0, 255)] * 3).map(lambda parts: ".".join(map(str, parts))),
    st.tuples(*[st.integers(256, 10**6)] * 4).map(lambda parts: ".".join(map(str, parts))),
    st.integers(0, 255).map(lambda last: f"198.51.100.{last}"),  # of another network
    st.sampled_from(["2001:db8::1", "192.0.2.1/24", "0x7f.1", "192.0.02.1", "localhost", "1"]),
)
NOT_SCALAR = st.sampled_from(["[]", "{}", "[x]", "{x: y}", "null", "- x"])

Change = tuple[str, int]
"""The file's text, and the line (from 1) that is wrong in it; 0 where it may be any."""


def values(keys: tuple[str, ...], wrong: st.SearchStrategy[str]) -> st.SearchStrategy[Change]:
    """One of these keys has a value that it cannot have."""
    places = [n for n, line in enumerate(LINES) if key_of(line) in keys and line[-1] != ":"]

    def put(place: int, value: str) -> Change:
        line = LINES[place].partition(":")[0] + ": " + value
        return "\n".join([*LINES[:place], line, *LINES[place + 1 :]]), place + 1

    return st.builds(put, st.sampled_from(places), wrong)


def lines_where(fits: Callable[[int], bool]) -> st.SearchStrategy[int]:
    return st.sampled_from([n for n, line in enumerate(LINES) if line and fits(n)])


def without(place: int) -> Change:
    """A line is missing that must be there; its block is told, or what is left of it."""
    return "\n".join(LINES[:place] + LINES[place + 1 :]), 0


def twice(place: int) -> Change:
    return "\n".join(LINES[: place + 1] + LINES[place:]), place + 2


def with_more(place: int, word: str) -> Change:
    indent = LINES[place][: len(LINES[place]) - len(LINES[place].lstrip())]
    line = f"{indent}{word}: 1"
    return "\n".join([*LINES[:place], line, *LINES[place:]]), place + 1


def cut(at: int) -> Change:
    return SMALL[:at], 0


def torn(place: int, token: str) -> Change:
    line = LINES[place] + token
    return "\n".join([*LINES[:place], line, *LINES[place + 1 :]]), 0


def is_value(n: int) -> bool:
    return not LINES[n].endswith(":") and key_of(LINES[n]) not in OPTIONAL


TORN = [": x", " [", "}", "\t: {", " @: `", '"']
# A director, server or client may have any name, so that a word more is told for what it lacks.
INSIDE = [n for n, line in enumerate(LINES) if line.startswith("  ") and ":" in line]
MISTAKES = st.one_of(
    values(ADDRESS, NO_ADDRESS),
    values(NAME, NO_NAME.map(in_quotes)),
    values(CHOICE, TEXT.map(in_quotes)),
    values(CHOICE, WORD),
    values(WHOLE, NO_WHOLE),
    values(NUMBER, TEXT.map(in_quotes) | st.integers(max_value=-1).map(str)),
    values(("auth_pass", "password"), NO_NAME.map(lambda text: in_quotes("s3cret " + text))),
    values(("network", "vms"), TEXT.map(in_quotes) | NO_ADDRESS),
    values((*ADDRESS, *CHOICE, *WHOLE, "instance", "user", "uri"), NOT_SCALAR),
    st.builds(without, lines_where(is_value)),
    st.builds(twice, lines_where(is_value)),
    st.builds(with_more, st.sampled_from(INSIDE), WORD),
    st.builds(cut, st.integers(0, SMALL.index("labs:") - 1)),
    st.builds(torn, lines_where(is_value), st.sampled_from(TORN)),
)


def check(change: Change, folder: Path) -> None:
    """The file is refused, at the line that is wrong, without a secret."""
    text, wrong = change
    path = folder / "topology.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(TopologyError) as refused:
        Topology.load(path)
    problems = refused.value.problems
    assert all(1 <= problem.line <= text.count("\n") + 1 for problem in problems)
    assert all(problem.message and problem.path for problem in problems)
    assert not wrong or wrong in {problem.line for problem in problems}, str(refused.value)
    assert not [secret for secret in SECRETS if secret in str(refused.value)]


def test_the_small_one_is_whole(tmp_path: Path) -> None:
    """It loads: so what is refused is refused for its one mistake."""
    (tmp_path / "topology.yaml").write_text(SMALL)
    assert Topology.load(tmp_path / "topology.yaml").master.name == "a"


ONE_FOLDER = [HealthCheck.function_scoped_fixture]  # for one file, which is written anew


@settings(max_examples=500, deadline=None, suppress_health_check=ONE_FOLDER)
@given(change=MISTAKES)
def test_each_mistake_is_told_with_its_line(change: Change, tmp_path: Path) -> None:
    """The line of the value that cannot be, of the key that is too many, or what lacks one."""
    check(change, tmp_path)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
@settings(max_examples=10_000, deadline=None, suppress_health_check=ONE_FOLDER)
@given(change=MISTAKES)
def test_each_of_ten_thousand_mistakes_is_told_with_its_line(
    change: Change, tmp_path: Path
) -> None:
    """The same, for a night."""
    check(change, tmp_path)
