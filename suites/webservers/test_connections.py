"""HAProxy's connections: to web servers by http-reuse, and to clients that speak HTTP/2."""

from __future__ import annotations

import pytest
import requests

from fixtures.evidence import Evidence
from halab import page, webserver
from halab.cluster import Cluster
from halab.haproxy_stat import Stat
from halab.page import PAGES
from halab.webserver import Answer

pytestmark = [
    pytest.mark.observe,
    pytest.mark.configuration(web_server="nginx", http_reuse="never"),
    pytest.mark.configuration(web_server="nginx", http_reuse="safe"),
    pytest.mark.configuration(web_server="nginx", http_reuse="always"),
]

TURNS = 4


def servers(cluster: Cluster) -> list[Stat]:
    stats = cluster.master.haproxy().servers(cluster.topology.haproxy.backend)
    return [*stats.values()]


def opened(cluster: Cluster, before: list[Stat]) -> int:
    """Connections that were opened to web servers since."""
    return sum(s.connect for s in servers(cluster)) - sum(s.connect for s in before)


def test_connections_to_web_servers(cluster: Cluster, evidence: Evidence) -> None:
    """For clients that ask once each: one each, or shared by all of them with "always".

    "safe" lends no connection to a client's first request.
    """
    assert cluster.configuration is not None
    before = servers(cluster)
    requests_made = TURNS * len(cluster.backends)
    for _ in range(requests_made):
        webserver.get(cluster.vip, cluster.ports[0])
    made = opened(cluster, before)
    evidence.figures.append(f"{made} connections for {requests_made} requests of as many clients")
    shared = cluster.configuration.http_reuse == "always"
    least, most = (0, len(cluster.backends)) if shared else (requests_made, requests_made)
    assert least <= made <= most


def test_a_client_that_stays_shares_what_others_opened(
    cluster: Cluster, evidence: Evidence
) -> None:
    """Its later requests go over connections of other clients, unless http-reuse is "never"."""
    assert cluster.configuration is not None
    with requests.Session() as first, requests.Session() as second:
        for session in (first, second):
            before = servers(cluster)
            for _ in cluster.backends:
                response = session.get(f"http://{cluster.vip}:{cluster.ports[0]}/index.html")
                assert response.status_code == page.OK
            made = opened(cluster, before)
    evidence.figures.append(f"{made} connections for the second of two clients that stay")
    each = len(cluster.backends)
    least, most = (each, each) if cluster.configuration.http_reuse == "never" else (0, 1)
    assert least <= made <= most


@pytest.mark.rests_on("pages")
@pytest.mark.parametrize("name", PAGES)
def test_http_2_clients_get_every_page(cluster: Cluster, name: str) -> None:
    """By prior knowledge (RFC 9113, section 3.3), each answer of every backend right."""
    backends = {vm.name: vm for vm in cluster.backends}
    url = f"http://{cluster.vip}:{cluster.ports[0]}/{name}"
    ask = "curl -sS --http2-prior-knowledge -o - -D - -w '\\n%%{http_version} %%{http_code}' %s"
    seen = {}
    for _ in backends:
        asked = cluster.first_client.node.ask(ask, url)
        assert asked.succeeded, f"HAProxy speaks no HTTP/2 with its clients: {asked.stderr}"
        told, _, end = asked.stdout.rpartition("\n")
        head, _, body = told.replace("\r", "").partition("\n\n")
        version, status = end.split()
        fields = dict(line.lower().split(": ", 1) for line in head.splitlines() if ": " in line)
        answer = Answer(int(status), fields.get(webserver.SERVED_BY.lower(), ""), body)
        assert version == "2"
        assert answer.served_by in backends, f"status {status} by {answer.served_by or '?'}"
        seen[answer.served_by] = [*page.wrong(answer, name, backends[answer.served_by])]
    assert seen == {vm: [] for vm in backends}
