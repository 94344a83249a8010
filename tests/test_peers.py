"""Peers: with which of them HAProxy has a session that lasts, read from its own words."""

from __future__ import annotations

import pytest

from halab import peers
from halab.peers import Session

HEAD = """\
0x558cfedfa280: [25/Nov/2026:09:30:46] id=LB disabled=0 flags=0x6891 resync_timeout=4s task_calls=7
"""
REMOTE = """\
  0x558cfedfab60: id=lb2(remote,active) addr=192.168.250.111:1234 last_status=ESTA last_hdshk=1s
        reconnect=1s heartbeat=2s confirm=0 tx_hbt=0 rx_hbt=0 no_hbt=0 new_conn=1 proto_err=0 coll=0
        flags=0x20000200 appctx:0x558cfef09f10 st0=7 st1=0 task_calls=3 state=EST
        xprt=RAW src=192.168.250.111:55184 addr=192.168.250.121:1234
"""
AWAY = """\
  0x55d20ab8b500: id=lb2(remote,inactive) addr=192.168.250.111:1234 last_status=ESTA last_hdshk=9s
        reconnect=4s heartbeat=<NEVER> confirm=0 tx_hbt=0 rx_hbt=0 no_hbt=0 new_conn=2 coll=0
        flags=0x0
"""
LOCAL = """\
  0x558cfedfa440: id=lb1(local,inactive) addr=192.168.250.121:1234 last_status=NONE
        reconnect=<NEVER> heartbeat=<NEVER> confirm=0 tx_hbt=0 rx_hbt=0 no_hbt=0 new_conn=0 coll=0
"""


def lasting(*shown: str) -> dict[str, bool]:
    """Which session lasts, by the peer's name."""
    return {name: s.lasting for name, s in peers.parse("".join([HEAD, *shown])).items()}


def test_established_session_lasts() -> None:
    """The remote peer is connected; the local one is no peer to be connected to."""
    assert lasting(REMOTE, LOCAL) == {"lb2": True}


def test_peer_that_was_connected_once_is_not_now() -> None:
    """``last_status`` is of the past."""
    assert lasting(LOCAL, AWAY) == {"lb2": False}


def test_connection_that_is_being_made_is_none() -> None:
    """A peer that is dialled has been told nothing."""
    assert lasting(REMOTE.replace("state=EST", "state=CON"), LOCAL) == {"lb2": False}


@pytest.mark.parametrize(
    ("age", "stays"), [("0s", False), ("2s", False), ("3s", True), ("59s", True), ("1m05s", True)]
)
def test_session_of_a_collision_lasts_when_its_timer_is_over(age: str, stays: bool) -> None:
    """Both dialled at the same moment: what is there now may be hung up once more."""
    collided = REMOTE.replace("coll=0", "coll=1").replace("last_hdshk=1s", f"last_hdshk={age}")
    assert lasting(collided, LOCAL) == {"lb2": stays}


def test_session_of_one_peer_is_not_another_s() -> None:
    """Each peer's lines are its own."""
    assert lasting(AWAY, REMOTE.replace("lb2", "lb3"), LOCAL) == {"lb2": False, "lb3": True}


def test_what_is_shown_is_read_whole() -> None:
    """A session tells all that its lasting hangs on."""
    assert peers.parse(REMOTE) == {"lb2": Session(established=True, collided=False, age=1)}


def test_no_shared_table_has_no_peers() -> None:
    """HAProxy says nothing of peers that share no table."""
    assert peers.parse("\n") == {}
