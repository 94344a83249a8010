"""A lab of any kind: its nodes over SSH, and what may be asked of it."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path

from halab import cpu, wait
from halab.budget import Work
from halab.hypervisor import Hypervisor
from halab.hypervisor.libvirt import LibvirtHypervisor
from halab.lab.front_panel import FrontPanel
from halab.lab.journal import Writes
from halab.lab.plan import Secrets
from halab.node import Node, each
from halab.placement import Machine
from halab.topology import Topology
from halab.topology_hypervisor import HypervisorHost
from halab.transport import Access


class Lab(FrontPanel):
    """The nodes of a topology, and its web VMs as nodes of their own."""

    kind = ""
    boots_within = 30.0
    """Seconds that a machine may take from power to SSH."""
    probe_interval = 0.002
    """Seconds between a client's requests, as close as its directors can bear."""
    nic_down_lasts = 60.0
    """Seconds after which a NIC that was taken down comes up by itself, at the latest."""
    shared: tuple[Work, ...] = ()
    """What a takeover may take longer because other labs are at work on this machine."""
    directors_have_a_kernel = False
    """Each its own: one that is shared tells of processes in the first network namespace only."""
    directors_cpus_run_at_once = True
    guests = ""
    """What the web VMs of a built lab are."""
    secrets: Secrets
    hypervisor: Hypervisor
    journal: Writes

    def rack_up(self, topology: Topology, name: str, access: Access, into_vms: Access) -> None:
        """Make nodes of the topology's machines; nothing is connected to yet."""
        self.topology = topology
        self.name = name
        self.access = access
        nodes = topology.nodes.values()
        self.nodes = {n.name: Node(n.name, n.address, access, n.nic, self.journal) for n in nodes}
        self.vms = {
            vm.name: Node(vm.name, vm.address, into_vms, journal=self.journal)
            for vm in topology.vms
        }
        self.guest_nodes = {
            name: Node(vm.name, vm.address, into_vms, journal=self.journal)
            for name, vm in topology.guests.items()
        }

    @abstractmethod
    def compared(self, host: HypervisorHost) -> LibvirtHypervisor:
        """The hypervisor of that description, which makes the guest that is compared.

        Raises :class:`halab.errors.LabError` that says what is not there.
        """

    @property
    @abstractmethod
    def directors_are(self) -> Machine:
        """What a director is to those who place things on it."""

    @property
    def takeover_works(self) -> tuple[Work, ...]:
        """What a takeover may take once VRRP's timer has run out, by who grants it.

        HAProxy's timers wait for the same CPUs: those of its retries and of its health checks.
        """
        own = Work("takeover_work", self.topology.vrrp.takeover_work)
        return (own, *self.shared)

    def await_nodes(self, *names: str) -> None:
        """Wait until the sshd of these nodes, or of all, lets us in.

        Raises NotReached with what a node said.
        """

        def in_(node: Node) -> None:
            wait.until(
                node.lets_in,
                what=f"{node.name} serves SSH",
                within=self.boots_within,
                every=0.05,
                seen=lambda: self.last_words(node.name),
            )

        each([self.nodes[name] for name in names or self.nodes], in_)

    def last_words(self, _machine: str) -> str:
        """What a machine that does not let us in has said otherwise."""
        return "no answer"

    def has_own_kernel(self, _machine: str) -> bool:
        """True for a machine whose kernel, and so whose clock, is not this host's."""
        return False

    def close(self) -> None:
        """Close all connections to the lab, which stands on."""
        for node in (*self.nodes.values(), *self.vms.values(), *self.guest_nodes.values()):
            node.close()


def this_machine() -> Machine:
    """The CPUs and NUMA nodes of this host."""
    online = cpu.cpus_in(Path("/sys/devices/system/cpu/online").read_text())
    nodes = Path("/sys/devices/system/node/online")
    return Machine(online, len(cpu.cpus_in(nodes.read_text())) if nodes.exists() else 1)
