"""G-WAN, section 4.2.1: no longer distributed, so only with a binary of the operator's."""

from __future__ import annotations

import pytest

from halab import page, webserver
from halab.cluster import Cluster
from halab.webserver import Answer

PAGE = "index.html"

pytestmark = [
    pytest.mark.observe,
    pytest.mark.rests_on("pages"),
    pytest.mark.configuration(servers=1, vms_per_server=2, web_server="g-wan"),
]


def test_every_vm_serves_its_page(cluster: Cluster) -> None:
    """Asked directly, each names itself in it."""
    port = cluster.topology.webserver.port
    answers = {vm: webserver.get(vm.address, port, f"/{PAGE}") for vm in cluster.backends}
    wrong = {vm.name: [*page.wrong(a, PAGE, vm, names_itself=False)] for vm, a in answers.items()}
    assert wrong == {vm.name: [] for vm in cluster.backends}


def test_the_vip_serves_every_vm_s_page(cluster: Cluster) -> None:
    """Through HAProxy, in turn."""

    def asked() -> Answer:
        return webserver.get(cluster.vip, cluster.ports[0], f"/{PAGE}")

    answers = [asked() for _ in cluster.backends]
    right = {
        vm.name: sum(not [*page.wrong(a, PAGE, vm, names_itself=False)] for a in answers)
        for vm in cluster.backends
    }
    assert right == {vm.name: 1 for vm in cluster.backends}
