"""A platform of chapter 3: a server by itself, or the guest of a hypervisor on one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from halab import cpu, templates, wait, webserver
from halab.client import Client
from halab.faults.fault import Deed, Fault
from halab.lab.lab import Lab
from halab.node import Node, in_turn
from halab.topology import VirtualMachine
from halab.webserver import Apache

BARE_METAL = "none"
"""What a platform without a hypervisor is called, as systemd-detect-virt does."""

LABELS = {
    BARE_METAL: "bare metal",
    "kvm": "KVM",
    "qemu": "QEMU without KVM",
    "xen": "Xen",
    "vbox": "VirtualBox",
}
"""By kind: "none", or the type of a libvirt domain."""

PAGE = "halab-compared.html"
"""The thesis's index.html, by a name that no server's own page has."""

BOOTS_WITHIN = 120.0
"""Seconds from a guest's power to its SSH; four emulated CPUs on two take 10 to 20."""


@dataclass(frozen=True)
class Platform:
    """``node`` is what is measured, ``server`` the machine below it, which it may be itself.

    ``client`` asks it over the LAN. Whatever can use several CPUs does so with ``threads``, on
    all platforms as many as a guest has vCPUs. ``memory`` is a guest's, in MiB, and ``kernel`` the
    folder of a Linux to compile, empty where none was given.
    """

    kind: str
    node: Node
    server: Node
    client: Client
    port: int
    threads: int
    memory: int
    kernel: str = ""

    @property
    def label(self) -> str:
        """For a report."""
        return LABELS[self.kind]

    def has(self, program: str) -> bool:
        """True if it has the program."""
        return self.node.ask("command -v %s >/dev/null", program).rc == 0


def bare_metal(lab: Lab, client: Client) -> Platform:
    """The topology's, on which nothing is started."""
    described = lab.topology.hypervisors
    assert described is not None
    server = lab.nodes[described.bare_metal]
    return _platform(lab, BARE_METAL, server, server, client)


@contextmanager
def guest(lab: Lab, name: str, client: Client) -> Iterator[Platform]:
    """The guest of the hypervisor that the topology calls so: made, booted, and gone at the end.

    Raises :class:`halab.errors.LabError` where that hypervisor is not there, and
    :class:`halab.errors.NodeError` where it is and its guest does not come up.
    """
    described = lab.topology.hypervisors
    assert described is not None
    vm = lab.topology.guests[name]
    hypervisor = lab.compared(described.hosts[name])
    server, node = lab.nodes[vm.server], lab.guest_nodes[name]
    plan: dict[VirtualMachine, range] = {vm: range(described.guest.vcpus)}

    def clear() -> None:
        hypervisor.clear(server, vm.name)

    def make() -> None:
        clear()
        hypervisor.guests.prepare(server, [vm])
        hypervisor.define(server, plan, pinned=False)
        hypervisor.start(server, [vm])

    with Fault("guest_made", vm.name, Deed(server, make, clear, hypervisor.clearing(vm.name))):
        try:
            wait.until(node.lets_in, what=f"{vm.name} serves SSH", within=BOOTS_WITHIN, every=0.2)
            yield _platform(lab, hypervisor.kind, node, server, client)
        finally:
            node.close()


def _platform(lab: Lab, kind: str, node: Node, server: Node, client: Client) -> Platform:
    described = lab.topology.hypervisors
    assert described is not None
    return Platform(
        kind=kind,
        node=node,
        server=server,
        client=client,
        port=lab.topology.webserver.port,
        threads=described.guest.vcpus,
        memory=described.guest.memory,
        kernel=described.kernel_source or "",
    )


@dataclass(frozen=True)
class Seen:
    """What a platform says of itself: its CPUs, its memory in MiB, and the MAC of its NIC."""

    cpus: int
    memory: int
    mac: str


_LOOK = """\
cat /sys/devices/system/cpu/online
awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo
ip -o -4 address show to %s | { read -r _ nic _; cat "/sys/class/net/$nic/address"; }
"""


def seen(platform: Platform) -> Seen:
    """Ask it."""
    online, memory, mac = platform.node.run(_LOOK, str(platform.node.address)).splitlines()
    return Seen(len(cpu.cpus_in(online)), int(memory), mac)


@contextmanager
def serving(platform: Platform) -> Iterator[None]:
    """Apache serves :data:`PAGE` in the block; one that ran before goes on.

    Of a server by itself it is a fault, which is mended where the run dies. A guest goes whole.
    """
    node = platform.node
    deed = page_served(platform, ran=node.ask("test -e %s", Apache.pid_file).rc == 0)
    with ExitStack() as served:
        if platform.kind == BARE_METAL:
            served.enter_context(Fault("page_served", node.name, deed))
        else:
            served.callback(node.ask, str(deed.heals))
            deed.do()
        wait.until(
            lambda: webserver.accepts(node.address, platform.port),
            what=f"{node.name} accepts connections on port {platform.port}",
            within=20,
            every=0.1,
        )
        yield


def page_served(platform: Platform, *, ran: bool) -> Deed:
    """The page among Apache's, which is started where it has not ``ran``."""
    node, file = platform.node, f"/var/www/html/{PAGE}"

    def do() -> None:
        node.put(file, page())
        if not ran:
            Apache(node).start()

    gone = f"rm -f {file}"
    heals = gone if ran else in_turn(f"systemctl stop {Apache.unit}", gone)
    return Deed(node, do, lambda: node.run(heals), heals)


def page() -> str:
    """What it serves."""
    return templates.pages()["index.html"]
