"""Libvirt guests without power, without a web server, without their host: as light VMs do."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from halab.cluster import Cluster
from halab.faults import apache_killed, server_off, vm_off

Inflict = Callable[[AbstractContextManager[None]], Callable[[], None]]

pytestmark = [
    pytest.mark.disruptive,
    pytest.mark.timeout(400),
    pytest.mark.configuration(
        vms_per_server=2, servers=2, vms_pinned=True, hypervisor="qemu:///system"
    ),
]


def boot_and_checks(cluster: Cluster, guests: int) -> float:
    """Seconds from the start of so many guests until HAProxy has seen them pass their checks."""
    check = cluster.master.haproxy().deployed().check_of(cluster.backends[0].name)
    return cluster.hypervisor.serving_within(guests) + check.recovery(silent=True)


def test_guest_without_power_is_silent(cluster: Cluster, inflict: Inflict) -> None:
    """virsh destroy is a power cut: checks run into their timeout until the guest has booted."""
    vm = cluster.backends[0]
    heal = inflict(vm_off(cluster, vm))
    cluster.down([vm]).until(within=60)
    servers = cluster.master.haproxy().servers(cluster.topology.haproxy.backend)
    assert servers[vm.name].check_status == "L4TOUT"
    heal()
    cluster.up([vm]).until(within=boot_and_checks(cluster, 1))


def test_guest_without_a_web_server_refuses(cluster: Cluster, inflict: Inflict) -> None:
    """The guest is there, Apache in it is not."""
    vm = cluster.backends[0]
    heal = inflict(apache_killed(cluster, vm))
    cluster.down([vm]).until(within=60)
    servers = cluster.master.haproxy().servers(cluster.topology.haproxy.backend)
    assert servers[vm.name].check_status == "L4CON"
    heal()
    cluster.up([vm]).until(within=boot_and_checks(cluster, 1))


def test_guests_go_and_come_with_their_server(cluster: Cluster, inflict: Inflict) -> None:
    """libvirt starts them at the server's boot, by itself."""
    server = cluster.backends[0].server
    guests = [vm for vm in cluster.backends if vm.server == server]
    heal = inflict(server_off(cluster, server))
    cluster.down(guests).until(within=60)
    heal()
    cluster.up(guests).until(within=boot_and_checks(cluster, len(guests)))
