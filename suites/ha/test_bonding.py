"""Link aggregation, section 2.2: a director whose NIC is a bond of two, in a lab in active-backup.

A lost cable is then no failover: the bond sends by its other port, and the VIP stays.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.clients import Clients
from fixtures.evidence import Evidence
from halab.budget import Budget
from halab.cluster import Cluster
from halab.director import Director
from halab.faults import cable_out
from halab.lan import Lan


def bonded(director: Director) -> Director:
    """The director; skips the test where its NIC is no bond."""
    if not director.bond.is_there:
        pytest.skip(
            f"{director.node.nic} of {director.name} is no bond: run with --lab=emulated and a "
            "--topology whose labs.emulated.nics is 2"
        )
    return director


@pytest.mark.observe
@pytest.mark.parametrize("role", ["master", "backup"])
def test_every_port_has_carrier(cluster: Cluster, role: str) -> None:
    """A port without one is no port to fall back on, whatever the bond's mode."""
    state = bonded(getattr(cluster, role)).bond.state()
    assert len(state.ports) > 1
    assert [port for port, carrier in state.ports.items() if not carrier] == []


@pytest.mark.disruptive
@pytest.mark.rests_on("front panel")
def test_lost_cable_moves_no_vip(
    cluster: Cluster, clients: Clients, inflict: Callable, evidence: Evidence, lan: Lan
) -> None:
    """The other port sends within miimon, and no BACKUP has a reason to take over."""
    bond = bonded(cluster.master).bond
    budget = Budget.carrier_lost(bond.state(), cluster.lab.takeover_works)
    adverts = cluster.backup.keepalived.instance().timers.adverts_outlasted

    with clients.probing() as watch:
        heal = inflict(cable_out(cluster, cluster.master, 1))
        watch.awaiting(bond.sends_by("port2"))
        lan.only(cluster.master, adverts).until(within=2 * adverts)
        heal()
        watch.healed()
        watch.awaiting(bond.sends_by("port1"))

    evidence.measure("outage", watch.longest_outage, budget, watch.resolution)
    assert watch.longest_outage <= budget.value + watch.resolution
    assert not lan.resigned(cluster.master)
    assert cluster.holders() == [cluster.master]
