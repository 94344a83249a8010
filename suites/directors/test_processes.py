"""HAProxy's processes: as many as asked for, each on its own, on both directors."""

from __future__ import annotations

from collections import Counter

import pytest

from halab import webserver
from halab.cluster import Cluster

pytestmark = [
    pytest.mark.observe,
    pytest.mark.configuration(haproxy_processes=1),
    pytest.mark.configuration(haproxy_processes=2),
    pytest.mark.configuration(haproxy_processes=3),
    pytest.mark.configuration(haproxy_processes=4),
    # what HAProxy has today instead: one process, a thread and a port for each of the four
    pytest.mark.configuration(haproxy_threads=4),
]

BOTH = pytest.mark.parametrize("role", ["master", "backup"])
TURNS = 10


@BOTH
def test_as_many_processes_run_as_asked_for(cluster: Cluster, role: str) -> None:
    """Each is a unit of its own, with a PID file that names its master process."""
    director = getattr(cluster, role)
    assert director.haproxy_processes() == set(cluster.processes)
    for process in cluster.processes:
        haproxy = director.haproxy(process)
        assert director.node.host.service(haproxy.unit.name).is_enabled
        written = director.node.host.file(haproxy.pid_file).content_string
        assert int(written) == haproxy.unit.main_pid()


@BOTH
def test_each_process_serves_its_own_ports_and_only_those(cluster: Cluster, role: str) -> None:
    """Who listens on a frontend port, by the kernel's word."""
    director = getattr(cluster, role)
    frontends = set(cluster.topology.haproxy.frontend_ports)
    serves = {
        process: director.haproxy(process).listens_on() & frontends for process in cluster.processes
    }
    assert serves == {process: set(cluster.ports_of(process)) for process in cluster.processes}


@BOTH
def test_no_two_processes_share_an_admin_socket(cluster: Cluster, role: str) -> None:
    """Behind each socket another worker answers, with as many threads as asked for."""
    director = getattr(cluster, role)
    told = [director.haproxy(process).info() for process in cluster.processes]
    assert len({info["Pid"] for info in told}) == len(cluster.processes)
    threads = {int(info["Nbthread"]) for info in told}
    assert threads == {len(cluster.ports_of(process)) for process in cluster.processes}


def test_the_vip_serves_each_port(cluster: Cluster) -> None:
    """And no port beyond those: clients are refused there."""
    ports = cluster.topology.haproxy.frontend_ports
    answers = {port: webserver.accepts(cluster.vip, port) for port in ports}
    assert answers == {port: port in cluster.ports for port in ports}


def test_each_process_rotates_over_all_backends_by_itself(cluster: Cluster) -> None:
    """A wheel for each process: requests to one do not turn another's."""
    served: dict[int, Counter[str]] = {process: Counter() for process in cluster.processes}
    for turn in range(TURNS * len(cluster.backends)):
        for process in cluster.processes:
            ports = cluster.ports_of(process)
            answer = webserver.get(cluster.vip, ports[turn % len(ports)])
            served[process][answer.served_by] += 1
    share = {vm.name: TURNS for vm in cluster.backends}
    assert served == dict.fromkeys(served, share)
