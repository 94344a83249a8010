"""Directors that balance at layer 4, section 2.2: by IPVS in the kernel, told by keepalived.

No HAProxy runs, and keepalived's own checks take a dead VM out. Shares, and the VIP's moves, are
what they are at layer 7, so the tests are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from fixtures.clients import Clients
from fixtures.evidence import Evidence
from halab.budget import Budget
from halab.cluster import Cluster
from halab.faults import apache_killed, vm_off
from halab.topology import VirtualMachine
from suites.backends.test_balance import test_each_backend_gets_its_share_exactly
from suites.ha.test_failover import (
    test_backup_takes_over_when_the_master_loses_power,
    test_stopped_master_hands_the_vip_over_within_skew_time,
)

__all__ = [
    "test_backup_takes_over_when_the_master_loses_power",
    "test_each_backend_gets_its_share_exactly",
    "test_stopped_master_hands_the_vip_over_within_skew_time",
]

pytestmark = [pytest.mark.disruptive, pytest.mark.configuration(layer=4, check_inter=1)]


@pytest.mark.parametrize("role", ["master", "backup"])
def test_kernel_sends_to_every_backend_and_to_nothing_else(cluster: Cluster, role: str) -> None:
    """By NAT, and on the BACKUP too: after a failover it knows them already."""
    director = getattr(cluster, role)
    there = director.ipvs.destinations(cluster.vip, cluster.ports[0])
    names = {vm.address: vm.name for vm in cluster.backends}
    by = {names.get(address, str(address)): one.forward for address, one in there.items()}
    assert by == {vm.name: "Masq" for vm in cluster.backends}
    assert director.haproxy_processes() == frozenset()


@pytest.mark.parametrize(
    ("fault", "silent"),
    [
        pytest.param(apache_killed, False, id="refusing"),
        pytest.param(vm_off, True, id="silent"),
    ],
)
def test_dead_backend_gets_nothing_in_time_and_its_share_again(
    cluster: Cluster,
    clients: Clients,
    inflict: Callable,
    evidence: Evidence,
    fault: Callable[[Cluster, VirtualMachine], AbstractContextManager[None]],
    silent: bool,
) -> None:
    """Its share of requests is lost until keepalived's checks have failed, and no more."""
    vm, service = cluster.backends[2], (cluster.vip, cluster.ports[0])
    (balanced,) = cluster.master.keepalived.deployed().virtual_servers
    check, works = balanced.check_of(vm.address), cluster.lab.takeover_works
    detection = Budget.sent_no_more(check, silent=silent).and_(*works)
    recovery = Budget.sent_again(check, silent=silent).and_(*works)
    ipvs = cluster.master.ipvs

    with clients.probing() as watch:
        heal = inflict(fault(cluster, vm))
        out = watch.awaiting(ipvs.sends_none_to(*service, [vm]))
        heal()
        cluster.serves([vm]).until(within=30)
        watch.healed()
        back = watch.awaiting(ipvs.sends_to(*service, [vm]))

    share = Budget.lost_share(watch.service, detection, 1, len(cluster.backends))
    evidence.measure("until it gets nothing", out.after, detection, out.polling)
    evidence.measure("requests lost", watch.through, share)
    evidence.measure("until it gets its share", back.after, recovery, back.polling)
    assert out.after <= detection.value + out.polling
    assert watch.through <= share.value
    assert back.after <= recovery.value + back.polling
    assert watch.lost_after == 0
