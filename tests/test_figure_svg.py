"""The chart of a figure: both halves, and what could not be measured."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from halab.figure_svg import Bar, drawn

BARS = [
    Bar("OS scheduler", (900.0, 1000.0, 1100.0), 8659),
    Bar("pinned", (1200.0,), 10056),
    Bar("3 processes & more", (), 13467, "no third CPU"),
    Bar("no RPS", (800.0,)),
    Bar("Xen", (0.0455,), said="at most 12% below <bare metal>"),
]


def texts() -> list[str]:
    return ["".join(e.itertext()) for e in ET.fromstring(drawn("Figure 20", BARS)).iter() if e.text]


def test_what_was_measured_and_what_is_stated_are_there() -> None:
    shown = texts()
    assert {"1,000", "1,200", "8,659", "10,056", "not in words"} <= {*shown}
    assert {"0.0455", "at most 12% below <bare metal>"} <= {*shown}


def test_a_bar_that_was_not_measured_says_why() -> None:
    assert any(text.startswith("not measured") and "no third CPU" in text for text in texts())


def test_the_longest_bar_of_each_half_fills_it() -> None:
    rects = ET.fromstring(drawn("Figure 20", BARS)).iter("{http://www.w3.org/2000/svg}rect")
    wide = [float(rect.get("width", "")) for rect in rects]
    assert len(wide) == 7
    assert max(wide) == wide[4]
    assert wide[0] / wide[2] == pytest.approx(1000 / 1200, rel=0.001)


def test_the_picture_is_told_in_words() -> None:
    assert "OS scheduler: measured 1,000, stated 8,659" in drawn("Figure 20", BARS)
    assert "3 processes &amp; more: not measured, stated 13,467" in drawn("Figure 20", BARS)
