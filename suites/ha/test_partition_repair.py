"""With ``higher_prio_send_advert`` a split brain that heals is told to the LAN: the remedy."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.budgets import Budgets
from fixtures.clients import Clients
from fixtures.evidence import Evidence
from fixtures.faults import heal_after_an_advert_of, masters_turn
from halab.cluster import Cluster
from halab.faults import cut_off
from halab.lan import Lan

pytestmark = [pytest.mark.disruptive, pytest.mark.configuration(higher_prio_send_advert=True)]


def test_backup_that_hears_the_master_first_has_it_announce_itself(
    cluster: Cluster,
    clients: Clients,
    inflict: Callable,
    evidence: Evidence,
    lan: Lan,
    budgets: Budgets,
) -> None:
    """It advertises once more before it goes; the MASTER hears that, and sends gratuitous ARP.

    Without it clients stay with the BACKUP, which has the VIP no more: test_network_faults.py.
    """
    budget = budgets.settlement
    within = masters_turn(cluster) * 0.8

    with clients.probing(until=cluster.vip_on(cluster.master)) as watch:
        lan.expects_split_brain("neither director hears the other")
        heal = inflict(cut_off(cluster))
        watch.awaiting(lan.split_brain())
        healed = heal_after_an_advert_of(cluster.backup, lan, heal, within)
        lan.only(cluster.master, adverts=2).until(within=10)
        settled = lan.settlement(healed)

    evidence.measure("until one advertises", settled.after, budget)
    evidence.measure("until its gratuitous ARP", settled.announced, budget)
    evidence.measure("outage", watch.longest_outage, budget, watch.resolution)
    assert settled.owner == cluster.master.name
    assert settled.others_adverts <= 1
    assert settled.announced <= budget.value
    assert watch.longest_outage <= budget.value + watch.resolution
