"""A HAProxy process dies: its own clients are soon served again, all others notice nothing."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from fixtures.clients import Clients
from halab.cluster import Cluster
from halab.faults import haproxy_killed

pytestmark = [
    pytest.mark.disruptive,
    pytest.mark.configuration(haproxy_processes=2),
    pytest.mark.configuration(haproxy_processes=4),
]


def test_killed_process_is_started_again_and_the_others_go_on(
    cluster: Cluster, clients: Clients, inflict: Callable
) -> None:
    """systemd starts it anew, with another PID; no other process shares its fate."""
    if not cluster.lab.directors_cpus_run_at_once:
        pytest.skip(
            "the directors' CPUs share one thread of QEMU: while a HAProxy starts, no other runs"
        )
    haproxy = cluster.master.haproxy(cluster.processes[-1])

    with (
        clients.probing(port=cluster.ports_of(1)[0], client=clients.second) as others,
        clients.probing(
            port=cluster.ports_of(haproxy.process)[0], until=haproxy.replaces(haproxy.pid())
        ) as own,
    ):
        inflict(haproxy_killed(haproxy))

    assert own.longest_outage < math.inf
    assert others.lost.total() == 0
