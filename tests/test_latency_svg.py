"""Latency under load: drawn to one scale, and told in words."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from halab import latency_svg

BARS = {"pinned": {50: 0.001, 90: 0.002, 99: 0.004}, "1 < 2": {}}


def test_percentiles_are_told_in_milliseconds() -> None:
    """And of whom nobody told, that nobody did."""
    told = latency_svg.told("Figure 20: latency", BARS)
    assert told == (
        "Figure 20: latency. pinned: p50 1.0 ms, p90 2.0 ms, p99 4.0 ms; 1 < 2: its generator "
        "tells none."
    )


def test_lines_have_one_scale() -> None:
    """The 90th percentile is half as far as the 99th."""
    drawing = ET.fromstring(latency_svg.drawn("Figure 20", BARS))
    ticks = [p.get("d", "") for p in drawing.iter("{http://www.w3.org/2000/svg}path")]
    p50, p90, p99 = (float(d[1:].split()[0]) - latency_svg.NAMES for d in ticks[1:])
    assert (round(p99 / p50), round(p99 / p90)) == (4, 2)
