"""Request smuggling: of each shape HAProxy passes on one request, or none.

Judged by the bytes that it sends to the servers, read in every way that a server might read them.
Disruptive, for what passes is another client's answer, and what does not counts as an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from fixtures.evidence import Evidence
from halab import passed_on, request_shape
from halab.client import Client
from halab.cluster import Cluster
from halab.hostile_client import Fate, Group, HostileClient
from halab.passed_on import PassedOn
from halab.request_shape import marked, most_requests

pytestmark = [pytest.mark.disruptive, pytest.mark.usefixtures("steady")]

SHAPES = request_shape.shapes()
REMEDY = (
    "refuse it there ('mode http' without 'option accept-invalid-http-request', an "
    "'http-request deny' for this shape), or upgrade"
)


@dataclass(frozen=True)
class Sent:
    """All shapes were sent, each on a connection of its own."""

    passed: PassedOn
    fates: Mapping[str, Fate]


@pytest.fixture(scope="module")
def sent(cluster: Cluster) -> Sent:
    """Every shape at once: those that are never whole wait for their time-out together."""
    hostile = HostileClient(Client([*cluster.clients.values()][1]))
    whole = cluster.topology.haproxy.timeouts_ms.http_request / 1000
    port = cluster.topology.webserver.port
    groups = [Group(1, shape) for shape in SHAPES.values()]
    with (
        passed_on.captured(cluster.master.node, port) as passed,
        hostile.connected(cluster.vip, cluster.ports[0], *groups, lasting=whole + 2) as attack,
    ):
        pass
    return Sent(passed, dict(zip(SHAPES, attack.fates, strict=True)))


def test_sound_request_is_passed_on(sent: Sent) -> None:
    """And seen: otherwise nothing that is said here of the others would mean anything."""
    assert [most_requests(stream) for stream in sent.passed.with_(marked("sound"))] == [1]


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "sound"])
def test_one_request_is_passed_on_or_none(sent: Sent, evidence: Evidence, shape: str) -> None:
    """What a server may take for a second one is another client's answer, or gets round rules."""
    assert sent.passed.with_(marked("sound")), "the capture has no request, and shows nothing"
    streams = sent.passed.with_(marked(shape))
    evidence.note(f"answered {sent.fates[shape].status or 'nothing'}; passed on: {streams}")
    requests = sum(map(most_requests, streams))
    assert requests <= 1, f"smuggled past HAProxy: {REMEDY}: {streams}"
