"""The service is there: one VIP, on the MASTER, which alone advertises it."""

from __future__ import annotations

from ipaddress import IPv4Interface

import pytest

from fixtures.clients import Clients
from fixtures.evidence import Evidence
from halab import wait, webserver
from halab.budget import Budget
from halab.cluster import Cluster
from halab.lan import Listening
from halab.vrrp import Advert, intervals, speakers

pytestmark = pytest.mark.observe

UNDISTURBED = 5


@pytest.fixture(scope="module")
def adverts(cluster: Cluster, listening: Listening) -> tuple[Advert, ...]:
    """The VRRP adverts that the watch on the LAN has heard since the module began.

    For an interval longer than a BACKUP waits that takes none of them for its MASTER's.
    """
    master, backup = (
        director.keepalived.instance().timers for director in (cluster.master, cluster.backup)
    )
    long = backup.master_down_interval + master.advert_int
    wait.until(
        lambda: listening.heard().watched.lasted >= long,
        what=f"the LAN has been heard for {long:.1f} s",
        within=2 * long,
    )
    return listening.heard().adverts


@pytest.mark.gate
def test_undisturbed_service_loses_nothing(cluster: Cluster, clients: Clients) -> None:
    """Nothing happens for longer than a failover takes: no client loses a request.

    Nor does the LAN tell of anything but one MASTER: what breaks there fails this test too.
    """
    with clients.probing() as service:
        wait.passing(UNDISTURBED * cluster.topology.vrrp.advert_int)

    assert service.lost.total() == 0


@pytest.mark.gate
def test_vip_is_on_exactly_one_director_the_master(cluster: Cluster) -> None:
    """Two holders are a split brain, none is an outage, the BACKUP alone is a lost failback."""
    assert cluster.holders() == [cluster.master]


@pytest.mark.rests_on("VIP as a host address")
def test_vip_is_a_host_address_on_the_nic(cluster: Cluster) -> None:
    """Section 4.5: the VIP is a /32 beside the director's own address on its eth0."""
    assert IPv4Interface((cluster.vip, 32)) in cluster.master.addresses()


@pytest.mark.gate
def test_every_client_resolves_the_vip_to_the_master(cluster: Cluster, clients: Clients) -> None:
    """A client with another MAC in its ARP table speaks to nobody, or to the wrong director."""
    seen = {client.name: client.neighbour(cluster.vip) for client in clients.all}
    assert seen == dict.fromkeys(seen, cluster.master.mac())


def test_only_the_master_advertises(cluster: Cluster, adverts: tuple[Advert, ...]) -> None:
    """RFC 5798 section 6.4: a BACKUP listens; two speakers are two MASTERs."""
    assert list(speakers(adverts)) == [cluster.master.node.address]


AGREED = ("version", "virtual_router_id", "advert_int", "auth_type", "virtual_ipaddresses")


@pytest.mark.gate
def test_directors_are_configured_as_one_virtual_router(cluster: Cluster) -> None:
    """keepalived bears an advert_int that differs, and then its failover is not what was meant."""
    master, backup = (
        {word: getattr(director.keepalived.instance(), word) for word in AGREED}
        for director in (cluster.master, cluster.backup)
    )
    assert backup == master


def test_adverts_say_what_the_topology_says(cluster: Cluster, adverts: tuple[Advert, ...]) -> None:
    """Version, router id, priority and VIP on the wire are the MASTER's of topology.yaml."""
    vrrp, master = cluster.topology.vrrp, cluster.topology.master
    expected = (vrrp.version, vrrp.virtual_router_id, master.priority, (cluster.vip,))
    seen = {(a.version, a.virtual_router_id, a.priority, a.addresses) for a in adverts}
    assert seen == {expected}


def test_adverts_come_every_advert_int(
    cluster: Cluster, adverts: tuple[Advert, ...], evidence: Evidence
) -> None:
    """An advert that is late by the BACKUP's skew_time brings a needless failover near."""
    advert_int = cluster.topology.vrrp.advert_int
    assert {advert.advert_int for advert in adverts} == {advert_int}
    lateness = Budget(
        cluster.backup.keepalived.instance().timers.skew_time, "skew_time of the BACKUP"
    )
    worst = max(abs(interval - advert_int) for interval in intervals(adverts))
    evidence.measure("an advert's distance from its time", worst, lateness)
    assert worst < lateness.value


@pytest.mark.rests_on("stats password")
@pytest.mark.parametrize("role", ["master", "backup"])
def test_stats_page_answers_with_the_password(cluster: Cluster, role: str) -> None:
    """The page is there on both directors, for whoever has its user and password."""
    director, stats = getattr(cluster, role), cluster.topology.haproxy.stats
    auth = (stats.user, cluster.lab.secrets.stats)
    answer = webserver.get(director.node.address, stats.port, stats.uri, auth=auth)
    assert answer.status == 200
    assert cluster.topology.haproxy.backend in answer.page


@pytest.mark.parametrize("auth", [None, ("admin", "admin"), ("operator", "wrong")], ids=str)
@pytest.mark.parametrize("role", ["master", "backup"])
def test_stats_page_refuses_without_the_password(
    cluster: Cluster, role: str, auth: tuple[str, str] | None
) -> None:
    """The thesis's admin:admin would show, and let change, the cluster to anyone on the LAN."""
    director, stats = getattr(cluster, role), cluster.topology.haproxy.stats
    answer = webserver.get(director.node.address, stats.port, stats.uri, auth=auth)
    assert answer.status == 401
