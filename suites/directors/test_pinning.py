"""HAProxy pinned by CPU list: where its threads ran under traffic, not where they were told to."""

from __future__ import annotations

import pytest

from fixtures.clients import Clients
from halab import placement
from halab.cluster import Cluster

pytestmark = [
    pytest.mark.observe,
    pytest.mark.configuration(haproxy_processes=4, haproxy_cpus=(0, 1, 0, 1)),
    pytest.mark.configuration(haproxy_threads=2, haproxy_cpus=(1, 0)),
    pytest.mark.configuration(haproxy_processes=2),
    pytest.mark.configuration(placement=placement.UNSTEERED),
    *[pytest.mark.configuration(placement=placed) for placed in (*placement.RPS, *placement.RFS)],
]


@pytest.mark.parametrize("role", ["master", "backup"])
def test_threads_may_run_on_their_cpus_alone(cluster: Cluster, role: str) -> None:
    """Each thread by the kernel's word; all CPUs of the director where none were asked for."""
    director = getattr(cluster, role)
    for process in cluster.processes:
        allowed = director.haproxy(process).cpus_allowed()
        assert sorted(map(sorted, allowed.values())) == sorted(
            map(sorted, cluster.cpus_by_thread(process))
        )


def test_threads_ran_on_their_cpus_alone(cluster: Cluster, clients: Clients) -> None:
    """Each process gets traffic on its port; a thread that had none is no witness."""
    for process in cluster.processes:
        wanted = frozenset().union(*cluster.cpus_by_thread(process))
        with clients.probing(port=cluster.ports_of(process)[0]):
            ran = cluster.master.haproxy(process).ran_on()
        on = frozenset().union(*ran.values())
        assert on
        assert on <= wanted
