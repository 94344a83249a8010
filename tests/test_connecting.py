"""Connecting: how long HAProxy holds a request for a server that takes no connection."""

from __future__ import annotations

import math

import pytest

from halab.connecting import Connecting


@pytest.mark.parametrize(
    ("redispatch", "silent", "bound", "seconds"),
    [
        # as measured on HAProxy 2.6.12 with timeout connect 2 s (docs/decisions.md)
        (False, False, True, 3.0),
        (False, True, True, 8.0),
        (False, False, False, 3.0),
        (False, True, False, 8.0),
        (True, False, True, 2.0),
        (True, True, True, 6.0),
        (True, False, False, 0.0),
        (True, True, False, 2.0),
    ],
)
def test_request_is_held_as_long_as_haproxy_holds_it(
    redispatch: bool, silent: bool, bound: bool, seconds: float
) -> None:
    """One attempt and three retries; with redispatch the last of them goes elsewhere."""
    connecting = Connecting(redispatch=redispatch, timeout_connect=2.0)
    assert connecting.longest(silent=silent, bound=bound) == seconds


def test_pause_is_no_longer_than_timeout_connect() -> None:
    """Manual, section 4.2, "retries": one second, or the timeout when that is less."""
    assert Connecting(retries=2, timeout_connect=0.3).longest(silent=False) == 0.6


def test_only_round_robin_moves_at_once() -> None:
    """leastconn would find the same server again."""
    connecting = Connecting(redispatch=True, balance="leastconn", timeout_connect=5.0)
    assert not connecting.moves_at_once(bound=False)
    assert connecting.longest(silent=False) == 2.0


def test_no_timeout_is_no_limit() -> None:
    """Neither for a connection nor in the queue."""
    assert Connecting().longest(silent=True) == math.inf
    assert Connecting().queue == math.inf
    assert Connecting(timeout_connect=5.0).queue == 5.0
    assert Connecting(timeout_connect=5.0, timeout_queue=1.0).queue == 1.0
