"""keepalived's dump, without the line that the node keeps for itself."""

from __future__ import annotations

import pytest

from halab.errors import NodeError
from halab.keepalived_dump import Dump

TOPOLOGY = """\
------< VRRP Topology >------
 VRRP Instance = HA1
   VRRP Version = 3
   State = BACKUP
   Master router = 192.168.250.121
   Last transition = 1795532131.854576 (Tue Nov 24 14:55:31.854576 2026)
   Master down timer = 360937 usecs
   Priority = 100
   Effective priority = 90
   Advert interval = 100 milli-sec
   Preempt = disabled
   Virtual IP (1):
     192.168.250.250 dev eth0 scope global
------< VRRP Sockpool >------
"""


def test_timers_are_seconds() -> None:
    """Whatever unit each is written in."""
    assert Dump.parse(TOPOLOGY) == Dump("BACKUP", 3, 90, 0.1, 0.360937, False, 0.0)
    slow = TOPOLOGY.replace("100 milli-sec", "2 sec") + "   Preempt delay = 2.5 secs\n"
    assert (Dump.parse(slow).advert_int, Dump.parse(slow).preempt_delay) == (2.0, 2.5)


@pytest.mark.parametrize("text", ["", TOPOLOGY * 2])
def test_only_one_instance_is_read(text: str) -> None:
    """None, or more, would be somebody else's timers."""
    with pytest.raises(NodeError, match="one is expected"):
        Dump.parse(text)
