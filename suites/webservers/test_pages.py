"""Every page is right, whichever web server serves it: those of section 4.2.1, and today's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from halab import page, webserver
from halab.cluster import Cluster
from halab.page import PAGES
from halab.topology import VirtualMachine

pytestmark = [
    pytest.mark.observe,
    pytest.mark.rests_on("Apache or nginx"),
    pytest.mark.configuration(web_server="apache"),
    pytest.mark.configuration(web_server="apache-event"),
    pytest.mark.configuration(web_server="nginx"),
]


@pytest.mark.rests_on("pages")
@pytest.mark.parametrize("name", PAGES)
def test_every_vm_serves_each_page(cluster: Cluster, name: str) -> None:
    """Asked directly, each gives its own page: its PHP run, its pi right."""
    port = cluster.topology.webserver.port

    def wrong(vm: VirtualMachine) -> list[str]:
        return [*page.wrong(webserver.get(vm.address, port, f"/{name}"), name, vm)]

    with ThreadPoolExecutor(8) as pool:
        found = zip(cluster.backends, pool.map(wrong, cluster.backends), strict=True)
        assert {vm.name: whys for vm, whys in found if whys} == {}


@pytest.mark.rests_on("pages")
@pytest.mark.parametrize("name", PAGES)
def test_the_vip_serves_each_page(cluster: Cluster, name: str) -> None:
    """Through HAProxy a turn of the wheel has each backend's own page, and every one is right."""
    backends = {vm.name: vm for vm in cluster.backends}
    served = {}
    for _ in backends:
        answer = webserver.get(cluster.vip, cluster.ports[0], f"/{name}")
        assert answer.served_by in backends, f"status {answer.status} by {answer.served_by or '?'}"
        served[answer.served_by] = [*page.wrong(answer, name, backends[answer.served_by])]
    assert served == {vm: [] for vm in backends}


def test_the_web_server_is_the_one_asked_for(cluster: Cluster) -> None:
    """By its own word, on every VM."""
    port = cluster.topology.webserver.port
    with ThreadPoolExecutor(8) as pool:
        said = pool.map(lambda vm: webserver.program(vm.address, port), cluster.backends)
        programs = dict(zip((vm.name for vm in cluster.backends), said, strict=True))
    asked = {vm: cluster.web_server(vm).program for vm in programs}
    assert {vm: who for vm, who in programs.items() if not who.startswith(asked[vm])} == {}


@pytest.mark.rests_on("hypervisor", "pages")
def test_php_and_workers_are_as_asked_for(cluster: Cluster) -> None:
    """PHP is where it is to be, by its word, and workers have threads or not, by the kernel's."""
    port = cluster.topology.webserver.port

    def seen(vm: VirtualMachine) -> tuple[str, bool]:
        php = webserver.get(vm.address, port, "/index.php").php
        return php, cluster.web_server(vm.name).threads() > 1

    with ThreadPoolExecutor(8) as pool:
        found = dict(zip(cluster.backends, pool.map(seen, cluster.backends), strict=True))
    server = cluster.web_server(cluster.backends[0].name)
    asked = (server.php, server.threaded)
    assert {vm.name: got for vm, got in found.items() if got != asked} == {}
