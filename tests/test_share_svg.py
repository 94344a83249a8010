"""Requests by backend as bars: who has another share is told in words and by a number."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from halab import share_svg

EVEN = {f"web{n}": 10.0 for n in range(1, 49)}


def texts(svg: str) -> list[str]:
    """All that can be read in a drawing, without its titles."""
    return [e.text or "" for e in ET.fromstring(svg).iter() if e.tag.endswith("text")]


def test_even_shares_need_no_numbers() -> None:
    """Names, the expected share, and nothing else."""
    told = texts(share_svg.drawn("requests", EVEN, 10))
    assert told == ["requests", *EVEN, "10"]
    assert share_svg.told("requests", EVEN, 10).endswith("expected 10; none has otherwise.")


def test_another_share_stands_out() -> None:
    """With its number; what is within the tolerance does not."""
    shares = {**EVEN, "web3": 20.0, "web4": 11.0}
    assert "20" in texts(share_svg.drawn("requests", shares, 10, within=1))
    assert "11" not in texts(share_svg.drawn("requests", shares, 10, within=1))
    assert "otherwise: web3 20." in share_svg.told("requests", shares, 10, within=1)


def test_backend_that_nobody_was_sent_to_has_a_place() -> None:
    """Zero is a share, and an empty chart is no error."""
    assert "0" in texts(share_svg.drawn("requests", {"web1": 0.0, "web2": 10.0}, 10))
    assert share_svg.drawn("requests", {}, 10)
    assert share_svg.told("requests", {}, 10) == "requests: nobody was asked."
