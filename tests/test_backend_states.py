"""When HAProxy held which backend for DOWN, from what it logged, and its two drawings."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from halab import backend_states, backend_states_svg
from halab.backend_states import Change, changes
from halab.logs import Entry
from halab.mastership import Span
from halab.story import Look

# as HAProxy 2.6.12 logged them
DOWN = (
    "Server http-backend/web4 is DOWN, reason: Layer4 connection problem, info: "
    '"Connection refused", check duration: 0ms. 23 active and 0 backup servers left.'
)
UP = "Server http-backend/web4 is UP, reason: Layer4 check passed, check duration: 0ms. 24 active"
MAINT = "Server http-backend/web4 is going DOWN for maintenance. 23 active and 0 backup servers"
READY = "Server http-backend/web4 is UP/READY (leaving forced maintenance)."
DRAIN = "Server http-backend/web4 enters drain state. 23 active and 0 backup servers left."


def logged(*texts: str) -> list[Entry]:
    """A line a second from 10."""
    return [Entry(10.0 + n, "lb1", "haproxy", text) for n, text in enumerate(texts)]


@pytest.mark.parametrize(("text", "up"), [(DOWN, False), (UP, True), (MAINT, False), (READY, True)])
def test_changes_are_read(text: str, up: bool) -> None:
    """By check and by hand."""
    (change,) = changes(logged(text))
    assert (change.director, change.server, change.up) == ("lb1", "web4", up)


def test_why_a_backend_is_down_is_kept() -> None:
    """It is what an operator looks for."""
    (change,) = changes(logged(DOWN))
    assert "Connection refused" in change.why
    assert "23 active" not in change.why


def test_drain_is_no_place_for_new_clients() -> None:
    """It is out as one in maintenance is."""
    assert [change.up for change in changes(logged(DRAIN))] == [False]


def test_other_lines_tell_nothing() -> None:
    """Nor does a request's line that has such words in its path."""
    assert changes(logged("Proxy www started.", 'GET "/Server a/b is DOWN"')) == ()


def test_backend_that_does_not_come_back_is_down_to_the_end() -> None:
    """And one that was told twice is so once."""
    spans = backend_states.down(changes(logged(DOWN, DOWN)), 20.0)
    assert [span for span, _ in spans["web4"]] == [Span(10.0, 20.0)]


def test_lane_counts_what_is_up() -> None:
    """All of two, one of two, none, and all again; times are from the story's zero."""
    told = [
        (10.0, "web1", False),
        (11.0, "web2", False),
        (12.0, "web1", True),
        (12.0, "web2", True),
    ]
    all_of = [Change(at, "lb1", server, up, "") for at, server, up in told]
    lane = backend_states.lane("lb1", all_of, 2, Span(-1.0, 5.0), 9.0)
    assert [(s.look, s.span.since) for s in lane.stretches] == [
        (Look.ALL_UP, -1.0),
        (Look.SOME_UP, 1.0),
        (Look.ALL_DOWN, 2.0),
        (Look.ALL_UP, 3.0),
    ]
    assert lane.stretches[1].text == "1 of 2 UP, DOWN: web1"
    assert len(backend_states.lane("lb2", all_of, 2, Span(-1.0, 5.0), 9.0).stretches) == 1


def test_each_backend_is_drawn_that_changed() -> None:
    """The others are named, and the picture is told in words."""
    names = [f"web{n}" for n in range(1, 5)]
    told = changes(logged(DOWN, UP))
    svg = ET.fromstring(backend_states_svg.drawn(told, names, ["lb1", "lb2"], Span(-1, 5), 9.0))
    texts = [e.text for e in svg.iter() if e.tag.endswith("text")]
    assert "web4" in texts
    assert "web1" not in texts
    assert any("Always UP: web1, web2 and " in (text or "") for text in texts)
    title = next(e.text or "" for e in svg.iter() if e.tag.endswith("title"))
    assert "web4 for lb1 from +1.000 to +2.000 s" in title
