"""Where packets are worked on: RPS and interrupts."""

from __future__ import annotations

from tests.mutations.breakage import haproxy, network, nic, node
from tests.mutations.mutation import Mutation

RECEIVING = "suites/interrupts/test_receiving.py::"
QUEUES = "suites/interrupts/test_queues.py::"

MUTATIONS = (
    Mutation(
        "RPS has every CPU",
        RECEIVING + "test_packets_were_worked_on_where_they_were_steered[008c]",
        "received <= steered",
        lambda c: node.done(
            c.master.node,
            "echo ffff > /sys/class/net/eth0/queues/rx-0/rps_cpus",
            "echo 0 > /sys/class/net/eth0/queues/rx-0/rps_cpus",
        ),
        lab="emulated",
    ),
    Mutation(
        "RPS is off",
        RECEIVING + "test_packets_were_worked_on_where_they_were_steered[008c]",
        "steered <= received",
        lambda c: node.done(
            c.master.node,
            "echo 0 > /sys/class/net/eth0/queues/rx-0/rps_cpus",
            "echo 8c > /sys/class/net/eth0/queues/rx-0/rps_cpus",
        ),
        lab="emulated",
    ),
    Mutation(
        "the NIC interrupts another CPU",
        RECEIVING + "test_interrupts_came_to_their_cpu[008c]",
        "busy(",
        lambda c: nic.interrupted_on(c.master, 12),
        lab="emulated",
    ),
    Mutation(
        "HAProxy runs on the interrupt's CPU",
        RECEIVING + "test_haproxy_kept_off_the_cpus_of_the_network[008c]",
        "seen.haproxy ==",
        lambda c: haproxy.moved(c, 1, frozenset({6})),
        lab="emulated",
    ),
    Mutation(
        "two queues interrupt one CPU",
        QUEUES + "test_queues_are_worked_on_by_a_cpu_each",
        "counted.interrupts",
        lambda _: nic.interrupts_crowded(),
        lab="emulated",
        queues=2,
    ),
    Mutation(
        "RPS takes the packets of all queues to one CPU",
        QUEUES + "test_queues_are_worked_on_by_a_cpu_each",
        "counted.processed",
        lambda _: nic.packets_steered_on(12),
        lab="emulated",
        queues=2,
    ),
    Mutation(
        "a director with queues loses a client's first connections",
        QUEUES + "test_queues_are_worked_on_by_a_cpu_each",
        "lost.total()",
        network.first_connections_lost,
        lab="emulated",
        queues=2,
    ),
)
