"""No value of topology.yaml breaks out of a line of a configuration, or means a thing to a shell.

Hypothesis throws names, paths and passwords at the models: what they take must be harmless.
"""

from __future__ import annotations

import copy
import re
import shlex
import socket
import string
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from halab import deployment, haproxy_cfg, names, templates
from halab.cluster import Cluster
from halab.configuration import Configuration
from halab.haproxy import HAProxy
from halab.haproxy_line import sections
from halab.keepalived import CONFIG
from halab.keepalived_conf import Deployed
from halab.lab.plan import Secrets
from halab.node import quoted
from halab.source_lines import SourceLines
from halab.topology import Topology
from halab.tracking import SCRIPT

THESIS = SourceLines.read(Path(__file__).parents[1] / "topology.yaml").data
PATTERNS = {
    names.Label: names.LABEL,
    names.LabName: names.LAB_NAME,
    names.Identifier: names.IDENTIFIER,
    names.Nic: names.NIC,
    names.User: names.USER,
}
# What shells, configurations, YAML, XML and terminals take for more than a letter.
HOSTILE = st.one_of(
    st.text(alphabet=" \t\n\r\0;|&<>(){}[]$`'\"\\*?#~!%@^=:,/.-aZ0\x1b\x7f\x85\u2028", max_size=12),
    st.sampled_from(["$(reboot)", "`reboot`", "a;reboot", "a\nreboot", "a\n}", "}", "{", "-rf"]),
    st.sampled_from(["--", "../..", "%s", "%n", "${IFS}", "{{ vip }}", "{% raw %}", "a b", ""]),
    st.sampled_from(["\n", "a\n", "\udcff", "-", ".", "é"]),
)


def hostile_or(pattern: str) -> st.SearchStrategy[str]:
    """What may be taken, as it is or spoilt, and what should not."""
    sound = st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True)
    spoilt = st.builds(lambda text, more: text + more, sound, HOSTILE)
    return st.one_of(sound, spoilt, HOSTILE)


@pytest.mark.parametrize("kind", PATTERNS, ids=PATTERNS.values())
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_name_that_is_taken_needs_no_quotes(kind: object, data: st.DataObject) -> None:
    """So it reaches a shell as one harmless word even where it is not quoted, and no option."""
    text = data.draw(hostile_or(PATTERNS[kind]))
    try:
        taken = TypeAdapter(kind).validate_python(text)
    except ValidationError:
        return
    assert shlex.quote(taken) == taken
    assert taken.isascii()
    assert not taken.startswith("-") or kind is names.User


@settings(max_examples=100, deadline=None)
@given(values=st.lists(HOSTILE.filter(lambda text: "\0" not in text), min_size=1, max_size=4))
@example(["a'b", "$(id)", "\n", "-n"])
def test_shell_gets_each_value_as_it_is(values: list[str]) -> None:
    """By a real one: what Node.run puts in the place of %s."""
    command = quoted("printf '%%s\\0'" + " %s" * len(values), *values)
    said = subprocess.run(
        ["sh", "-c", command.encode(errors="surrogateescape")], capture_output=True, check=True
    )
    assert said.stdout.decode(errors="surrogateescape").split("\0")[:-1] == values


def with_(values: Mapping[tuple[str, ...], object]) -> Topology:
    """The thesis's cluster with other values; a director's own name is the key of its mapping."""
    data: Any = copy.deepcopy(THESIS)
    for (*holder, key), value in values.items():
        part = data
        for step in holder:
            part = part[step]
        if holder == ["directors"]:
            part[value] = part.pop(key)
        else:
            part[key] = value
    return Topology.model_validate(data)


PLACES = {
    ("name",): names.LAB_NAME,
    ("vrrp", "instance"): names.IDENTIFIER,
    ("directors", "lb1"): names.LABEL,
    ("haproxy", "backend"): names.IDENTIFIER,
    ("haproxy", "peers", "name"): names.IDENTIFIER,
    ("haproxy", "stats", "user"): names.USER,
    ("haproxy", "stats", "uri"): names.URI,
    ("haproxy", "stats", "password"): "^[!-~]{1,20}$",
    ("vrrp", "authentication", "auth_pass"): "^[!-~]{1,8}$",
}
SETTINGS = Configuration(tracking="script", persistence="stick-table")


def rendered(topology: Topology, secrets: Secrets) -> dict[str, str]:
    """The MASTER's files."""
    return deployment.files(topology.master.name, SETTINGS, topology, secrets)


LINES = {
    path: text.count("\n")
    for path, text in rendered(with_({}), Secrets("vrrp-pw", "stats-pw")).items()
}


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_value_that_is_taken_stays_in_its_line(data: st.DataObject) -> None:
    """Every file has as many lines as ever, and its reader finds the value where it belongs."""
    chosen = data.draw(st.lists(st.sampled_from(list(PLACES)), min_size=1, unique=True))
    values = {place: data.draw(hostile_or(PLACES[place])) for place in chosen}
    try:
        topology = with_(values)
    except ValidationError:
        assume(len(chosen) == 1)  # one that is refused hides what would become of the others
        return
    secrets = Secrets.of(topology)
    files = rendered(topology, secrets)
    assert {path: text.count("\n") for path, text in files.items()} == LINES
    assert all(text.isprintable() for file in files.values() for text in file.split("\n"))

    instance, *others = Deployed.parse(files[CONFIG]).instances
    assert not others
    assert instance.name == topology.vrrp.instance
    assert [address.ip for address in instance.virtual_ipaddresses] == [topology.vip]
    if topology.vrrp.authentication.auth_pass is not None:
        assert instance.auth_pass_length == len(secrets.vrrp)

    text = files[HAProxy.config_of(1)]
    parsed, stats = haproxy_cfg.parse(text), topology.haproxy.stats
    assert parsed.frontends["http-frontend"].default_backend == topology.haproxy.backend
    assert set(parsed.peers) == {topology.haproxy.peers.name}
    assert set(parsed.peers[topology.haproxy.peers.name]) == set(topology.directors)
    assert [proxy.stats.uri for proxy in parsed.stats if proxy.stats] == [stats.uri]
    words = [line.words for _, lines in sections(text) for line in lines]
    assert ["stats", "auth", f"{stats.user}:{secrets.stats}"] in words
    assert shlex.split(files[SCRIPT], comments=True)


@settings(max_examples=60, deadline=None)
@given(uri=st.from_regex(re.compile(names.URI[:-1] + r"\Z", re.ASCII), fullmatch=True))
@example(uri="/%s%d%n")
@example(uri="/haproxy?stats;csv&a=b~")
def test_script_asks_for_the_very_page(uri: str) -> None:
    """As bash runs it: keepalived's check of HAProxy."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection, connection.makefile("rb") as lines:
                asked.append(lines.readline())
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")

        serving = threading.Thread(target=answer)
        serving.start()
        script = templates.render(
            "check-haproxy.j2",
            stats_ports=[listening.getsockname()[1]],
            director=SimpleNamespace(address="127.0.0.1"),
            haproxy=SimpleNamespace(stats=SimpleNamespace(uri=uri)),
        )
        subprocess.run(["bash", "-c", script], check=True, timeout=10)
        serving.join()
    assert asked == [f"GET {uri} HTTP/1.0\r\n".encode()]


def test_programs_take_every_password_that_the_models_take(cluster: Cluster) -> None:
    """HAProxy and keepalived themselves, on a director: each character that is not refused."""
    taken = ""
    for character in string.printable:
        try:
            TypeAdapter(names.Password).validate_python(character)
        except ValidationError:
            continue
        taken += character
    assert len(taken) > 75
    director = cluster.master
    folder = "/etc/keepalived/tried"
    try:
        for begin in range(0, len(taken), 8):
            password = taken[begin : begin + 8]
            topology = with_({("vrrp", "authentication", "auth_pass"): password})
            secrets = Secrets(vrrp=password, stats=password)
            files = deployment.files(director.name, Configuration(), topology, secrets)
            director.deploy({
                f"{folder}/keepalived.conf": files[CONFIG],
                f"{folder}/haproxy.cfg": files[HAProxy.config_of(1)],
            })  # fmt: skip
    finally:
        director.node.run("rm -rf -- %s", folder)
