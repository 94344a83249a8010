"""nopreempt: a MASTER that returns leaves the VIP where it is, until an operator hands it back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.clients import Clients
from fixtures.evidence import Evidence
from halab.budget import Budget
from halab.cluster import Cluster
from halab.faults import keepalived_stopped
from halab.lan import Lan

pytestmark = [
    pytest.mark.disruptive,
    pytest.mark.configuration(nopreempt=True),
    pytest.mark.usefixtures("handed_back"),  # whatever happens: nothing else would do it
]


def test_returned_master_leaves_the_vip_and_is_given_it(
    cluster: Cluster, clients: Clients, inflict: Callable, evidence: Evidence, lan: Lan
) -> None:
    """Its return costs no request; that the BACKUP resigns later costs the MASTER's skew_time."""
    timers = cluster.master.keepalived.instance().timers
    handing = Budget.resignation(timers, cluster.lab.takeover_works)
    heal = inflict(keepalived_stopped(cluster.master))
    cluster.vip_on(cluster.backup).until(within=30)

    with clients.probing() as returning:
        heal()
        lan.only(cluster.backup, timers.adverts_outlasted).until(within=30)
    assert cluster.holders() == [cluster.backup]
    assert returning.lost.total() == 0

    with clients.probing(until=cluster.vip_on(cluster.master)) as service:
        cluster.hand_back()
    evidence.measure("outage", service.longest_outage, handing, service.resolution)
    assert service.longest_outage <= handing.value + service.resolution
