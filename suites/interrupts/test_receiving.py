"""RPS and RFS: where received packets were worked on under traffic, not what a mask says."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle

import pytest

from fixtures.evidence import Evidence
from halab import placement
from halab.client import Client
from halab.cluster import Cluster
from halab.cpu import cpu_list
from halab.nic import Nic
from halab.softnet import Counters, busy

pytestmark = [
    pytest.mark.disruptive,
    *[pytest.mark.configuration(placement=placed) for placed in (*placement.RPS, *placement.RFS)],
]

# SSH, adverts and ARP are on the NIC too, wherever their flows are hashed to.
STRANGERS = 0.05


@dataclass(frozen=True)
class Seen:
    """What the MASTER did while every process had traffic on its port."""

    counters: Counters
    haproxy: frozenset[int]

    def received(self, besides: frozenset[int]) -> frozenset[int]:
        """The CPUs that took packets to the protocols, of all but those."""
        counted = self.counters.processed
        return busy({cpu: counted[cpu] for cpu in counted.keys() - besides}, STRANGERS)


@pytest.fixture(scope="module")
def seen(cluster: Cluster) -> Seen:
    """Some seconds of traffic on all ports at once, from all clients."""
    nic = Nic(cluster.master.node)
    nodes = cycle(cluster.clients.values())
    with ExitStack() as probes:
        for port in cluster.ports:
            probe = Client(next(nodes)).probe(
                cluster.vip, port, interval=cluster.lab.probe_interval
            )
            probes.callback(probe.stop)
        before = nic.counters()
        ran = [cluster.master.haproxy(process).ran_on() for process in cluster.processes]
        counted = nic.counters() - before
    threads = [cpus for process in ran for cpus in process.values()]
    return Seen(counted, frozenset().union(*threads))


@pytest.fixture(autouse=True)
def figures(cluster: Cluster, seen: Seen, evidence: Evidence) -> None:
    """What was counted, for whoever reads a failure."""
    evidence.note(f"{cluster.placement.name}, {cluster.placement.source}")
    evidence.note(f"packets processed by CPU: {dict(seen.counters.processed)}")
    evidence.note(f"interrupts of the NIC by CPU: {dict(seen.counters.interrupts)}")
    evidence.note(f"HAProxy ran on CPUs {cpu_list(seen.haproxy)}")


def test_packets_were_worked_on_where_they_were_steered(cluster: Cluster, seen: Seen) -> None:
    """On the mask's CPUs, or with RFS on HAProxy's, and on no others besides the interrupt's.

    RFS knows a connection from HAProxy's first reading of it on. What comes before stays where the
    interrupt was, and that is the more, the shorter connections are and the slower HAProxy is.
    """
    steered = cluster.placement.steered_to
    received = seen.received(besides=frozenset(cluster.placement.steering.irq_cpus) - steered)
    assert steered <= received
    assert received <= steered


def test_interrupts_came_to_their_cpu(cluster: Cluster, seen: Seen) -> None:
    """The NIC interrupts the CPU that the placement keeps for it, and no other."""
    assert busy(seen.counters.interrupts) == frozenset(cluster.placement.steering.irq_cpus)


def test_haproxy_kept_off_the_cpus_of_the_network(cluster: Cluster, seen: Seen) -> None:
    """It ran on its own CPUs, each process, and none of them is the network's."""
    assert seen.haproxy == frozenset(cluster.placement.haproxy_cpus)
    assert not seen.haproxy & cluster.placement.kept_for_interrupts


def test_no_packet_was_dropped(seen: Seen) -> None:
    """A backlog without room is a director that is too slow for its clients."""
    assert sum(seen.counters.dropped.values()) == 0
