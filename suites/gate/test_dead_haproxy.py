"""HAProxy is dead, whatever looks after it: what a set-up promises for that is what it costs.

Of use beside another set-up, which may promise more: suites/ha judges each way to track it.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.budgets import Budgets
from fixtures.clients import Clients
from fixtures.evidence import Evidence
from halab import wait
from halab.budget import Budget
from halab.cluster import Cluster
from halab.faults import haproxy_held_dead

pytestmark = [pytest.mark.disruptive, pytest.mark.gate]

DEAD = 8.0
"""Seconds, more than what any tracking that is deployed here takes to move the VIP."""


def test_dead_haproxy_costs_what_its_tracking_promises(
    cluster: Cluster, clients: Clients, inflict: Callable, evidence: Evidence, budgets: Budgets
) -> None:
    """Detection and a takeover where keepalived tracks it; else as long as it is dead."""
    tracked = cluster.master.keepalived.instance()
    moves = tracked.track_script or tracked.track_process
    budget = budgets.given_away(budgets.detection(hanging=False)) if moves else None

    with clients.probing() as service:
        began = wait.clock()
        heal = inflict(haproxy_held_dead(cluster.master.haproxy()))
        wait.passing(DEAD)
        heal()
        lasted = wait.clock() - began
        service.healed()
        cluster.vip_on(cluster.master).until(within=30)

    if budget is None:
        budget = Budget(lasted, "as long as it is dead")
    evidence.measure("outage", service.longest_outage, budget, service.resolution)
    assert service.longest_outage <= budget.value + service.resolution
