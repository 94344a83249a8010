"""haproxy.cfg's lines: what HAProxy takes for a time, and what for an address."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halab.haproxy_line import Endpoint, Line


def seconds(written: str) -> float:
    return Line(1, ["timeout", "server", written]).seconds(2)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        *[("5000", 5), ("250ms", 0.25), ("2s", 2), ("1m", 60), ("2h", 7200), ("1d", 86400)],
        *[("1us", 0.001), ("1500us", 0.002)],
    ],
)
def test_times(written: str, expected: float) -> None:
    """Bare numbers are milliseconds, and microseconds are rounded up to one."""
    assert seconds(written) == expected


@given(st.integers(0, 10**6), st.sampled_from([("ms", 1e-3), ("s", 1), ("m", 60), ("h", 3600)]))
def test_times_of_any_size(number: int, unit: tuple[str, float]) -> None:
    """In seconds."""
    suffix, factor = unit
    assert math.isclose(seconds(f"{number}{suffix}"), number * factor)


@pytest.mark.parametrize(
    ("written", "endpoints"),
    [
        (":9000", [("*", 9000)]),
        ("*:80", [("*", 80)]),
        ("10.0.0.1:80,10.0.0.2:81", [("10.0.0.1", 80), ("10.0.0.2", 81)]),
        ("10.0.0.1:8081-8083", [("10.0.0.1", 8081), ("10.0.0.1", 8082), ("10.0.0.1", 8083)]),
        ("[fd00::1]:80", [("fd00::1", 80)]),
        ("ipv4@10.0.0.1:80", [("10.0.0.1", 80)]),
        ("/run/haproxy.sock", [("/run/haproxy.sock", None)]),
        ("unix@/run/a:1", [("unix@/run/a:1", None)]),
    ],
)
def test_binds(written: str, endpoints: list[Endpoint]) -> None:
    """Every address and port of a bind line."""
    assert Line(1, ["bind", written, "name", "x"]).endpoints() == endpoints
