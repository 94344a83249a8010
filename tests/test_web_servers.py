"""Web VMs change their web server, and keep it through whatever happens to their machines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from halab import faults, wait, webserver
from halab.cluster import Cluster
from halab.configuration import Configuration
from halab.topology import VirtualMachine

SMALL = Configuration(servers=1, vms_per_server=2)
NGINX = replace(SMALL, web_server="nginx")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.disruptive,
    pytest.mark.configuration(servers=1, vms_per_server=2),
]


@pytest.fixture(autouse=True)
def as_it_was(cluster: Cluster) -> Iterator[None]:
    yield
    cluster.bring_to(SMALL)


@pytest.fixture
def vm(cluster: Cluster) -> VirtualMachine:
    return cluster.backends[0]


def programs(cluster: Cluster) -> list[str]:
    """What answers on each VM, by its own word and without its version."""
    said = (webserver.program(vm.address, 80) for vm in cluster.backends)
    return [program.partition("/")[0] for program in said]


def machines(cluster: Cluster) -> str:
    return cluster.servers["server1"].run(
        "systemctl show -P MainPID web-vm@web1 web-vm@web2 | tr '\\n' ' '"
    )


def test_from_one_to_another_and_back(cluster: Cluster) -> None:
    for wanted, program in ((NGINX, "nginx"), (SMALL, "Apache"), (NGINX, "nginx")):
        cluster.bring_to(wanted)
        assert programs(cluster) == [program, program]
        assert cluster.findings() == []


def test_machines_with_the_right_one_are_left_alone(cluster: Cluster) -> None:
    cluster.bring_to(NGINX)
    before = machines(cluster)
    cluster.bring_to(NGINX)
    assert machines(cluster) == before
    cluster.bring_to(SMALL)
    assert machines(cluster) != before


def test_a_server_s_boot_brings_the_same(cluster: Cluster) -> None:
    cluster.bring_to(NGINX)
    with faults.server_off(cluster, "server1"):
        pass
    cluster.await_steady()
    assert programs(cluster) == ["nginx", "nginx"]


@pytest.mark.parametrize("web_server", ["apache", "apache-event", "nginx"])
def test_one_that_was_killed_comes_back(
    cluster: Cluster, vm: VirtualMachine, web_server: str
) -> None:
    cluster.bring_to(replace(SMALL, web_server=web_server))
    with faults.apache_killed(cluster, vm):
        wait.until(lambda: not webserver.accepts(vm.address, 80), what="it refuses", within=3)
    cluster.await_steady()
    assert webserver.get(vm.address, 80, "/index.php").php == cluster.web_server(vm.name).php
