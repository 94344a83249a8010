"""The story of a failover: what is told of requests, adverts and marks, and how it is drawn."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as some

from halab import story, story_svg
from halab.mastership import Span
from halab.outage import Outcome, Request
from halab.service import Gap, Lag, Service
from halab.story import Band, Lane, Look, Story, Stretch, Tick
from halab.timeline import Event

SVG = "{http://www.w3.org/2000/svg}"


def service(lost: set[int], gaps: tuple[Gap, ...] = ()) -> Service:
    """A hundred requests, one every 10 ms from 50 s on, some of them lost."""
    requests = tuple(
        Request(50 + n / 100, 0.001, Outcome.TIMEOUT if n in lost else Outcome.OK)
        for n in range(100)
    )
    return Service(
        target="vip",
        kind="new",
        cookies=False,
        interval=0.01,
        timeout=0.25,
        started=50.0,
        ended=51.0,
        ended_by="stop",
        requests=requests,
        gaps=gaps,
        marks={"fault": 50.5},
        lag=Lag(0, 0, 0),
        cpu=0.0,
        retried=0,
    )


def looks(lane: Lane) -> Counter[Look]:
    """How many stretches of each look."""
    return Counter(stretch.look for stretch in lane.stretches)


def test_an_outage_is_where_it_was() -> None:
    """Its edges are those of the measurement, on the story's clock."""
    lane = story.client_lane("client1", service(set(range(60, 80))), zero=50.5, finest=0.001)
    (lost,) = (stretch for stretch in lane.stretches if stretch.look is Look.LOST)
    assert lost.span.since == pytest.approx(0.1, abs=0.006)
    assert lost.span.until == pytest.approx(0.3, abs=0.006)
    assert lost.text == "20 timeout in 1 outage, 0.200 s"


def test_outages_too_close_to_be_told_apart_are_one_partly_lost() -> None:
    """A dead backend among 24 takes every 24th request; a drawing needs no shape for each."""
    every_other = set(range(0, 40, 2)) | {90}
    lane = story.client_lane("client1", service(every_other), zero=50.5, finest=0.03)
    assert looks(lane) == {Look.ANSWERED: 1, Look.PARTLY: 1, Look.LOST: 1}
    (partly,) = (stretch for stretch in lane.stretches if stretch.look is Look.PARTLY)
    assert partly.text.startswith("20 timeout in 20 outages")


def test_what_the_prober_did_not_send_is_no_loss() -> None:
    """Nobody knows how the service was then."""
    gap = Gap(50.2, 10, "late")
    lane = story.client_lane("client1", service(set(), (gap,)), zero=50.0, finest=0.01)
    assert looks(lane) == {Look.ANSWERED: 1, Look.UNSENT: 1}
    assert lane.stretches[1].span.lasted == pytest.approx(0.1)


def a_story(name: str = "client1", text: str = "lost") -> Story:
    """One of everything."""
    lane = Lane(
        name,
        (Stretch(Span(-1, 4), Look.ANSWERED, text), Stretch(Span(0, 2.5), Look.LOST, text)),
        (Tick(0.1, Look.RESIGNS, text), Tick(1, Look.ADVERT, text), Tick(99, Look.ADVERT, text)),
    )
    return Story(Span(-1, 4), (lane,), (Event(0, text),), Band(Span(0, 3.6), text))


@given(some.text(max_size=30))
def test_any_words_give_a_whole_drawing(words: str) -> None:
    """Names and errors come from nodes: none of them may end an element or begin a script."""
    printable = "".join(c for c in words if c.isprintable())
    root = ElementTree.fromstring(story_svg.drawn(a_story(printable, printable)))
    assert root.tag == f"{SVG}svg"
    assert {element.tag for element in root.iter()} == {
        f"{SVG}{tag}" for tag in ("svg", "title", "path", "text", "rect")
    }


def test_picture_tells_in_words_what_was_lost() -> None:
    """For whoever cannot see it."""
    root = ElementTree.fromstring(story_svg.drawn(a_story(text="powered off")))
    title = root.find(f"{SVG}title")
    assert title is not None
    assert title.text == ("Timeline. +0.000 s powered off. client1 +0.000 s: powered off.")
    quiet = story_svg.drawn(replace(a_story(), lanes=()))
    assert "No client lost a request" in quiet


def test_what_is_outside_the_window_is_not_drawn() -> None:
    """The advert at 99 s is not."""
    root = ElementTree.fromstring(story_svg.drawn(a_story()))
    assert len([t for t in root.iter(f"{SVG}title") if (t.text or "").startswith("advert")]) == 1


@given(some.floats(-5, 5), some.floats(0.01, 5000))
def test_an_axis_has_a_few_round_times(since: float, lasted: float) -> None:
    """Never more than fit, all of them inside, evenly spaced."""
    window = Span(since, since + lasted)
    times = story_svg.steps(window)
    assert 1 <= len(times) <= 11
    assert all(window.since - 1e-6 <= at <= window.until + 1e-6 for at in times)
    assert len({round(later - sooner, 6) for sooner, later in pairwise(times)}) <= 1
