"""RSS: a NIC with several receive queues has them, and their interrupts, spread over CPUs."""

from __future__ import annotations

import pytest

from fixtures.clients import Clients
from fixtures.evidence import Evidence
from halab.cluster import Cluster
from halab.nic import Nic
from halab.softnet import busy
from halab.steering import Steering

pytestmark = pytest.mark.disruptive

# A queue is used that gets this much of an even share. Hashing spreads connections evenly, but a
# NIC that follows its sender (tun, ixgbe's Flow Director) moves each on to the queue of HAProxy's
# CPU: that one of four got 0.48 to 0.72 of all packets, and each of the others 0.07 to 0.18.
USED = 0.1


def test_queues_are_worked_on_by_a_cpu_each(
    cluster: Cluster, clients: Clients, evidence: Evidence
) -> None:
    """Each queue's interrupt on a CPU of its own: so are its packets."""
    nic = Nic(cluster.master.node)
    state = nic.state()
    irqs = state.receive_irqs
    if len(state.queues) < 2 or len(irqs) < 2:
        pytest.skip(
            f"{nic.name} of {cluster.master.name} has {len(state.queues)} receive queue(s) and "
            f"{len(irqs)} interrupt(s): RSS needs several"
        )
    cpus = tuple(sorted(state.cpus))[: len(irqs)]
    with nic.steered(Steering(irq_cpus=cpus)):
        with clients.probing() as moving:
            pass  # an interrupt moves when it next comes
        before = nic.counters()
        with clients.probing() as placed:
            pass
        counted = nic.counters() - before
    evidence.note(f"interrupts of the NIC by CPU: {dict(counted.interrupts)}")
    evidence.note(f"packets processed by CPU: {dict(counted.processed)}")
    assert moving.lost.total() + placed.lost.total() == 0
    assert busy(counted.interrupts) == frozenset(cpus)
    assert busy(counted.processed, USED / len(cpus)) == frozenset(cpus)
