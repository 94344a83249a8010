"""Backends die and return: HAProxy sees it in time, and what clients lose is bounded."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from fixtures.clients import Clients
from fixtures.evidence import Evidence
from halab.budget import Budget
from halab.cluster import Cluster
from halab.faults import apache_killed, server_off, vm_off
from halab.topology import VirtualMachine

pytestmark = pytest.mark.disruptive


@pytest.mark.gate
@pytest.mark.parametrize(
    ("fault", "silent"),
    [
        # refuses every check at once
        pytest.param(apache_killed, False, id="apache_killed"),
        # costs each check its timeout as well
        pytest.param(vm_off, True, id="vm_off"),
    ],
)
def test_backend_is_down_in_time_and_up_again(
    cluster: Cluster,
    clients: Clients,
    inflict: Callable,
    evidence: Evidence,
    fault: Callable[[Cluster, VirtualMachine], AbstractContextManager[None]],
    silent: bool,
) -> None:
    """Its share of requests is lost until it is DOWN, and none from its return on."""
    vm = cluster.backends[2]
    check = cluster.master.haproxy().deployed().check_of(vm.name)
    works = cluster.lab.takeover_works
    detection = Budget.detection(check, silent=silent).and_(*works)
    recovery = Budget.recovery(check, silent=silent).and_(*works)

    with clients.probing() as service:
        heal = inflict(fault(cluster, vm))
        down = service.awaiting(cluster.down([vm]))
        heal()
        cluster.serves([vm]).until(within=30)
        service.healed()
        up = service.awaiting(cluster.up([vm]))

    share = Budget.lost_share(service.service, detection, 1, len(cluster.backends))
    evidence.measure("until DOWN", down.after, detection, down.polling)
    evidence.measure("requests lost", service.through, share)
    evidence.measure("until UP", up.after, recovery, up.polling)
    assert down.after <= detection.value + down.polling
    assert service.through <= share.value
    assert up.after <= recovery.value + up.polling
    assert service.lost_after == 0


@pytest.mark.gate
def test_service_goes_on_without_a_whole_server(
    cluster: Cluster, clients: Clients, inflict: Callable, evidence: Evidence
) -> None:
    """A server takes its VMs with it: their share is lost until they are DOWN, and no more."""
    server = list(cluster.servers)[-1]
    gone = [vm for vm in cluster.backends if vm.server == server]
    check = cluster.master.haproxy().deployed().check_of(gone[0].name)
    detection = Budget.detection(check, silent=True).and_(*cluster.lab.takeover_works)

    with clients.probing() as service:
        inflict(server_off(cluster, server))
        down = service.awaiting(cluster.down(gone))

    share = Budget.lost_share(service.service, detection, len(gone), len(cluster.backends))
    evidence.measure("until all DOWN", down.after, detection, down.polling)
    evidence.measure("requests lost", service.through, share)
    assert down.after <= detection.value + down.polling
    assert service.through <= share.value
