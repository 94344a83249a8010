"""The chart of curves: every line, every number of connections, and what could not be measured."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from halab.curve_svg import Line, drawn

LINES = [
    Line("Apache", {1: (900.0, 1000.0, 1100.0), 10: (1500.0,), 1000: (1400.0,)}),
    Line("Nginx & more", {1: (1200.0,), 10: (3000.0,)}, 17238),
    Line("G-WAN", {}, 200, "no binary"),
]
SVG = "{http://www.w3.org/2000/svg}"


def texts() -> list[str]:
    return [
        "".join(e.itertext()) for e in ET.fromstring(drawn("Figure 15", LINES)).iter() if e.text
    ]


def test_each_line_has_its_peak_and_what_is_stated() -> None:
    shown = texts()
    assert "Apache: most 1,500 at 10" in shown
    assert "Nginx & more: most 3,000 at 10; the thesis states 17,238" in shown


def test_what_was_not_measured_says_why() -> None:
    assert "G-WAN: not measured, no binary; the thesis states 200" in texts()


def test_connections_and_the_scale_are_there() -> None:
    assert {"1", "10", "1,000", "3,000", "0"} <= {*texts()}


def test_connections_stand_by_their_logarithm() -> None:
    top = ET.fromstring(drawn("Figure 15", LINES))
    places = {e.text: float(e.get("x", "")) for e in top.iter(f"{SVG}text") if e.get("y") == "292"}
    assert places["10"] - places["1"] == (places["1,000"] - places["10"]) / 2


def test_the_picture_is_told_in_words() -> None:
    assert "req/s over connections. Apache: most 1,500 at 10; Nginx &amp; more" in drawn("x", LINES)


def test_a_chart_of_nothing_is_one_all_the_same() -> None:
    ET.fromstring(drawn("Figure 15", [LINES[2]]))
