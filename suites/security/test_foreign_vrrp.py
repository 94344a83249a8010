"""Somebody who is no director says on the LAN that he is the better MASTER."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from fixtures.clients import Clients
from halab import invariants, wait
from halab.cluster import Cluster
from halab.forged_advert import forged
from halab.hostile_client import HostileClient
from halab.lan import Listening
from halab.service import Service
from halab.vrrp import Advert

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


@pytest.fixture
def claimed(
    cluster: Cluster, clients: Clients, hostile: HostileClient, listening: Listening
) -> Claimed:
    """A stranger advertised, ten times in each advert_int, for longer than a BACKUP waits.

    He knows all that can be heard on the LAN, but for the password.
    """
    instance = cluster.master.keepalived.instance()
    packet = forged(instance, cluster.vip, hostile.client.node.address)
    advert_int = instance.timers.advert_int
    long = cluster.backup.keepalived.instance().timers.master_down_interval + advert_int
    began = listening.now()
    with (
        clients.probing() as service,
        hostile.advertising(packet, every=advert_int / 10, lasting=2 * long),
    ):
        wait.passing(long)
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


def test_stranger_is_named(hostile: HostileClient, listening: Listening, claimed: Claimed) -> None:
    """By the watch on the LAN, whether directors listen to him or not."""
    stranger = f"{hostile.client.node.address} advertises virtual router"
    told = {breach.what for breach in invariants.breaches(listening.heard(), listening.rules)}
    assert any(what.startswith(stranger) for what in told), f"nobody tells of {stranger}: {told}"
