"""A client that means harm costs the others nothing.

What it does is bounded and ends by itself, but a cluster that is not fit for it loses requests: so
these tests are disruptive.
"""

from __future__ import annotations

import pytest

from fixtures.clients import Clients
from fixtures.evidence import Evidence
from halab import passed_on, wait
from halab.budget import Budget
from halab.cluster import Cluster
from halab.hostile_client import Group, HostileClient, unused_address
from halab.request_shape import marked
from halab.wait import Condition

pytestmark = [pytest.mark.disruptive, pytest.mark.usefixtures("steady")]

SEEN = 1.0
"""Seconds between HAProxy's end of a connection and the moment at which a busy client sees it."""

MOST_PLACES = 10_000
"""Connections that a single client is asked to hold."""

HELD = 1.0
"""Seconds for which connections are half open."""

HEAD = b"%s /index.html HTTP/1.1\r\nHost: slow\r\n"
SLOW = {
    "silent": Group(1000),
    "headers": Group(200, HEAD % b"GET", b"X-Slow: 1\r\n"),
    "body": Group(200, HEAD % b"POST" + b"Content-Length: 10000\r\n\r\n", b"x"),
}


ROOM = "HAProxy needs a maxconn beyond what one client takes"
ENDED = (
    "HAProxy needs 'timeout http-request', and 'option http-buffer-request': who does not end his "
    "request keeps his place"
)


def whole_request(cluster: Cluster) -> Budget:
    """The time that a client has for a request."""
    seconds = cluster.topology.haproxy.timeouts_ms.http_request / 1000
    return Budget(seconds, f"timeouts_ms.http_request, and {SEEN:g} s until it is seen")


@pytest.mark.parametrize("kind", SLOW)
def test_slow_clients_lose_their_places_and_nobody_else_does(
    cluster: Cluster, clients: Clients, hostile: HostileClient, evidence: Evidence, kind: str
) -> None:
    """Slowloris, its like for bodies, and clients that say nothing at all."""
    budget = whole_request(cluster)

    with (
        clients.probing() as service,
        hostile.connected(
            cluster.vip, cluster.ports[0], SLOW[kind], lasting=budget.value + 2 * SEEN
        ) as slow,
    ):
        pass

    evidence.note(f"{slow.standing} connections stood; {slow.summary()}")
    evidence.measure("the longest of them", slow.longest, budget, SEEN)
    assert service.lost.total() == 0, ROOM
    assert slow.longest <= budget.value + SEEN, ENDED


def test_half_open_connections_keep_nobody_out(
    cluster: Cluster, clients: Clients, hostile: HostileClient, evidence: Evidence
) -> None:
    """1,000 SYNs whose sender never answers: the kernel keeps them, or sends cookies."""
    port, nobodys = cluster.ports[0], unused_address(hostile.client.node, cluster.topology)

    def waiting() -> int:
        sockets = cluster.master.node.run("ss -Htn state syn-recv sport = :%s", str(port))
        return len(sockets.splitlines())

    arrived = Condition("the MASTER has half-open connections", waiting)
    with (
        clients.probing() as service,
        hostile.half_open(cluster.vip, port, nobodys, count=1000, lasting=10),
    ):
        arrived.until(within=5)
        evidence.note(f"{waiting()} half-open connections on the MASTER")
        wait.passing(HELD)

    assert service.lost.total() == 0, "net.ipv4.tcp_syncookies must be 1, or the backlog larger"


def test_maxconn_queues_and_drops_nobody(
    cluster: Cluster, clients: Clients, hostile: HostileClient, evidence: Evidence
) -> None:
    """All places are taken: whoever comes waits for one, and is answered then."""
    haproxy, budget = cluster.master.haproxy(), whole_request(cluster)
    own = haproxy.deployed().frontends.values()
    limits = [its.maxconn for its in own if its.maxconn and cluster.ports[0] in its.ports]
    places = min([int(haproxy.info()["Maxconn"]), *limits])
    if places > MOST_PLACES:
        pytest.skip(
            f"maxconn {places}: a client is asked to hold {MOST_PLACES} connections at most"
        )
    full = Condition(
        f"{places} connections stand, as many as maxconn",
        lambda: int(haproxy.info()["CurrConns"]) >= places,
        seen=lambda: haproxy.info()["CurrConns"],
    )
    asked = Group(50, HEAD % b"GET" + b"Connection: close\r\n\r\n")
    # both hold out for longer than anybody should have to wait
    patient, lasting = HostileClient(clients.first), 2 * (budget.value + SEEN)

    with hostile.connected(cluster.vip, cluster.ports[0], Group(places), lasting=lasting):
        full.until(within=budget.value / 2)
        with patient.connected(cluster.vip, cluster.ports[0], asked, lasting=2 * lasting) as queued:
            pass

    evidence.note(f"of those who waited: {queued.summary()}")
    evidence.measure("the longest wait", queued.longest, budget, SEEN)
    assert {fate.status for fate in queued.fates} == {200}, "maxconn must queue, nothing reject"
    assert queued.longest <= budget.value + SEEN, ENDED


MARK = marked("rubbish")
_MARK = MARK.encode()
_GET = HEAD.replace(b"/index.html", b"/index.html?" + _MARK) % b"GET"
RUBBISH = {
    "huge header": _GET + b"X-Huge: " + b"a" * 65536 + b"\r\n\r\n",
    "10,000 headers": _GET + b"X: y\r\n" * 10_000 + b"\r\n",
    "huge URI": b"GET /?" + _MARK + b"a" * 65536 + b" HTTP/1.1\r\nHost: rubbish\r\n\r\n",
    "huge method": b"A" * 65536 + b" /?" + _MARK + b" HTTP/1.1\r\nHost: rubbish\r\n\r\n",
    "half a request": _GET,
    "TLS": bytes.fromhex("1603010200010001fc0303") + _MARK + b"0" * 500,
    "NULs": bytes(4096) + _MARK,
    "all bytes": bytes(range(256)) * 16 + _MARK,
    "no request": b"\r\n\r\n" + _MARK + b"\r\n\r\n",
    "HTTP/2 with a wrong frame": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 512 + _MARK,
}
"""All of them with the mark, by which they are found behind HAProxy."""

REFUSED = {400, 408, 414, 431, 501, None}
"""What rubbish is answered with; None: nothing, only the end of the connection."""


def test_rubbish_is_refused_and_reaches_no_server(
    cluster: Cluster, clients: Clients, hostile: HostileClient, evidence: Evidence
) -> None:
    """Headers that are too large and what is no HTTP end at HAProxy, which goes on serving."""
    haproxy, budget = cluster.master.haproxy(), whole_request(cluster)
    worker, port = haproxy.pid(), cluster.topology.webserver.port
    groups = [Group(10, said) for said in RUBBISH.values()]

    with (
        passed_on.captured(cluster.master.node, port) as passed,
        clients.probing() as service,
        hostile.connected(
            cluster.vip, cluster.ports[0], *groups, lasting=budget.value + 2 * SEEN
        ) as rubbish,
    ):
        pass

    evidence.note(rubbish.summary())
    assert haproxy.pid() == worker, "the HAProxy that had the rubbish is gone"
    taken = {
        kind: statuses - REFUSED
        for group, kind in enumerate(RUBBISH)
        if (statuses := {fate.status for fate in rubbish.of(group)}) - REFUSED
    }
    assert not taken, f"not refused; is tune.bufsize or tune.http.maxhdr raised? {taken}"
    assert passed.streams, "the capture has no request, and shows nothing"
    assert not passed.with_(MARK), "passed on; is tune.bufsize or tune.http.maxhdr raised?"
    assert service.lost.total() == 0, ROOM
    assert rubbish.longest <= budget.value + SEEN, ENDED
