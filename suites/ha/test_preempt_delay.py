"""preempt_delay: a MASTER that returns waits before it takes the VIP again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.budgets import Budgets
from fixtures.clients import Clients
from fixtures.evidence import Evidence
from halab import wait
from halab.cluster import Cluster
from halab.faults import keepalived_stopped
from halab.lan import Lan

DELAY = 2

pytestmark = [pytest.mark.disruptive, pytest.mark.configuration(preempt_delay=DELAY)]


def test_returned_master_waits_before_it_takes_the_vip(
    cluster: Cluster,
    clients: Clients,
    inflict: Callable,
    evidence: Evidence,
    budgets: Budgets,
    lan: Lan,
) -> None:
    """A director that has just booted gets its time; then failback costs what it always does."""
    recovery, preemption = budgets.recovery, budgets.preemption
    timers = cluster.master.keepalived.instance().timers
    heal = inflict(keepalived_stopped(cluster.master))
    cluster.vip_on(cluster.backup).until(within=30)

    with clients.probing(until=cluster.vip_on(cluster.master)) as service:
        began = wait.clock()
        heal()

    returned = lan.advertises(cluster.master, began)
    evidence.measure("until the MASTER advertises", returned.after, recovery, returned.polling)
    evidence.measure("outage", service.longest_outage, preemption, service.resolution)
    # the last advert that is heeded may come an advert_int before the delay is over
    assert timers.master_down_interval + DELAY - timers.advert_int <= returned.after
    assert returned.after <= recovery.value + returned.polling
    assert service.longest_outage <= preemption.value + service.resolution
