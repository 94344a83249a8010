"""Round robin spreads the load evenly."""

from __future__ import annotations

from collections import Counter

import pytest

from fixtures.clients import Clients
from fixtures.evidence import Evidence
from halab import webserver
from halab.cluster import Cluster

pytestmark = [
    pytest.mark.observe,
    pytest.mark.rests_on("round robin"),
    pytest.mark.configuration(vms_per_server=4),
    pytest.mark.configuration(vms_per_server=8),
]

TURNS = 10


@pytest.mark.rests_on("named backends")
def test_each_backend_gets_its_share_exactly(cluster: Cluster, evidence: Evidence) -> None:
    """With no other traffic, ten turns of the wheel stop ten times at each backend."""
    served: Counter[str] = Counter()
    for _ in range(TURNS * len(cluster.backends)):
        served[webserver.get(cluster.vip, cluster.ports[0]).served_by] += 1
    shares = {vm.name: served[vm.name] for vm in cluster.backends}
    evidence.share("requests by backend, no other traffic", shares, TURNS)
    assert served == {vm.name: TURNS for vm in cluster.backends}


def test_each_backend_gets_its_share_under_traffic(
    cluster: Cluster, clients: Clients, evidence: Evidence
) -> None:
    """All traffic turns one wheel, so that no two backends differ by more than one request.

    By one they may: the traffic need not stop at the end of a turn.
    """
    haproxy = cluster.master.haproxy()
    before = haproxy.servers(cluster.topology.haproxy.backend)
    with clients.probing() as service:
        for _ in range(TURNS * len(cluster.backends)):
            webserver.get(cluster.vip, cluster.ports[0])
    after = haproxy.servers(cluster.topology.haproxy.backend)
    shares = {vm.name: after[vm.name].lbtot - before[vm.name].lbtot for vm in cluster.backends}
    fair = sum(shares.values()) / len(shares)
    evidence.share("requests by backend, under traffic", shares, round(fair, 1), within=1)
    assert service.lost.total() == 0
    assert sum(shares.values()) >= TURNS * len(cluster.backends) + service.service.sent
    assert max(shares.values()) - min(shares.values()) <= 1
