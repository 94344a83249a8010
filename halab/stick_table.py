"""A stick table of HAProxy, as ``show table`` has it (management guide, section 9.3)."""

from __future__ import annotations

import re

from halab.errors import NodeError

_ENTRY = re.compile(r"^0x[0-9a-f]+: key=(\S+) .*?\bserver_key=(\S+)", re.MULTILINE)
_USED = re.compile(r"^# table: \S+, type: \S+, size:\d+, used:(\d+)", re.MULTILINE)


def parse(text: str) -> dict[str, str]:
    """The server of each key; entries that have none yet are passed over.

    Raises :class:`NodeError` where there is no table.
    """
    if _USED.search(text) is None:
        raise NodeError(f"HAProxy shows no stick table: {text.strip()[:200] or 'it said nothing'}")
    return dict(_ENTRY.findall(text))
