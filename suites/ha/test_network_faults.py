"""Faults of the LAN: directors that do not hear each other, a second VIP."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from fixtures.budgets import Budgets
from fixtures.clients import Clients
from fixtures.evidence import Evidence
from fixtures.faults import heal_after_an_advert_of, masters_turn
from halab import arp_table, wait
from halab.cluster import Cluster
from halab.faults import (
    cut_off,
    deaf_to,
    duplicate_vip,
)
from halab.faults.network import announce
from halab.invariants import Kind
from halab.lan import Lan
from halab.outage import Outcome
from halab.service import HEALED
from halab.wait import Condition

pytestmark = pytest.mark.disruptive


@pytest.mark.rests_on("front panel")
def test_cut_off_directors_both_serve_and_the_better_one_wins_when_it_hears_the_other(
    cluster: Cluster,
    clients: Clients,
    inflict: Callable,
    evidence: Evidence,
    lan: Lan,
    budgets: Budgets,
) -> None:
    """Clients follow whoever announced itself last, and lose what is under way then.

    A MASTER that hears an advert of lower priority advertises at once and sends gratuitous ARP
    (keepalived 2.2.7, vrrp.c, vrrp_state_master_rx): the worse one goes at its first advert.
    """
    budget = budgets.settlement
    skew = cluster.backup.keepalived.instance().timers.skew_time

    with clients.probing(until=cluster.vip_on(cluster.master)) as watch:
        lan.expects_split_brain("neither director hears the other")
        heal = inflict(cut_off(cluster))
        watch.awaiting(lan.split_brain())
        healed = heal_after_an_advert_of(cluster.master, lan, heal, skew / 2)
        lan.only(cluster.master, adverts=2).until(within=10)
        settled = lan.settlement(healed)

    evidence.measure("until one advertises", settled.after, budget)
    evidence.measure("until its gratuitous ARP", settled.announced, budget)
    evidence.measure("outage", watch.longest_outage, budget, watch.resolution)
    assert settled.owner == cluster.master.name
    assert settled.others_adverts <= 1
    assert settled.announced <= budget.value
    assert watch.longest_outage <= budget.value + watch.resolution
    assert set(watch.lost) <= {Outcome.RESET, Outcome.TIMEOUT}


@pytest.mark.rests_on("front panel")
def test_clients_stay_with_a_worse_one_that_gave_up_in_silence(
    cluster: Cluster, clients: Clients, inflict: Callable, evidence: Evidence, lan: Lan
) -> None:
    """The same, but the BACKUP hears the MASTER first: nobody tells the LAN, and service is gone.

    It goes at that advert without one of its own, so the MASTER learns of nothing and sends no
    gratuitous ARP, unless ``vrrp_higher_prio_send_advert`` is set. Repair: arping on the MASTER.
    """
    within = masters_turn(cluster) * 0.8
    client, vip = clients.first.node, cluster.vip
    follows = Condition(
        f"{client.name} speaks to {cluster.backup.name}",
        lambda: arp_table.entry(client, vip) == cluster.backup.mac(),
    )

    with clients.probing() as watch:
        lan.expects_split_brain("neither director hears the other")
        lan.expects(Kind.UNANNOUNCED, "keepalived's MASTER never heard of the other")
        heal = inflict(cut_off(cluster))
        watch.awaiting(lan.split_brain())
        follows.until(within=10)
        healed = heal_after_an_advert_of(cluster.backup, lan, heal, within)
        cluster.vip_on(cluster.master).until(within=5)
        alone = wait.clock()
        lan.only(cluster.master, adverts=2).until(within=5)
        settled = lan.settlement(healed)
        without = wait.clock() - alone
        announce(cluster.master.node, vip)
        watch.healed()

    evidence.note(
        f"service was away for {watch.longest_outage:.3f} s, until the repair: "
        f"{cluster.master.name} alone had the VIP for {without:.3f} s of it and told nobody"
    )
    assert (settled.owner, settled.others_adverts) == (cluster.master.name, 0)
    assert math.isinf(settled.announced), "it was announced: this trap of keepalived's is gone"
    assert watch.longest_outage >= without - watch.resolution, "clients came back by themselves"
    assert watch.lost_after == 0


@pytest.mark.rests_on("front panel")
def test_deaf_backup_takes_the_vip_and_the_master_keeps_its_clients(
    cluster: Cluster,
    clients: Clients,
    inflict: Callable,
    evidence: Evidence,
    lan: Lan,
    budgets: Budgets,
) -> None:
    """A split brain for as long as it lasts, in which each of its adverts is answered.

    The MASTER hears them and sends gratuitous ARP after each, so that clients come back to it. The
    BACKUP goes at the first advert that it hears.
    """
    budget = budgets.settlement

    with clients.probing(until=cluster.vip_on(cluster.master)) as watch:
        lan.expects_split_brain("the BACKUP does not hear the MASTER")
        heal = inflict(deaf_to(cluster, cluster.backup, cluster.master))
        watch.awaiting(lan.split_brain())
        seen = arp_table.entry(clients.first.node, cluster.vip)
        heal()
        healed = wait.clock()
        lan.only(cluster.master, adverts=2).until(within=10)
        settled = lan.settlement(healed)

    evidence.measure("until one advertises", settled.after, budget)
    evidence.measure("outage", watch.longest_outage, budget, watch.resolution)
    assert seen == cluster.master.mac()
    assert (settled.owner, settled.others_adverts <= 1) == (cluster.master.name, True)
    assert settled.after <= budget.value
    assert watch.longest_outage <= budget.value + watch.resolution


@pytest.mark.rests_on("front panel")
def test_deaf_master_changes_nothing(
    cluster: Cluster, clients: Clients, inflict: Callable, lan: Lan
) -> None:
    """The BACKUP has nothing to say to it: no request is lost, and nobody else advertises."""
    adverts = cluster.backup.keepalived.instance().timers.adverts_outlasted

    with clients.probing() as watch:
        inflict(deaf_to(cluster, cluster.master, cluster.backup))
        lan.only(cluster.master, adverts).until(within=2 * adverts)

    assert watch.lost.total() == 0


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "not announced"])
def test_duplicate_vip_is_named_by_its_mac(
    cluster: Cluster,
    clients: Clients,
    inflict: Callable,
    evidence: Evidence,
    lan: Lan,
    announced: bool,
) -> None:
    """Announced it takes all clients, who lose everything until the MASTER announces itself.

    keepalived defends nothing; only what it has to say of an earlier takeover may come just then.
    Not announced it takes none of those who know the MASTER, and the LAN's questions alone show it.
    """
    intruder = clients.second
    mac = intruder.node.run("cat -- %s", f"/sys/class/net/{intruder.node.nic}/address").strip()

    with clients.probing() as watch:
        lan.expects(Kind.STRANGER, "a client has the VIP too")
        heal = inflict(duplicate_vip(cluster, intruder, announced=announced))
        found = Condition(f"{mac} is heard", lambda: lan.breaches(Kind.STRANGER))
        watch.awaiting(found)
        wait.passing(1)  # for clients to feel it
        named = {mac in breach.what for breach in lan.breaches(Kind.STRANGER)}
        heal()
        lan.expects_no_more(Kind.STRANGER)
        watch.healed()

    service = watch.service
    told = [r for r in service.requests if r.intended > service.at(HEALED)]
    evidence.note(f"clients were without service for {watch.longest_outage:.3f} s")
    assert named == {True}
    if announced:
        # a request is lost or answered by whom its client knows: an interval at either end
        without = lan.announced_until(mac, cluster.master)
        assert watch.longest_outage >= without - 2 * watch.resolution
        assert Outcome.REFUSED in watch.lost
    else:
        assert watch.lost.total() == 0
    # TIMEOUT: between the VIP's going and the MASTER's announcement nobody is at that MAC
    assert set(watch.lost) <= {Outcome.REFUSED, Outcome.RESET, Outcome.TIMEOUT}
    assert sum(not r.ok for r in told) == 0, "the MASTER's announcement brought clients not back"
