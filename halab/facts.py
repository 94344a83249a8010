"""What a lab is, by its nodes' own word: whether a figure stated for some hardware holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from halab import cpu
from halab.cluster import Cluster
from halab.errors import NodeError
from halab.load import GENERATORS
from halab.node import Node, each
from halab.thresholds import Conditions, Hardware

UNKNOWN = "unknown"

OTHERWISE_CALLED = {"oracle": "vbox", "systemd-nspawn": "container"}
"""What systemd-detect-virt calls otherwise than libvirt and this project do."""

_LOOK = """\
cat /sys/devices/system/cpu/online
cat /sys/devices/system/node/online 2>/dev/null || echo 0
systemd-detect-virt || true
ls -d /sys/class/net/%s/queues/rx-* | wc -l
sed -n 's/^model name[[:space:]]*: //p;T;q' /proc/cpuinfo
echo
"""
"""The last line stands for a model that is not told: Arm's kernel tells none."""


@dataclass(frozen=True)
class NodeFacts:
    """A node: the model of its CPUs, how many it has, its NUMA nodes and its NIC's queues.

    ``virtualization`` is systemd-detect-virt's word: "none" on a machine of its own.
    """

    cpu: str
    cpus: int
    numa_nodes: int
    queues: int
    virtualization: str

    @classmethod
    def told(cls, text: str) -> NodeFacts:
        """Read what a node answered; raises :class:`NodeError` for anything else."""
        try:
            online, nodes, virtualization, queues, model = text.splitlines()[:5]
            return cls(
                # Intel's older ones are padded: "Intel(R) Core(TM) i5 CPU         760  @ 2.80GHz"
                cpu=" ".join(model.split()),
                cpus=len(cpu.cpus_in(online)),
                numa_nodes=len(cpu.cpus_in(nodes)),
                queues=int(queues),
                virtualization=virtualization.strip(),
            )
        except (ValueError, NodeError) as why:
            raise NodeError(f"facts of a node: {why}: {text[:120]!r}") from None

    def short_of(self, hardware: Hardware) -> Iterator[str]:
        """What this node has, where it is not that hardware."""
        if self.virtualization != "none":
            yield f"{self.virtualization} and no machine of its own"
        if hardware.cpu not in self.cpu:
            yield f"{self.cpu or 'an unnamed CPU'}, not {hardware.cpu}"
        for count, wanted, what in (
            (self.cpus, hardware.cpus, "CPU(s)"),
            (self.numa_nodes, hardware.numa_nodes, "NUMA node(s)"),
            (self.queues, hardware.queues, "queue(s)"),
        ):
            if wanted and count != wanted:
                yield f"{count} {what}, not {wanted}"


@dataclass(frozen=True)
class Facts:
    """A lab: its nodes by role, what hosts its web VMs, and what its clients can ask with."""

    nodes: dict[str, dict[str, NodeFacts]]
    hypervisor: str
    generators: frozenset[str]

    def missing(self, conditions: Conditions, hardware: dict[str, Hardware]) -> list[str]:
        """What keeps a figure for these conditions from holding here; nothing if it holds."""
        found = []
        for role in ("directors", "servers", "clients"):
            if name := getattr(conditions, role):
                short = {
                    short: None
                    for facts in self.nodes[role].values()
                    for short in facts.short_of(hardware[name])
                }
                found += [f"{role} with {why}" for why in short]
        if conditions.hypervisor and conditions.hypervisor != self.hypervisor:
            found.append(f"web VMs on {self.hypervisor}, not {conditions.hypervisor}")
        return found


def unlike(nodes: Mapping[str, NodeFacts]) -> Iterator[str]:
    """Why what one of these machines does is nothing beside what another does; nothing if it is.

    By the model of their CPUs alone: a machine under Xen has as many of them as Xen gives it.

    >>> new, old = (NodeFacts(cpu, 4, 1, 1, "none") for cpu in ("EPYC", "i5"))
    >>> [*unlike({"server1": new, "server2": old, "server3": old})]
    ['servers are not alike: server1 has EPYC; server2, server3 has i5']
    >>> [*unlike({"server1": new, "server2": new})]
    []
    """
    models: dict[str, list[str]] = {}
    for name, its in nodes.items():
        models.setdefault(its.cpu or "an unnamed CPU", []).append(name)
    if len(models) > 1:
        told = (f"{', '.join(names)} has {model}" for model, names in models.items())
        yield f"servers are not alike: {'; '.join(told)}"


def read(cluster: Cluster) -> Facts:
    """Ask all nodes."""
    roles = {
        "directors": [director.node for director in cluster.directors.values()],
        "servers": [*cluster.servers.values()],
        "clients": [*cluster.clients.values()],
    }
    return Facts(
        nodes={role: of_nodes(nodes) for role, nodes in roles.items()},
        hypervisor=_hypervisor(cluster),
        generators=_generators(cluster.clients.values()),
    )


def _hypervisor(cluster: Cluster) -> str:
    """What hosts the web VMs; where nobody has said so, the first of them is asked."""
    kind, vm = cluster.hypervisor.kind, cluster.vm(cluster.backends[0].name)
    if kind != UNKNOWN or not vm.lets_in():
        return kind
    said = vm.run("systemd-detect-virt || true").strip()
    return OTHERWISE_CALLED.get(said, said)


def of_nodes(nodes: Iterable[Node]) -> dict[str, NodeFacts]:
    """What each of these says of itself, by its name."""
    return each(nodes, lambda node: NodeFacts.told(node.run(_LOOK, node.nic)))


def _generators(clients: Iterable[Node]) -> frozenset[str]:
    """Those that every client has."""
    names = " ".join(GENERATORS)
    look = f"for name in {names}; do ! command -v $name >/dev/null || echo $name; done"
    had = each(clients, lambda client: frozenset(client.run(look).split()))
    return frozenset(GENERATORS).intersection(*had.values())
