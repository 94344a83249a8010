"""topology.yaml: the thesis's cluster is read right, and every mistake is told with its line."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from halab import checked_file
from halab.errors import ConfigurationError, TopologyError
from halab.topology import Topology

ROOT = Path(__file__).parent.parent
THESIS = (ROOT / "topology.yaml").read_text()

# Table II, with the two exceptions of annex A.15.
FIRST_VM = 181
EXCEPTIONS = {"web30": "192.168.250.230", "web31": "192.168.250.231"}


def table_ii(number: int) -> tuple[str, str]:
    name = f"web{number}"
    return name, EXCEPTIONS.get(name, f"192.168.250.{FIRST_VM + number - 1}")


@pytest.fixture(scope="module")
def thesis() -> Topology:
    return Topology.load(ROOT / "topology.yaml")


Mistakes = Callable[[str | bytes], TopologyError]


@pytest.fixture
def mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mistakes:
    """Load a file of this text, and return the error that it must give."""
    monkeypatch.chdir(tmp_path)

    def load(text: str | bytes) -> TopologyError:
        raw = text.encode() if isinstance(text, str) else text
        Path("topology.yaml").write_bytes(raw)
        with pytest.raises(TopologyError) as caught:
            Topology.load(Path("topology.yaml"))
        return caught.value

    return load


def changed(*changes: tuple[str, str]) -> str:
    """The thesis's file with each text, which must be in it, replaced once."""
    text = THESIS
    for old, new in changes:
        assert old in text, f"topology.yaml no longer has {old!r}"
        text = text.replace(old, new, 1)
    return text


def line_of(part: str, text: str) -> int:
    """The line (from 1) of the last place where ``part`` stands."""
    assert part in text
    return text.count("\n", 0, text.rindex(part)) + 1


class TestThesisCluster:
    def test_names_nodes_in_the_order_of_the_file(self, thesis: Topology) -> None:
        servers = [f"server{n}" for n in range(1, 7)]
        clients = ["client1", "client2", "client3"]
        routed = ["gateway1", "client4"]
        assert list(thesis.nodes) == ["lb1", "lb2", *servers, *clients, *routed]
        assert all(node.name == name for name, node in thesis.nodes.items())
        assert {node.nic for node in thesis.nodes.values()} == {"eth0"}

    def test_has_its_addresses(self, thesis: Topology) -> None:
        assert thesis.network == IPv4Network("192.168.250.0/24")
        assert thesis.vip == IPv4Address("192.168.250.250")
        assert thesis.servers["server4"].address == IPv4Address("192.168.250.117")
        assert thesis.labs.embedded is not None
        assert thesis.labs.embedded.operator == IPv4Address("192.168.250.2")

    def test_has_a_network_behind_its_gateway(self, thesis: Topology) -> None:
        assert thesis.gateway is not None
        assert thesis.gateway.address in thesis.network
        assert thesis.networks == (thesis.network, IPv4Network("198.51.100.0/24"))
        assert thesis.routed_clients["client4"].address in thesis.networks[1]

    def test_needs_no_gateway(self, tmp_path: Path) -> None:
        """As the thesis has none."""
        file = tmp_path / "topology.yaml"
        begin, end = THESIS.index("gateways:"), THESIS.index("haproxy:\n")
        file.write_text(THESIS[:begin] + THESIS[end:])
        topology = Topology.load(file)
        assert (topology.gateway, topology.routed_clients) == (None, {})
        assert topology.networks == (topology.network,)

    def test_lb1_is_the_master(self, thesis: Topology) -> None:
        assert (thesis.master.name, thesis.master.state) == ("lb1", "MASTER")
        assert (thesis.backup.name, thesis.backup.state) == ("lb2", "BACKUP")

    def test_48_backends_are_all_vms_of_table_ii(self, thesis: Topology) -> None:
        backends = thesis.backends(vms_per_server=8)
        expected = [table_ii(n) for n in range(1, 49)]
        assert [(vm.name, str(vm.address)) for vm in backends] == expected
        assert backends == thesis.vms

    def test_24_backends_are_four_of_each_server(self, thesis: Topology) -> None:
        expected = [table_ii(8 * server + n) for server in range(6) for n in range(1, 5)]
        backends = thesis.backends(vms_per_server=4)
        assert [(vm.name, str(vm.address)) for vm in backends] == expected
        assert [vm.server for vm in backends] == [f"server{n}" for n in range(1, 7) for _ in "1234"]

    @pytest.mark.parametrize(("vms", "said"), [(9, "server1 has 8"), (0, "at least 1")])
    def test_refuses_backends_that_are_not_there(
        self, thesis: Topology, vms: int, said: str
    ) -> None:
        with pytest.raises(ConfigurationError, match=said):
            thesis.backends(vms_per_server=vms)

    def test_cannot_be_changed(self, thesis: Topology) -> None:
        with pytest.raises(ValidationError):
            thesis.vrrp.version = 3

    def test_takes_a_range_with_two_full_addresses(self, tmp_path: Path) -> None:
        file = tmp_path / "topology.yaml"
        file.write_text(changed(("192.168.250.181-188", "192.168.250.181-192.168.250.188")))
        assert Topology.load(file).vms[7].address == IPv4Address("192.168.250.188")


# What is written, what it becomes, the text on whose line the error must be, path, message.
MISTAKES = {
    "unknown key": (
        "  maxconn:",
        "  maxcon: 1\n  maxconn:",
        "maxcon: 1",
        "maxcon",
        "did you mean maxconn?",
    ),
    "missing key": ("  port: 80\n", "  {}\n", "webserver:", "webserver.port", "is missing"),
    "name in a machine": ("client1: {", "client1: {name: a, ", "name: a", ".name", "unknown key"),
    "MAC as NIC": ("nic: eth0", "nic: 00:16:3e:00:00:01", "00:16", "lb1.nic", "Linux NIC name"),
    "long NIC": ("nic: eth0", "nic: eth0123456789012", "eth01", "lb1.nic", "1 to 15"),
    "NIC with /": ("nic: eth0", "nic: eth/0", "eth/0", "lb1.nic", "Linux NIC name"),
    "NIC ..": ("nic: eth0", "nic: ..", "nic: ..", "lb1.nic", "Linux NIC name"),
    "bad node name": ("client2:", "Client_2:", "Client_2", "clients.Client_2", "RFC 1123"),
    "bad lab name": ("name: thesis", "name: ../x", "../x", "name", "lowercase"),
    "number as name": ("name: thesis", "name: 12", "name: 12", "name", "in quotes"),
    "bad instance": ("HA1", "HA 1", "HA 1", "vrrp.instance", "letters, digits"),
    "bad backend": ("wwwbackend", "www {", "www {", "haproxy.backend", "letters, digits"),
    "range reversed": (".189-196", ".196-189", "server2:", "server2.vms", "reversed; write 192"),
    "range of nothing": ("192.168.250.189-196", '""', "server2:", "server2.vms", "must be a range"),
    "range too long": (".250.189-196", ".0.0-192.168.9.9", "server2:", "server2.vms", "1024"),
    "ranges overlap": (".189-196", ".188-195", "server2:", "server2.vms", "server1 and server2"),
    "address twice": (
        ".113}",
        ".126}",
        ".126}\n  client2",
        "client1.address",
        "server1 and client",
    ),
    "VIP of a VM": (".250.250", ".250.181", "server1:", "server1.vms", "the VIP and web1"),
    "VIP of a director": (
        ".250.250",
        ".250.111",
        "virtual_ip",
        "virtual_ipaddress",
        "lb2 and the VIP",
    ),
    "operator twice": (
        ".250.2\n",
        ".250.115\n",
        "operator:",
        "operator",
        "client2 and the operator",
    ),
    "exception twice": (".250.231", ".250.230", "web31:", "web31", "both web30 and web31"),
    "VIP outside": (
        ".250.250",
        ".251.250",
        "virtual_ip",
        "virtual_ipaddress",
        "outside the network",
    ),
    "VMs outside": (".250.189-196", ".251.189-196", "server2:", "server2.vms", "outside"),
    "network address": (".113}", ".0}", "client1", "client1.address", "itself"),
    "broadcast address": (".113}", ".255}", "client1", "client1.address", "broadcast"),
    "gateway outside": (
        "192.168.250.1,",
        "192.168.251.1,",
        "gateway1",
        "gateway1.address",
        "outside the network 192.168.250.0/24",
    ),
    "routed client in the LAN": (
        "198.51.100.113",
        "192.168.250.118",
        "client4",
        "client4.address",
        "outside the network 198.51.100.0/24",
    ),
    "client of the LAN behind the gateway": (
        "192.168.250.116",
        "198.51.100.116",
        "client3:",
        "client3.address",
        "outside the network 192.168.250.0/24",
    ),
    "routed client twice": (
        "198.51.100.113",
        "198.51.100.1",
        "gateway1",
        "gateway1.behind",
        "both client4 and gateway1",
    ),
    "gateway is the operator": (
        "192.168.250.1,",
        "192.168.250.2,",
        "operator:",
        "operator",
        "gateway1 and the operator",
    ),
    "behind is the LAN": (
        "behind: 198.51.100.1/24",
        "behind: 192.168.250.9/28",
        "gateway1",
        "gateway1.behind",
        "overlaps the network 192.168.250.0/24",
    ),
    "behind without prefix": ("100.1/24", "100.1", "gateway1", "gateway1.behind", "its prefix"),
    "behind is a network": ("100.1/24", "100.0/24", "gateway1", "gateway1.behind", "itself"),
    "two gateways": (
        "  gateway1:",
        "  gateway2: {address: 192.168.250.3, behind: 198.51.100.3/24}\n  gateway1:",
        "gateways:",
        "gateways",
        "more than the 1",
    ),
    "no gateway": (
        "gateways:\n  gateway1:",
        "# gateway1:",
        "routed_clients:",
        "routed_clients",
        "add it",
    ),
    "name of a client": (
        "client4:",
        "client1:",
        "client1",
        "routed_clients.client1",
        "the clients",
    ),
    "host bits": (".250.0/24", ".250.7/24", "network:", "network", "write 192.168.250.0/24"),
    "no address": (".113}", ".313}", "client1", "client1.address", "must be an IPv4 address"),
    "integer address": ("192.168.250.113", "3232299633", "client1", "client1.address", "IPv4"),
    "same priority": ("priority: 100", "priority: 150", "lb2", "lb2.priority", "both have"),
    "priority 255": ("priority: 150", "priority: 255", "lb1", "lb1.priority", "254"),
    "priority 0": ("priority: 100", "priority: 0", "lb2", "lb2.priority", "equal to 1"),
    "priority true": ("priority: 150", "priority: true", "lb1", "lb1.priority", "whole number"),
    "MASTER is lower": ("priority: 150", "priority: 90", "lb1", "lb1.priority", "lb2 has the high"),
    "two MASTERs": ("state: BACKUP", "state: MASTER", "lb2", "lb2.state", "both MASTER"),
    "no such state": ("state: MASTER", "state: no", "lb1", "lb1.state", "'MASTER' or 'BACKUP'"),
    "one director": ("  lb2:", "  # lb2:", "directors:", "directors", "at least 2"),
    "router id": ("router_id: 11", "router_id: 256", "router_id", "router_id", "255"),
    "version": ("version: 2", "version: 4", "version", "vrrp.version", "2 or 3"),
    "advert_int 0": ("advert_int: 1", "advert_int: 0", "advert_int", "vrrp.advert_int", "0.01"),
    "port twice": ("8083, 8084", "8083, 8081", "8083, 8081", "frontend_ports[3]", "port 8081"),
    "port of stats": ("port: 9000", "port: 8084", "stats:", "stats.port", "frontend_ports"),
    "port 0": ("port: 1234", "port: 0", "peers:", "peers.port", "equal to 1"),
    "check": ("fall: 3", "fall: 0", "check:", "check.fall", "equal to 1"),
    "no such VM": ("web31:", "web49:", "web49", "vm_exceptions.web49", "web1 to web48"),
    "name of a VM": ("client3:", "web7:", "web7", "clients.web7", "a VM of server1"),
    "no such server": (
        "kvm: {server: server1",
        "kvm: {server: server9",
        "kvm:",
        "hosts.kvm.server",
        "there is server1, server2",
    ),
    "no bare metal": (
        "bare_metal: server1",
        "bare_metal: web1",
        "bare_metal",
        "bare_metal",
        "no server 'web1'",
    ),
    "unknown hypervisor": (
        "xen:///system",
        "esx://host",
        "xen:",
        "hosts.xen.uri",
        "vbox:///session",
    ),
    "one libvirt twice": (
        "xen:///system",
        "qemu:///system",
        "xen:",
        "hosts.xen.uri",
        "also that of kvm",
    ),
    "address of a guest": (
        "250.242}",
        "250.241}",
        "xen:",
        "hosts.xen.address",
        "both vm-kvm and vm-xen",
    ),
    "name of a hypervisor": (
        "    xen: {",
        "    xen-4: {",
        "xen-4:",
        "hosts.xen-4",
        "a letter first",
    ),
    "no vCPU": ("vcpus: 4", "vcpus: 0", "vcpus", "guest.vcpus", "equal to 1"),
    "name of a guest": ("client3:", "vm-xen:", "vm-xen:", "clients.vm-xen", "the guest of xen"),
    "no queue": ("queues: 1", "queues: 0", "queues: 0", "emulated.queues", "equal to 1"),
    "17 queues": ("queues: 1", "queues: 17", "queues: 17", "emulated.queues", "equal to 16"),
    "half a queue": ("queues: 1", "queues: 1.5", "queues: 1.5", "emulated.queues", "whole number"),
    "alias": ("priority: 150", "priority: *high", "lb1", "lb1.priority", "aliases"),
    "tag": ("priority: 150", "priority: !!float 150", "lb1", "lb1.priority", "tags"),
    "list as key": ("\nwebserver:", "\n? [a]\n: b\nwebserver:", "? [a]", "(file)", "a key must"),
    "second document": ("\nwebserver:", "\n---\nwebserver:", "---", "(file)", "second document"),
    "tab": ("  port: 80\n", "\tport: 80\n", "\tport", "(file)", "not YAML"),
    "control character": ("thesis\n", "the\x01sis\n", "\x01", "(file)", "does not allow"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_is_told_with_its_line(mistake: str, mistakes: Mistakes) -> None:
    """One mistake gives one problem, on its own line, that says what is wrong."""
    old, new, at, path, message = MISTAKES[mistake]
    text = changed((old, new))

    error = mistakes(text)

    (problem,) = error.problems
    assert str(error).startswith(f"topology.yaml:{line_of(at, text)}: ")
    assert problem.path.endswith(path)
    assert message in problem.message


def test_every_duplicate_key_is_told(mistakes: Mistakes) -> None:
    """Not the first only, and each with the line of the key that it repeats."""
    text = changed(
        ("  backend: wwwbackend\n", "  backend: wwwbackend\n  backend: other\n  backend: more\n"),
        ("webserver:", "name: again\nwebserver:"),
    )
    first = line_of("backend: www", text)
    said = f"duplicate key, first on line {first}; keep one of them"
    of_name = said.replace(str(first), str(line_of("name: thesis", text)))

    lines = str(mistakes(text)).splitlines()

    assert lines == [
        f"topology.yaml:{first + 1}: haproxy.backend: {said}",
        f"topology.yaml:{first + 2}: haproxy.backend: {said}",
        f"topology.yaml:{line_of('name: again', text)}: name: {of_name}",
    ]


def test_all_mistakes_come_at_once(mistakes: Mistakes) -> None:
    """Mistakes of form, of kind and between parts do not hide each other."""
    text = changed(
        ("nic: eth0", "nic: eth/0"),
        ("priority: 100", "priority: 150"),
        ("version: 2", "version: 2\n  version: 3"),
        (".189-196", ".196-189"),
        (".197-204", ".204-211"),
        ("web31:", "web31: &a"),
        (".113}", ".115}"),
        ("maxconn:", "maxcon:"),
        ("port: 9000", "port: 8081"),
    )

    paths = [problem.path for problem in mistakes(text).problems]

    assert paths == [
        "directors.lb1.nic",
        "directors.lb2.priority",
        "vrrp.version",
        "servers.server2.vms",
        "servers.server4.vms",
        "vm_exceptions.web31",
        "clients.client2.address",
        "haproxy.maxconn",
        "haproxy.maxcon",
        "haproxy.stats.port",
    ]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "the file is empty"),
        ("# nothing\n", 1, "the file is empty"),
        ("- a\n- b\n", 1, "must be a mapping"),
        ("\njust text\n", 2, "must be a mapping"),
        ("a:\n  [1,\nb: 2\n", 4, "a flow sequence that began on line 2"),
        (b"a: 1\nb: \xff\n", 2, "is not UTF-8"),
        ("a: " + "[" * 5000, 1, "nested deeper"),
    ],
)
def test_what_is_no_topology_is_refused(
    text: str | bytes, line: int, message: str, mistakes: Mistakes
) -> None:
    """A file of another kind gives a line and a reason, not a traceback."""
    (problem,) = mistakes(text).problems
    assert problem.line == line
    assert message in problem.message


@pytest.mark.parametrize("path", ["absent.yaml", "."])
def test_unreadable_file_is_told_by_the_name_given(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message begins with the path as the user gave it."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TopologyError, match=rf"^{re.escape(path)}:1: \(file\): cannot be read: "):
        Topology.load(Path(path))


SECRET = "Kx7qZp4w"
AUTH = "auth_type: PASS"
STATS = "user: operator"


class TestSecrets:
    def test_are_taken_and_not_shown(self, tmp_path: Path) -> None:
        """Neither the topology nor its JSON prints a password; its holder can ask for it."""
        file = tmp_path / "topology.yaml"
        file.write_text(
            changed((AUTH, f"{AUTH}, auth_pass: {SECRET}"), (STATS, f"{STATS}, password: {SECRET}"))
        )
        topology = Topology.load(file)
        secret = topology.vrrp.authentication.auth_pass
        assert secret is not None
        assert secret.get_secret_value() == SECRET
        assert SECRET not in f"{topology!r}{topology}{topology.model_dump_json()}"

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            (AUTH, f"{AUTH}, auth_pass: {SECRET}9", "longer than 8"),
            (AUTH, f"{AUTH}, auth_pass: '{SECRET} '", "printable ASCII"),
            (AUTH, f"{AUTH}, auth_pass: {SECRET},{SECRET}", "unknown key"),
            (AUTH, f"{AUTH}, auth_pass: &{SECRET} x", "in quotes"),
            (AUTH, f"{AUTH}, auth_pass: *{SECRET}", "in quotes"),
            (AUTH, f"{AUTH}, auth_pass: !{SECRET} x", "in quotes"),
            (AUTH, f"{AUTH}, auth_pass: !{SECRET}!x", "not YAML"),
            (AUTH, f"{AUTH}, auth_pass: [{SECRET}]", "must be text"),
            (AUTH, f"{AUTH}, auth_pass: '{SECRET}'{SECRET}", "not YAML"),
            (AUTH, f'{AUTH}, auth_pass: "\\{SECRET}"', "not YAML"),
            (AUTH, f"auth_type: {SECRET}", "'PASS' or 'NONE'"),
            (AUTH, f"auth_type: NONE, auth_pass: {SECRET}", "no use with auth_type NONE"),
            ("{auth_type: PASS}", SECRET, "must be a mapping"),
            (STATS, f"{STATS}, password: {SECRET}#{SECRET}", "printable ASCII"),
            (STATS, f"{STATS}, password: {SECRET}, {SECRET}: 1, {SECRET}: 2", "duplicate key"),
        ],
    )
    def test_are_in_no_message(self, old: str, new: str, message: str, mistakes: Mistakes) -> None:
        """However a password is mistyped, the error tells its line and not the password."""
        error = mistakes(changed((old, new)))
        assert message in str(error)
        assert SECRET not in f"{error}{error!r}{error.__cause__}{error.__context__}"

    def test_digits_are_asked_for_in_quotes(self, mistakes: Mistakes) -> None:
        """Plain digits are a number in YAML, which would lose a leading zero."""
        error = mistakes(changed((AUTH, f"{AUTH}, auth_pass: 01234567")))
        assert "vrrp.authentication.auth_pass: must be text; put it in quotes" in str(error)
        assert "1234567" not in str(error)

    def test_admin_admin_is_refused(self, mistakes: Mistakes) -> None:
        """The statistics page must not open to the pair that everyone tries first."""
        text = changed((STATS, "user: admin, password: admin"))
        (problem,) = mistakes(text).problems
        assert problem.line == line_of("password: admin", text)
        assert "well-known" in problem.message


def test_schema_file_is_up_to_date() -> None:
    """Editors check topology.yaml by the schema that the models give."""
    written = json.loads((ROOT / "docs" / "topology.schema.json").read_text())
    assert written == checked_file.schema_of(Topology), (
        "run: python -m halab.topology > docs/topology.schema.json"
    )


TOKENS = [
    "no",
    "-1",
    "1e999",
    "null",
    "*a",
    "&a ",
    "!x ",
    "{",
    "[",
    "]",
    ": ",
    "- ",
    "\t",
    '"',
    "'",
]
TOKENS += [
    "\n",
    "\n---\n",
    "%YAML 1.1\n",
    "<<: ",
    "? ",
    "#",
    "\0",
    "\x85",
    "\U0001f600",
    '"\\ud800"',
]
TOKENS += [
    "0.0.0.0-255.255.255.255",
    "255.255.255.255",
    "9" * 5000,
    "name: x\n",
    "[[",
    "- a\n",
    "|\n",
]

EDIT = st.tuples(
    st.integers(0, len(THESIS)),
    st.integers(0, 40),
    st.one_of(st.sampled_from(TOKENS), st.text(max_size=6), st.just("")),
)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(edits=st.lists(EDIT, min_size=1, max_size=6))
@example(edits=[(THESIS.index("thesis\n"), 6, '"\\ud800"')])
@example(edits=[(THESIS.index("web30"), 5, '"a\\nb"')])
@example(edits=[(THESIS.index("150}"), 3, "9" * 5000)])
def test_mangled_file_loads_or_is_refused_with_lines(
    edits: list[tuple[int, int, str]], tmp_path: Path
) -> None:
    """Whatever is cut from the file or put into it, the only error is one with lines in it."""
    text = THESIS
    for at, length, new in edits:
        text = text[:at] + new + text[at + length :]
    raw = text.encode("utf-8", "surrogatepass")
    file = tmp_path / "topology.yaml"
    file.write_bytes(raw)

    try:
        topology = Topology.load(file)
    except TopologyError as error:
        assert error.problems  # noqa: PT017 - most mangled files load, and that is well
        last = len(re.split("\r\n|[\r\n\x85\u2028\u2029]", raw.decode("utf-8", "replace")))
        for problem, line in zip(error.problems, str(error).split("\n"), strict=True):
            assert line.startswith(f"{os.fspath(file)}:{problem.line}: ")
            assert 1 <= problem.line <= last
    else:
        assert topology.master.priority > topology.backup.priority
