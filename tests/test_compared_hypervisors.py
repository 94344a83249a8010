"""The hypervisors that are compared: what each lab has of them, and how their guests are made."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from ipaddress import IPv4Address
from pathlib import Path, PurePosixPath

import pytest

from halab.client import Client
from halab.errors import LabError, NodeError
from halab.hypervisor import domain, libvirt, own_guest
from halab.hypervisor.domain import MARK
from halab.hypervisor.own_guest import OwnGuest
from halab.lab import hosting
from halab.node import Node
from halab.platform import PAGE, Platform, page_served
from halab.topology import Topology
from halab.topology_hypervisor import GuestShape
from halab.transport import Access
from tests.answering import Here

TOPOLOGY = Topology.load(Path("topology.yaml"))
assert TOPOLOGY.hypervisors is not None
HOSTS = TOPOLOGY.hypervisors.hosts


def test_a_built_lab_without_libvirt_says_how_to_get_it() -> None:
    with pytest.raises(LabError, match="run with --guests=libvirt"):
        hosting.compared(TOPOLOGY, HOSTS["kvm"], None)


@pytest.mark.parametrize("name", ["xen", "virtualbox"])
def test_what_a_built_lab_has_not_is_named(name: str) -> None:
    with pytest.raises(LabError, match=f"have qemu:///system, not {HOSTS[name].uri}"):
        hosting.compared(TOPOLOGY, HOSTS[name], "tcg")


@pytest.mark.parametrize(("accelerator", "kind"), [("kvm", "kvm"), ("tcg", "qemu")])
def test_a_built_lab_s_guest_has_the_size_of_all_compared_ones(accelerator: str, kind: str) -> None:
    """And is called by what it really is: without KVM it is no KVM."""
    hypervisor = hosting.compared(TOPOLOGY, HOSTS["kvm"], accelerator)
    guest = hypervisor.guests.guest(TOPOLOGY.guests["kvm"])
    assert hypervisor.kind == kind
    assert (guest.memory, guest.bridge) == (2048, "br0")


def test_a_real_host_without_a_disk_for_its_guest_is_named(tmp_path: Path) -> None:
    """Before anything is asked of it."""
    server = Node("server2", IPv4Address("127.0.0.1"), Access("root", tmp_path, tmp_path))
    with pytest.raises(LabError, match=r"hypervisors\.hosts\.xen has no disk"):
        own_guest.compared(server, HOSTS["xen"], GuestShape())


@pytest.mark.parametrize("kind", ["kvm", "xen", "vbox"])
def test_guests_on_real_hosts_are_made_alike(kind: str) -> None:
    """The same vCPUs and memory, on the bridge, whatever the hypervisor."""
    guests = OwnGuest(PurePosixPath("/srv/vm.img"), GuestShape(vcpus=4, memory=2048, bridge="br7"))
    vm = TOPOLOGY.guests["kvm"]
    top = ET.fromstring(domain.xml(vm, guests.guest(vm), kind, 4))
    bridge, disk = top.find("devices/interface/source"), top.find("devices/disk/source")
    assert bridge is not None
    assert disk is not None
    assert (top.findtext("vcpu"), top.findtext("memory")) == ("4", "2048")
    assert (bridge.get("bridge"), disk.get("file")) == ("br7", "/srv/vm.img")
    driver = top.find("devices/disk/driver")
    assert (driver is not None and driver.get("cache")) == ("none" if kind == "kvm" else False)


VIRSH = """
shift 3 # -q -c URI
cd {domains} || exit
case $1 in
    list) ls ;;
    dumpxml) cat "$2" ;;
    metadata) grep -qs "$4" "$2" ;;
    domstate) echo running ;;
    undefine) rm "$2" ;;
esac
"""


@pytest.fixture
def server(tmp_path: Path) -> Here:
    """Whose libvirt has no more than a file for each domain."""
    node = Here("server2", tmp_path / "server2", files=libvirt.FOLDER)
    for name in ("domains", "files"):
        (node.place / name).mkdir()
    node.program("virsh", VIRSH.format(domains=node.place / "domains"))
    return node


def left(server: Here) -> list[str]:
    return sorted(
        path.name for name in ("domains", "files") for path in (server.place / name).iterdir()
    )


def clearing() -> str:
    hypervisor = hosting.compared(TOPOLOGY, HOSTS["kvm"], "kvm")
    return hypervisor.clearing("guest")


def test_guest_is_cleared_by_its_server_alone(server: Here) -> None:
    """With its files, which are there before it is; once more does no harm."""
    for file in ("guest.xml", "guest.disk", "guests.xml"):
        (server.place / "files" / file).touch()
    server.run(clearing())
    assert left(server) == ["guests.xml"]
    (server.place / "domains/guest").write_text(f"<domain><vm xmlns='{MARK}'/></domain>")
    (server.place / "files/guest.xml").touch()
    for _ in range(2):
        server.run(clearing())
        assert left(server) == ["guests.xml"]


def test_domain_of_somebody_else_is_no_guest_to_clear(server: Here) -> None:
    """It stays, and keeps nobody from mending the rest."""
    (server.place / "domains/guest").write_text("<domain/>")
    server.run(clearing())
    assert left(server) == ["guest"]


def test_guest_of_a_libvirt_that_is_away_is_not_cleared(server: Here) -> None:
    """Its files are what tells of it."""
    (server.place / "files/guest.xml").touch()
    server.program("virsh", "echo no connection >&2; exit 1")
    with pytest.raises(NodeError, match="no connection"):
        server.run(clearing())
    assert left(server) == ["guest.xml"]


@pytest.mark.parametrize("ran", [False, True])
def test_page_on_bare_metal_is_taken_away_by_the_server_alone(tmp_path: Path, ran: bool) -> None:
    """With an Apache that was started for it, and without one that ran; once more does no harm."""
    node = Here("server1", tmp_path / "server1", html="/var/www/html")
    told = node.place / "told"
    node.program("systemctl", f'echo "$@" >> {told}')
    (node.place / "html").mkdir()
    (node.place / "html/index.html").touch()
    platform = Platform("none", node, node, Client(node), 80, threads=4, memory=2048)
    deed = page_served(platform, ran=ran)
    node.run(f"touch /var/www/html/{PAGE}")
    for _ in range(2):
        node.run(deed.healing["server1"])
    assert [path.name for path in (node.place / "html").iterdir()] == ["index.html"]
    stopped = told.read_text().splitlines() if told.exists() else []
    assert stopped == ([] if ran else ["stop apache2"] * 2)
