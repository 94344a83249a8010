"""All 24, and all 48, backends are healthy, and no other is served."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import pytest

from halab import webserver
from halab.cluster import Cluster

pytestmark = [
    pytest.mark.observe,
    pytest.mark.configuration(vms_per_server=4),
    pytest.mark.configuration(vms_per_server=8),
]


@pytest.mark.parametrize("role", ["master", "backup"])
def test_every_backend_is_up(cluster: Cluster, role: str) -> None:
    """UP by a check that has been made and passed: HAProxy's first word, UP, is only a hope."""
    healthy = getattr(cluster, role).haproxy().healthy(cluster.topology.haproxy.backend)
    unhealthy = {vm.name for vm in cluster.backends} - healthy
    assert unhealthy == set()


@pytest.mark.parametrize("role", ["master", "backup"])
def test_backends_are_those_of_the_topology(cluster: Cluster, role: str) -> None:
    """Each name with its address and port, none missing, none doubled, none else."""
    servers = getattr(cluster, role).haproxy().servers(cluster.topology.haproxy.backend)
    served = sorted((name, server.addr) for name, server in servers.items())
    port = cluster.topology.webserver.port
    assert served == sorted((vm.name, f"{vm.address}:{port}") for vm in cluster.backends)


@pytest.mark.rests_on("pages", "Apache or nginx")
@pytest.mark.parametrize(
    "page",
    [
        "/index.html",
        "/index.php",
        "/pi.php?n=1000",
        pytest.param("/slow.php?ms=100", marks=pytest.mark.rests_on("slow page")),
    ],
)
def test_every_vm_answers_for_itself(cluster: Cluster, page: str) -> None:
    """A direct request to each VM gets the page, and the page names that VM."""

    def answer(vm):  # type: ignore[no-untyped-def]
        return webserver.get(vm.address, cluster.topology.webserver.port, page)

    with ThreadPoolExecutor(16) as pool:
        answers = dict(zip(cluster.backends, pool.map(answer, cluster.backends), strict=True))
    wrong = {
        vm.name: (a.status, a.served_by)
        for vm, a in answers.items()
        if (a.status, a.served_by) != (200, vm.name) or f"erved by {vm.name}" not in a.page
    }
    assert wrong == {}


@pytest.mark.rests_on("pages", "Apache or nginx")
def test_pi_is_computed(cluster: Cluster) -> None:
    """The midpoint rule over 1,000 intervals is off by 1/(12 n²) of the slope: 8.3e-8."""
    answer = webserver.get(
        cluster.backends[0].address, cluster.topology.webserver.port, "/pi.php?n=1000"
    )
    assert answer.pi == pytest.approx(math.pi + 1 / (12 * 1000**2), abs=1e-11)
