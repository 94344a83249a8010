"""Clients behind a router follow the VIP only if the router's ARP table does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.budgets import Budgets
from fixtures.clients import Clients
from fixtures.evidence import Evidence
from halab.cluster import Cluster
from halab.faults import keepalived_killed, keepalived_stopped
from halab.gateway import Gateway
from halab.invariants import Kind
from halab.lan import Lan


@pytest.mark.observe
def test_gateway_resolves_the_vip_to_the_master(cluster: Cluster, gateway: Gateway) -> None:
    """With another MAC in the router's ARP table, nobody behind it has the service."""
    seen = {gateway.name: gateway.neighbour(cluster.vip)}
    assert seen == {gateway.name: cluster.master.mac()}


@pytest.mark.disruptive
@pytest.mark.usefixtures("handed_back")
def test_routed_client_follows_a_stopped_master_within_skew_time(
    cluster: Cluster,
    clients: Clients,
    gateway: Gateway,
    inflict: Callable,
    evidence: Evidence,
    budgets: Budgets,
) -> None:
    """The new MASTER's gratuitous ARP reaches the router as it reaches a client of the LAN.

    The budget is the LAN's: a router that kept the old MAC would need its own ARP to give up first.
    """
    budget = budgets.resignation

    with clients.probing(client=clients.routed, until=cluster.vip_on(cluster.backup)) as service:
        inflict(keepalived_stopped(cluster.master))

    evidence.measure("outage", service.longest_outage, budget, service.resolution)
    assert service.longest_outage <= budget.value + service.resolution
    assert {gateway.name: gateway.forwards_to(cluster.vip)} == {gateway.name: cluster.backup.mac()}


@pytest.mark.disruptive
@pytest.mark.usefixtures("handed_back")
def test_routed_client_follows_when_keepalived_is_killed(
    cluster: Cluster,
    clients: Clients,
    gateway: Gateway,
    inflict: Callable,
    evidence: Evidence,
    lan: Lan,
    budgets: Budgets,
) -> None:
    """The old MASTER has the VIP still and would serve on: only the router's ARP entry tells.

    A router that kept the old MAC would send its clients to a director that nobody watches over.
    """
    budget = budgets.silence

    with clients.probing(
        client=clients.routed, until=cluster.vip_reaches(cluster.backup)
    ) as service:
        lan.expects(Kind.TWO_HOLDERS, "a killed keepalived leaves the VIP on its NIC")
        inflict(keepalived_killed(cluster.master))

    evidence.measure("outage", service.longest_outage, budget, service.resolution)
    assert service.longest_outage <= budget.value + service.resolution
    assert {gateway.name: gateway.forwards_to(cluster.vip)} == {gateway.name: cluster.backup.mac()}
