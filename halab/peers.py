"""The peers of HAProxy, as ``show peers`` has them (management guide, section 9.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

_PEER = re.compile(r"^  0x[0-9a-f]+: id=(\S+)\((local|remote),(?:in)?active\)", re.MULTILINE)
_HANDSHAKE = re.compile(r"\blast_hdshk=(?:<NEVER>|(\d+)s|\S+)")
_COLLISIONS = re.compile(r"\bcoll=(\d+)")
_ESTABLISHED = re.compile(r"\bstate=EST$", re.MULTILINE)

SETTLED = 3
"""Seconds after which a session that came of a collision is kept.

Where both dialled at the same moment, both hang up and dial again 50 ms to 2.05 s later. That timer
runs on when the one session or the other is up by then, and ends it if no message came through it
meanwhile: the first heartbeat is sent after 3 s. Seen with HAProxy 2.6.12 in 3 of 60 starts.
"""


@dataclass(frozen=True)
class Session:
    """What there is between a process and one remote peer; ``age`` is whole seconds."""

    established: bool
    collided: bool
    age: int

    @property
    def lasting(self) -> bool:
        """It is there and stays: what one of the two learns, the other is told at once."""
        return self.established and (not self.collided or self.age >= SETTLED)


def parse(text: str) -> dict[str, Session]:
    """The session with each remote peer, by its name; none where no table is shared."""
    found = list(_PEER.finditer(text))
    ends = pairwise([*(peer.start() for peer in found), len(text)])
    return {
        peer[1]: _session(text[start:end])
        for peer, (start, end) in zip(found, ends, strict=True)
        if peer[2] == "remote"
    }


def _session(shown: str) -> Session:
    collisions, handshake = _COLLISIONS.search(shown), _HANDSHAKE.search(shown)
    seconds = handshake and handshake[1]
    return Session(
        established=_ESTABLISHED.search(shown) is not None,
        collided=collisions is not None and int(collisions[1]) > 0,
        # minutes and more are shown otherwise, and are as good
        age=int(seconds) if seconds else 60,
    )
