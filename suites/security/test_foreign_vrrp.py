"""Somebody who is no director says on the LAN that he is the better MASTER."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import pytest

from fixtures.budgets import Budgets
from fixtures.clients import Clients
from halab import invariants, wait
from halab.cluster import Cluster
from halab.faults import keepalived_stopped
from halab.forged_advert import forged
from halab.hostile_client import Attack, HostileClient
from halab.lan import Listening
from halab.service import Service
from halab.vrrp import Advert
from halab.wait import Condition

pytestmark = [pytest.mark.disruptive, pytest.mark.usefixtures("steady")]

REMEDY = (
    "let a firewall on both directors take protocol 112 from the directors only (vrrp.nft): a "
    "password does not suffice"
)


@dataclass(frozen=True)
class Claimed:
    """What came of it: what a client saw, and who advertised meanwhile."""

    service: Service
    adverts: tuple[Advert, ...]


def long(cluster: Cluster) -> float:
    """Seconds, more than a BACKUP waits."""
    timers = cluster.backup.keepalived.instance().timers
    return timers.master_down_interval + timers.advert_int


@pytest.fixture
def stranger(cluster: Cluster, hostile: HostileClient) -> AbstractContextManager[Attack]:
    """He advertises ten times in each advert_int while the block runs.

    He knows all that can be heard on the LAN, but for the password.
    """
    instance = cluster.master.keepalived.instance()
    packet = forged(instance, cluster.vip, hostile.client.node.address)
    every = instance.timers.advert_int / 10
    return hostile.advertising(packet, every=every, lasting=60 + 2 * long(cluster))


@pytest.fixture
def claimed(
    cluster: Cluster,
    clients: Clients,
    listening: Listening,
    stranger: AbstractContextManager[Attack],
) -> Claimed:
    """A stranger advertised for longer than a BACKUP waits."""
    began = listening.now()
    with clients.probing() as service, stranger:
        wait.passing(long(cluster))
    return Claimed(service, tuple(a for a in listening.heard().adverts if a.at > began))


def test_stranger_moves_the_vip_nowhere(cluster: Cluster, claimed: Claimed) -> None:
    """The MASTER goes on advertising, the BACKUP stays what it is, and clients lose nothing.

    A password does not suffice: keepalived 2.2.7 refuses the stranger's advert, and yet begins to
    wait anew for its own.
    """
    directors = {d.node.address: d.name for d in cluster.directors.values()}
    advertised = {directors[a.source] for a in claimed.adverts if a.source in directors}
    assert advertised == {cluster.master.name}, REMEDY
    assert claimed.service.lost.total() == 0, REMEDY


@pytest.mark.usefixtures("handed_back")
def test_stranger_keeps_nobody_from_taking_over(
    cluster: Cluster,
    inflict: Callable,
    budgets: Budgets,
    stranger: AbstractContextManager[Attack],
) -> None:
    """A BACKUP that believes him never finds that its MASTER has gone."""
    backup = cluster.backup
    taken_over = Condition(
        f"{backup.name} takes the VIP while a stranger advertises ({REMEDY})",
        lambda: backup.holds(cluster.vip),
    )
    with stranger:
        inflict(keepalived_stopped(cluster.master))
        taken_over.until(within=budgets.resignation.value + long(cluster))


def test_stranger_is_named(hostile: HostileClient, listening: Listening, claimed: Claimed) -> None:
    """By the watch on the LAN, whether directors listen to him or not."""
    stranger = f"{hostile.client.node.address} advertises virtual router"
    told = {breach.what for breach in invariants.breaches(listening.heard(), listening.rules)}
    assert any(what.startswith(stranger) for what in told), f"nobody tells of {stranger}: {told}"
