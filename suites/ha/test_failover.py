"""Failover: the BACKUP takes the VIP when the MASTER goes, and gives it back when it returns."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.clients import Clients
from fixtures.evidence import Evidence
from halab.budget import Budget
from halab.cluster import Cluster
from halab.faults import keepalived_killed, keepalived_stopped, powered_off

pytestmark = pytest.mark.disruptive


def test_stopped_master_hands_the_vip_over_within_skew_time(
    cluster: Cluster, clients: Clients, inflict: Callable, evidence: Evidence
) -> None:
    """A stopped MASTER resigns with priority 0: only skew_time is waited (RFC 5798, 6.4.2)."""
    vrrp = cluster.topology.vrrp
    budget = Budget.resignation(cluster.backup.keepalived.instance().timers, vrrp.takeover_work)

    with clients.probing(until=lambda: cluster.holders() == [cluster.backup]) as service:
        inflict(keepalived_stopped(cluster.master))

    evidence.measure("outage", service.longest_outage, budget, service.resolution)
    assert service.longest_outage <= budget.value + service.resolution


def test_backup_logs_that_it_entered_master_state(cluster: Cluster, inflict: Callable) -> None:
    """Section 4.5 finds the failover in the BACKUP's log; so does an operator at night."""
    with cluster.backup.keepalived.logging() as log:
        inflict(keepalived_stopped(cluster.master))
        cluster.await_vip_on(cluster.backup)
    assert "Entering MASTER STATE" in log.text


def test_backup_takes_over_when_keepalived_is_killed(
    cluster: Cluster, clients: Clients, inflict: Callable, evidence: Evidence
) -> None:
    """No priority-0 advert comes: the silence must run out, for Master_Down_Interval.

    The killed keepalived leaves the VIP on its NIC, so clients may lose nothing at all until
    the BACKUP takes them over.
    """
    vrrp, timers = cluster.topology.vrrp, cluster.backup.keepalived.instance().timers
    budget = Budget.silence(timers, vrrp.takeover_work, vrrp.takeover_adverts)

    with clients.probing(until=lambda: cluster.backup in cluster.holders()) as service:
        inflict(keepalived_killed(cluster.master))

    evidence.measure("until the BACKUP has the VIP", service.awaited, budget, service.polling)
    evidence.measure("outage", service.longest_outage, budget, service.resolution)
    assert service.awaited <= budget.value + service.polling
    assert service.longest_outage <= budget.value + service.resolution


def test_backup_takes_over_when_the_master_loses_power(
    cluster: Cluster, clients: Clients, inflict: Callable, evidence: Evidence
) -> None:
    """The whole director is gone at one stroke: clients wait for Master_Down_Interval."""
    vrrp, timers = cluster.topology.vrrp, cluster.backup.keepalived.instance().timers
    budget = Budget.silence(timers, vrrp.takeover_work, vrrp.takeover_adverts)

    with clients.probing(until=lambda: cluster.backup.holds(cluster.vip)) as service:
        inflict(powered_off(cluster, cluster.master))

    evidence.measure("outage", service.longest_outage, budget, service.resolution)
    assert service.longest_outage <= budget.value + service.resolution


def test_returning_master_takes_the_vip_again(
    cluster: Cluster, clients: Clients, inflict: Callable, evidence: Evidence
) -> None:
    """Failback is by preemption; clients may be without service for one advert_int at most."""
    budget = Budget.preemption(cluster.master.keepalived.instance().timers)
    heal = inflict(keepalived_stopped(cluster.master))
    cluster.await_vip_on(cluster.backup)

    with clients.probing(until=lambda: cluster.holders() == [cluster.master]) as service:
        heal()

    evidence.measure("outage", service.longest_outage, budget, service.resolution)
    assert service.longest_outage <= budget.value + service.resolution


def test_dead_backup_costs_no_request(
    cluster: Cluster, clients: Clients, inflict: Callable
) -> None:
    """The BACKUP is not in any client's path."""
    with clients.probing() as service:
        inflict(powered_off(cluster, cluster.backup))

    assert service.lost.total() == 0
