"""Interrupts and packets of a director's NIC that are worked on elsewhere, or dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest import mock

from halab.cluster import Cluster
from halab.director import Director
from halab.nic import Nic
from halab.nic_state import State
from halab.steering import Steering
from tests.mutations.breakage.node import Break, done, sysctl


@contextmanager
def short_of_backlog(cluster: Cluster) -> Iterator[None]:
    """RPS takes all packets to one CPU, whose backlog has room for one of them."""
    node = cluster.master.node
    masks = f"/sys/class/net/{node.nic}/queues/rx-*/rps_cpus"
    steered, unsteered = (f"for q in {masks}; do echo {m} > $q; done" for m in ("2", "0"))
    with done(node, steered, unsteered), sysctl(cluster.master, "net.core.netdev_max_backlog", 1):
        yield


@contextmanager
def interrupted_on(director: Director, cpu: int) -> Iterator[None]:
    """The receive interrupts of its NIC on another CPU."""
    nic = Nic(director.node)
    before = nic.state()
    irqs = [
        replace(irq, smp_affinity=frozenset({cpu}) if irq.receives else irq.smp_affinity)
        for irq in before.irqs
    ]
    try:
        nic.bring(replace(before, irqs=tuple(irqs)))
        yield
    finally:
        nic.bring(before)


def interrupts_crowded() -> Break:
    """Once a test has placed a NIC's interrupts, the second goes to the CPU of the first."""

    def crowded(state: State) -> State:
        first, second, *_ = state.receive_irqs
        moved = replace(second, smp_affinity=first.smp_affinity)
        irqs = tuple(moved if irq == second else irq for irq in state.irqs)
        return replace(state, irqs=irqs)

    return steered_otherwise(crowded)


def packets_steered_on(cpu: int) -> Break:
    """Once a test has placed a NIC's interrupts, RPS takes the packets of all queues elsewhere."""

    def steered_on(state: State) -> State:
        queues = [replace(queue, rps_cpus=frozenset({cpu})) for queue in state.queues]
        return replace(state, queues=tuple(queues))

    return steered_otherwise(steered_on)


@contextmanager
def steered_otherwise(change: Callable[[State], State]) -> Iterator[None]:
    """Whatever a test steers is changed on the node as soon as it has been."""
    steered = Nic.steered

    @contextmanager
    def otherwise(nic: Nic, steering: Steering) -> Iterator[State]:
        with steered(nic, steering) as wanted:
            try:
                nic.change(wanted, change(wanted))
                yield wanted
            finally:
                nic.change(change(wanted), wanted)

    with mock.patch.object(Nic, "steered", otherwise):
        yield
