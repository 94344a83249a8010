"""Load on every HAProxy process at once, from every client: all of it is served, by all of them."""

from __future__ import annotations

import pytest

from fixtures.evidence import Evidence
from halab import load
from halab.budget import Budget
from halab.cluster import Cluster
from halab.load import Throughput

pytestmark = [pytest.mark.disruptive, pytest.mark.configuration(haproxy_processes=3)]

LOAD = load.Load(connections=18, seconds=None, requests=1800)
"""A new connection for each request, and so for each process the same number of them."""

LEAST_PART = 0.5
"""Of an even share of HAProxy's CPU time, which no two processes spend quite alike."""


@pytest.fixture(scope="module")
def seen(cluster: Cluster) -> Throughput:
    """One load on all ports."""
    return load.run(cluster, LOAD)


@pytest.fixture(autouse=True)
def figures(seen: Throughput, evidence: Evidence) -> None:
    """What was measured, for whoever reads a failure."""
    spent = ", ".join(f"{process}: {s:.2f}" for process, s in seen.haproxy_cpu.items())
    evidence.note(str(seen))
    evidence.note(f"seconds of CPU a second by HAProxy process: {spent}")
    evidence.note(f"{seen.time_wait} sockets in TIME_WAIT, {seen.softnet_drops} packets dropped")


def test_every_request_to_every_port_is_served(seen: Throughput, evidence: Evidence) -> None:
    """What clients had together is what the processes counted together, and nothing failed."""
    failed = sum(seen.errors.values())
    evidence.measure("requests that failed", failed, Budget(0, "none may", unit="requests"))
    assert seen.valid.succeeded == LOAD.requests


def test_each_process_does_its_part(seen: Throughput) -> None:
    """As many requests to each port cost each process about as much CPU time."""
    even = sum(seen.haproxy_cpu.values()) / len(seen.haproxy_cpu)
    idle = {n: spent for n, spent in seen.haproxy_cpu.items() if spent < LEAST_PART * even}
    assert not idle


def test_the_director_works_for_haproxy(seen: Throughput, evidence: Evidence) -> None:
    """What else it does takes less of its CPUs than HAProxy does."""
    assert seen.cores is not None
    haproxy = sum(seen.haproxy_cpu.values())
    others = seen.director_cpu * len(seen.cores.cores) - haproxy
    budget = Budget(haproxy, "what HAProxy had", unit="s a second")
    evidence.measure("CPU time of all others", others, budget)
    assert others < haproxy


def test_no_packet_is_dropped_before_it_is_looked_at(cluster: Cluster, seen: Throughput) -> None:
    """No CPU's backlog is ever full (softnet_stat)."""
    if not cluster.lab.directors_have_a_kernel:
        pytest.skip("the directors' kernel is this host's, and counts everybody's packets")
    assert seen.softnet_drops == 0


def test_there_is_room_for_every_socket_in_time_wait(cluster: Cluster, seen: Throughput) -> None:
    """The kernel forgets no connection before its time, as it does once it keeps all it may."""
    most = int(cluster.master.node.run("cat /proc/sys/net/ipv4/tcp_max_tw_buckets"))
    assert seen.time_wait < most
