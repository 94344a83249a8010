"""Failover: the BACKUP takes the VIP when the MASTER goes, and gives it back when it returns."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.budgets import Budgets
from fixtures.clients import Clients
from fixtures.evidence import Evidence
from halab.cluster import Cluster
from halab.faults import keepalived_killed, keepalived_stopped, powered_off
from halab.invariants import Kind
from halab.lan import Lan

pytestmark = pytest.mark.disruptive


@pytest.mark.usefixtures("handed_back")
def test_stopped_master_hands_the_vip_over_within_skew_time(
    cluster: Cluster, clients: Clients, inflict: Callable, evidence: Evidence, budgets: Budgets
) -> None:
    """A stopped MASTER resigns with priority 0: only skew_time is waited (RFC 5798, 6.4.2)."""
    budget = budgets.resignation

    with clients.probing(until=cluster.vip_on(cluster.backup)) as service:
        inflict(keepalived_stopped(cluster.master))

    evidence.measure("outage", service.longest_outage, budget, service.resolution)
    assert service.longest_outage <= budget.value + service.resolution


@pytest.mark.usefixtures("handed_back")
def test_backup_logs_that_it_entered_master_state(cluster: Cluster, inflict: Callable) -> None:
    """Section 4.5 finds the failover in the BACKUP's log; so does an operator at night."""
    with cluster.backup.keepalived.logging() as log:
        inflict(keepalived_stopped(cluster.master))
        # it has the VIP a moment before it says so
        log.says("Entering MASTER STATE").until(within=30)
    assert "Entering MASTER STATE" in log.text


def test_backup_takes_over_when_keepalived_is_killed(
    cluster: Cluster,
    clients: Clients,
    inflict: Callable,
    evidence: Evidence,
    lan: Lan,
    budgets: Budgets,
) -> None:
    """No priority-0 advert comes: the silence must run out, for Master_Down_Interval.

    The killed keepalived leaves the VIP on its NIC, so clients may lose nothing at all until
    the BACKUP takes them over.
    """
    budget = budgets.silence

    with clients.probing(until=cluster.vip_reaches(cluster.backup)) as service:
        lan.expects(Kind.TWO_HOLDERS, "a killed keepalived leaves the VIP on its NIC")
        lan.only(cluster.master, adverts=1).until(within=5)  # the silence begins with its last
        inflict(keepalived_killed(cluster.master))

    silence = lan.silence_before(cluster.backup)
    evidence.measure("from the MASTER's last advert to the BACKUP's first", silence, budget)
    evidence.measure("outage", service.longest_outage, budget, service.resolution)
    assert silence <= budget.value
    assert service.longest_outage <= budget.value + service.resolution


@pytest.mark.rests_on("front panel")
def test_backup_takes_over_when_the_master_loses_power(
    cluster: Cluster, clients: Clients, inflict: Callable, evidence: Evidence, budgets: Budgets
) -> None:
    """The whole director is gone at one stroke: clients wait for Master_Down_Interval."""
    budget = budgets.silence

    with clients.probing(until=cluster.vip_reaches(cluster.backup)) as service:
        inflict(powered_off(cluster, cluster.master))

    evidence.measure("outage", service.longest_outage, budget, service.resolution)
    assert service.longest_outage <= budget.value + service.resolution


@pytest.mark.gate
def test_returning_master_takes_the_vip_again(
    cluster: Cluster, clients: Clients, inflict: Callable, evidence: Evidence, budgets: Budgets
) -> None:
    """Failback is by preemption; clients may be without service for one advert_int at most."""
    budget = budgets.preemption
    heal = inflict(keepalived_stopped(cluster.master))
    cluster.vip_on(cluster.backup).until(within=30)

    with clients.probing(until=cluster.vip_on(cluster.master)) as service:
        heal()

    evidence.measure("outage", service.longest_outage, budget, service.resolution)
    assert service.longest_outage <= budget.value + service.resolution


@pytest.mark.gate
@pytest.mark.rests_on("front panel")
def test_dead_backup_costs_no_request(
    cluster: Cluster, clients: Clients, inflict: Callable
) -> None:
    """The BACKUP is not in any client's path."""
    with clients.probing() as service:
        inflict(powered_off(cluster, cluster.backup))

    assert service.lost.total() == 0
