"""Java, annex A.12: the servlet gives what pi.php gives."""

from __future__ import annotations

import pytest

from halab import page, webserver
from halab.cluster import Cluster
from halab.page import SERVLET

pytestmark = [
    pytest.mark.observe,
    pytest.mark.rests_on("pages"),
    pytest.mark.configuration(servers=1, vms_per_server=2, web_server="tomcat"),
]


def test_every_vm_serves_the_servlet(cluster: Cluster) -> None:
    """Asked directly, each gives its own page, and its pi is right."""
    port = cluster.topology.webserver.port
    answers = {vm: webserver.get(vm.address, port, f"/{SERVLET}") for vm in cluster.backends}
    wrong = {vm.name: [*page.wrong(answer, SERVLET, vm)] for vm, answer in answers.items()}
    assert wrong == {vm.name: [] for vm in cluster.backends}


def test_the_vip_serves_the_servlet(cluster: Cluster) -> None:
    """Through HAProxy each backend's own page, and every one is right."""
    backends = {vm.name: vm for vm in cluster.backends}
    served = {}
    for _ in backends:
        answer = webserver.get(cluster.vip, cluster.ports[0], f"/{SERVLET}")
        assert answer.served_by in backends, f"status {answer.status} by {answer.served_by or '?'}"
        served[answer.served_by] = [*page.wrong(answer, SERVLET, backends[answer.served_by])]
    assert served == {vm: [] for vm in backends}


@pytest.mark.parametrize("n", [100_000, 1_000_000, 10_000_000])
def test_pi_is_right_to_what_n_gives(cluster: Cluster, n: int) -> None:
    """As pi.php's: the midpoint rule's own error, and doubles' rounding."""
    vm, port = cluster.backends[0], cluster.topology.webserver.port
    value, within = page.pi(n)
    answer = webserver.get(vm.address, port, f"/PiServlet?n={n}", within=60)
    assert answer.pi == pytest.approx(value, rel=0, abs=within)


@pytest.mark.parametrize("asked", ["", "?n=0", "?n=many"])
def test_what_is_no_number_of_intervals_is_refused(cluster: Cluster, asked: str) -> None:
    """As pi.php refuses it."""
    vm, port = cluster.backends[0], cluster.topology.webserver.port
    assert webserver.get(vm.address, port, f"/PiServlet{asked}").status == 400
