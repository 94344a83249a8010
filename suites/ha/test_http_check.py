"""With an http check HAProxy finds what a TCP check does not see: the remedy, beside the fault."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.clients import Clients
from fixtures.evidence import Evidence
from halab.budget import Budget
from halab.cluster import Cluster
from halab.faults import answering, apache_frozen
from halab.outage import Outcome
from halab.service import Service

pytestmark = [pytest.mark.disruptive, pytest.mark.configuration(health_check="http", check_inter=1)]


def lost_for(service: Service, outcome: Outcome) -> float:
    """Seconds from the first request that was lost so to the last; 0 when none was."""
    sent = [request.sent for request in service.requests if request.outcome is outcome]
    return max(sent) - min(sent) if sent else 0.0


def test_frozen_apache_and_errors_are_found(
    cluster: Cluster, clients: Clients, inflict: Callable, evidence: Evidence
) -> None:
    """Each is DOWN within its budget, and its share is lost until then and no longer.

    A hanging server costs each check the time that it waits for an answer, a failing one nothing.
    """
    frozen, failing = cluster.backends[2], cluster.backends[9]
    check = cluster.master.haproxy().deployed().check_of(frozen.name)
    works = cluster.lab.takeover_works
    budgets = {
        Outcome.TIMEOUT: Budget.detection_of_frozen(check).and_(*works),
        Outcome.SERVER_ERROR: Budget.detection_of_errors(check).and_(*works),
    }
    recovery = Budget.recovery(check, silent=True).and_(*works)

    with clients.probing() as watch:
        heals = [inflict(answering(cluster, failing, 500))]
        # its Apache began anew for that, and where CPU time is short clients wait for it in vain
        watch.mark("all answer")
        heals.append(inflict(apache_frozen(cluster, frozen)))
        watch.awaiting(cluster.down([failing, frozen]))
        watch.await_calm()
        for heal in reversed(heals):
            heal()
        watch.healed()
        up = watch.awaiting(cluster.up([failing, frozen]))

    over = []
    service = watch.service
    seen = {Outcome.TIMEOUT: service.during("all answer"), Outcome.SERVER_ERROR: service}
    for outcome, budget in budgets.items():
        lasted = lost_for(seen[outcome], outcome)
        taken = evidence.measure(f"lost by {outcome.value} for", lasted, budget)
        assert lasted > 0, f"the fault had not its effect: nothing was lost by {outcome.value}"
        over += [str(taken)] if taken.margin < 0 else []
    evidence.measure("until UP", up.after, recovery, up.polling)
    assert over == []
    assert up.after <= recovery.value + up.polling
    assert watch.lost_after == 0
