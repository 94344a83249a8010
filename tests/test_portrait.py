"""The cluster as it was found: in words, and drawn so that no state is told by colour alone."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

from halab import portrait_svg
from halab.portrait import DirectorSeen, Portrait

BACKENDS = {f"web{n}": "UP" for n in range(1, 5)}
LB1 = DirectorSeen(
    "lb1",
    "192.168.250.1",
    "MASTER",
    kernel="6.1",
    cpus=2,
    haproxy="2.6.12",
    keepalived="2.2.7",
    keepalived_runs=True,
    holds=True,
    processes=frozenset({1}),
    backends=BACKENDS,
)
LB2 = replace(LB1, name="lb2", address="192.168.250.2", state="BACKUP", holds=False)
SERVERS = {"server1": ("web1", "web2"), "server2": ("web3", "web4")}


def found(*directors: DirectorSeen) -> Portrait:
    """A cluster with two servers."""
    return Portrait("192.168.250.250", "default", directors, SERVERS, ("client1",), ("client4",))


def texts(svg: str) -> list[str]:
    """All that can be read in a drawing, without its titles."""
    return [e.text or "" for e in ET.fromstring(svg).iter() if e.tag.endswith("text")]


def test_healthy_cluster_in_a_sentence() -> None:
    """Who holds the VIP, and that all are UP on both."""
    assert found(LB1, LB2).sentence() == (
        "The VIP 192.168.250.250 is held by lb1; lb1 (MASTER): 4 of 4 backends UP; "
        "lb2 (BACKUP): 4 of 4 backends UP."
    )


def test_what_is_wrong_is_in_the_sentence_and_in_the_drawing() -> None:
    """Dead programs, a backend that is out, and a director that says nothing."""
    ill = replace(
        LB1, keepalived_runs=False, holds=False, processes=frozenset(),
        backends={**BACKENDS, "web2": "DOWN (L4CON)"},
    )  # fmt: skip
    mute = replace(LB2, silent="lb2: no route to host", backends={})
    seen = found(ill, mute)
    for words in (
        "held by nobody",
        "keepalived does not run",
        "no HAProxy runs",
        "3 of 4 backends UP, web2 DOWN (L4CON)",
        "lb2 (BACKUP) does not answer: lb2: no route to host",
    ):
        assert words in seen.sentence()
    drawing = portrait_svg.drawn(seen)
    assert "✗ keepalived does not run" in texts(drawing)
    assert "does not answer" in texts(drawing)
    assert texts(drawing).count("D") == 1
    assert texts(drawing).count("?") == 4  # lb2 tells of none of the four


def test_layer_4_has_no_haproxy_and_that_is_well() -> None:
    """Who gets no connection is out, as who is DOWN elsewhere."""
    four = replace(LB1, processes=frozenset(), ipvs=True, backends={**BACKENDS, "web2": "DOWN"})
    seen = found(four, replace(LB2, processes=frozenset(), ipvs=True))
    assert "lb1 (MASTER): 3 of 4 backends UP, web2 DOWN; lb2 (BACKUP): 4 of 4" in seen.sentence()
    assert texts(portrait_svg.drawn(seen)).count("IPVS balances") == 2


def test_facts_are_told_once_where_they_are_the_same() -> None:
    """And by director where they differ, as after an upgrade of one."""
    assert found(LB1, LB2).facts()["HAProxy"] == "2.6.12"
    newer = replace(LB2, haproxy="2.8.3")
    assert found(LB1, newer).facts()["HAProxy"] == "lb1 2.6.12, lb2 2.8.3"
    nodes = "2 directors, 2 servers with 4 web VMs, 1 clients, 1 behind a gateway"
    assert found(LB1, LB2).facts()["Nodes"] == nodes


def test_words_of_nodes_are_no_markup() -> None:
    """A drawing is in a page."""
    drawing = portrait_svg.drawn(found(replace(LB1, silent="<script>alert(1)</script>"), LB2))
    assert "<script" not in drawing
    ET.fromstring(drawing)
