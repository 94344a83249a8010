"""Peers: which of them HAProxy is connected to, read from its own words."""

from __future__ import annotations

from halab import peers

HEAD = """\
0x558cfedfa280: [25/Nov/2026:09:30:46] id=LB disabled=0 flags=0x6891 resync_timeout=4s task_calls=7
"""
REMOTE = """\
  0x558cfedfab60: id=lb2(remote,active) addr=192.168.250.111:1234 last_status=ESTA last_hdshk=0s
        reconnect=1s heartbeat=2s confirm=0 tx_hbt=0 rx_hbt=0 no_hbt=0 new_conn=1 proto_err=0 coll=1
        flags=0x20000200 appctx:0x558cfef09f10 st0=7 st1=0 task_calls=3 state=EST
        xprt=RAW src=192.168.250.111:55184 addr=192.168.250.121:1234
"""
AWAY = """\
  0x55d20ab8b500: id=lb2(remote,inactive) addr=192.168.250.111:1234 last_status=ESTA last_hdshk=9s
        reconnect=4s heartbeat=<NEVER> confirm=0 tx_hbt=0 rx_hbt=0 no_hbt=0 new_conn=2 coll=1
        flags=0x0
"""
DIALLING = REMOTE.replace("state=EST", "state=CON")
LOCAL = """\
  0x558cfedfa440: id=lb1(local,inactive) addr=192.168.250.121:1234 last_status=NONE
        reconnect=<NEVER> heartbeat=<NEVER> confirm=0 tx_hbt=0 rx_hbt=0 no_hbt=0 new_conn=0 coll=0
"""


def test_established_session_is_a_connection() -> None:
    """The remote peer is connected; the local one is no peer to be connected to."""
    assert peers.parse(HEAD + REMOTE + LOCAL) == {"lb2": True}


def test_a_peer_that_was_connected_once_is_not_now() -> None:
    """``last_status`` is of the past."""
    assert peers.parse(HEAD + LOCAL + AWAY) == {"lb2": False}


def test_a_connection_that_is_being_made_is_none() -> None:
    """A peer that is dialled has been told nothing."""
    assert peers.parse(HEAD + DIALLING + LOCAL) == {"lb2": False}


def test_the_session_of_one_peer_is_not_another_s() -> None:
    """Each peer's lines are its own."""
    other = REMOTE.replace("lb2", "lb3")
    assert peers.parse(HEAD + AWAY + other + LOCAL) == {"lb2": False, "lb3": True}


def test_no_shared_table_has_no_peers() -> None:
    """HAProxy says nothing of peers that share no table."""
    assert peers.parse("\n") == {}
