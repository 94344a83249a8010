"""The peers of HAProxy, as ``show peers`` has them (management guide, section 9.3)."""

from __future__ import annotations

import re

_PEER = re.compile(r"^  0x[0-9a-f]+: id=(\S+)\((local|remote),(?:in)?active\)", re.MULTILINE)


def parse(text: str) -> dict[str, bool]:
    """Whether each remote peer is connected, by its name; empty where no table is shared.

    Connected is: the session is established, handshake included, so that what one learns is
    pushed to the other at once. HAProxy dials a peer again after 5 s, and at a random moment of
    2 s where both dialled at the same time and hung up.
    """
    found = list(_PEER.finditer(text))
    ends = [*(peer.start() for peer in found), len(text)][1:]
    return {
        peer[1]: re.search(r"\bstate=EST$", text[peer.end() : end], re.MULTILINE) is not None
        for peer, end in zip(found, ends, strict=True)
        if peer[2] == "remote"
    }
