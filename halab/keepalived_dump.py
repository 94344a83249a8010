"""What keepalived says of its own VRRP instance: the dump that it writes when it is asked.

keepalived 2.2.7, vrrp_data.c, dump_vrrp; all times are seconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from halab.errors import NodeError

_UNITS = {"sec": 1.0, "milli-sec": 1e-3, "usecs": 1e-6, "secs": 1.0}
_TIME = re.compile(r"([0-9.]+) ([a-z-]+)")


@dataclass(frozen=True)
class Dump:
    """Its one instance: the timers that it really counts with, not those that its file asks for."""

    state: str
    version: int
    priority: int  # the effective one: what is tracked may have moved it
    advert_int: float
    master_down_timer: float
    preempt: bool
    preempt_delay: float

    @classmethod
    def parse(cls, text: str) -> Dump:
        """Read the section "VRRP Topology"; raises :class:`NodeError` unless it has one."""
        said = dict(re.findall(r"^   ([A-Z][^=\n]*?) = (.*)$", text, re.MULTILINE))
        if text.count(" VRRP Instance = ") != 1:
            count = text.count(" VRRP Instance = ")
            raise NodeError(f"keepalived's dump has {count} instances, one is expected")
        return cls(
            state=said["State"],
            version=int(said["VRRP Version"]),
            priority=int(said["Effective priority"]),
            advert_int=_seconds(said["Advert interval"]),
            master_down_timer=_seconds(said["Master down timer"]),
            preempt=said["Preempt"] == "enabled",
            preempt_delay=_seconds(said.get("Preempt delay", "0 secs")),
        )


def _seconds(written: str) -> float:
    found = _TIME.match(written)
    if found is None or found[2] not in _UNITS:
        raise NodeError(f"keepalived's dump: {written!r} is no time")
    return float(found[1]) * _UNITS[found[2]]
