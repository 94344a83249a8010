"""Backends die and return: HAProxy sees it in time, and what clients lose is bounded."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.clients import Clients
from fixtures.evidence import Evidence
from halab.budget import Budget
from halab.cluster import Cluster
from halab.faults import apache_killed, server_off, vms_off

pytestmark = pytest.mark.disruptive


def test_killed_apache_is_down_in_time(
    cluster: Cluster, clients: Clients, inflict: Callable, evidence: Evidence
) -> None:
    """Its VM refuses every check at once: DOWN within fall × inter; its share till then is lost."""
    vm = cluster.backends[0]
    check = cluster.master.haproxy().deployed().check_of(vm.name)
    budget = Budget.detection(check, silent=False)

    with clients.probing(until=lambda: cluster.sees_down([vm])) as service:
        inflict(apache_killed(cluster, vm))

    losses = Budget.lost_share(service.service, budget, 1, len(cluster.backends))
    evidence.measure("until DOWN", service.awaited, budget, service.polling)
    evidence.measure("requests lost", service.through, losses)
    assert service.awaited <= budget.value + service.polling
    assert service.through <= losses.value


def test_returned_apache_is_up_in_time(
    cluster: Cluster, clients: Clients, inflict: Callable, evidence: Evidence
) -> None:
    """UP within rise × inter of its return, and nobody notices."""
    vm = cluster.backends[1]
    budget = Budget.recovery(cluster.master.haproxy().deployed().check_of(vm.name))
    heal = inflict(apache_killed(cluster, vm))
    cluster.await_down([vm])

    with clients.probing(until=lambda: cluster.sees_up([vm])) as service:
        heal()

    evidence.measure("until UP", service.awaited, budget, service.polling)
    assert service.awaited <= budget.value + service.polling
    assert service.lost.total() == 0


def test_vm_without_power_is_down_in_time(
    cluster: Cluster, clients: Clients, inflict: Callable, evidence: Evidence
) -> None:
    """A silent VM costs each check its timeout as well; its share of requests is lost till then."""
    vm = cluster.backends[2]
    budget = Budget.detection(cluster.master.haproxy().deployed().check_of(vm.name), silent=True)

    with clients.probing(until=lambda: cluster.sees_down([vm])) as service:
        inflict(vms_off(cluster, [vm]))

    losses = Budget.lost_share(service.service, budget, 1, len(cluster.backends))
    evidence.measure("until DOWN", service.awaited, budget, service.polling)
    evidence.measure("requests lost", service.through, losses)
    assert service.awaited <= budget.value + service.polling
    assert service.through <= losses.value


def test_service_goes_on_without_a_whole_server(
    cluster: Cluster, clients: Clients, inflict: Callable, evidence: Evidence
) -> None:
    """A server takes its VMs with it: their share is lost until they are DOWN, and no more."""
    server = list(cluster.servers)[-1]
    gone = [vm for vm in cluster.backends if vm.server == server]
    check = cluster.master.haproxy().deployed().check_of(gone[0].name)
    budget = Budget.detection(check, silent=True)

    with clients.probing(until=lambda: cluster.sees_down(gone)) as service:
        inflict(server_off(cluster, server))

    losses = Budget.lost_share(service.service, budget, len(gone), len(cluster.backends))
    evidence.measure("until all DOWN", service.awaited, budget, service.polling)
    evidence.measure("requests lost", service.through, losses)
    assert service.awaited <= budget.value + service.polling
    assert service.through <= losses.value
