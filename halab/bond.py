"""A bond: several NICs as one (link aggregation, section 2.2), as a node's kernel tells of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from halab.errors import NodeError
from halab.node import Node
from halab.wait import Condition

ACTIVE_BACKUP = "active-backup"

_HEAD = {
    "mode": r"^Bonding Mode: (?:.*\((\S+)\)|IEEE (\S+) .*|(.+))$",
    "miimon": r"^MII Polling Interval \(ms\): (\d+)",
    "downdelay": r"^Down Delay \(ms\): (\d+)",
}
_ACTIVE = re.compile(r"^Currently Active Slave: (\S+)", re.MULTILINE)
_PORT = re.compile(r"^Slave Interface: (\S+)\nMII Status: (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class State:
    """``mode`` and times in seconds as they are set; ``ports`` by name, true with a carrier.

    ``active`` is the port that sends; empty in modes in which all of them do, as in 802.3ad.
    """

    mode: str
    active: str
    miimon: float
    downdelay: float
    ports: Mapping[str, bool]

    @classmethod
    def parse(cls, text: str) -> State:
        """A file of /proc/net/bonding; raises :class:`NodeError`."""
        found = {name: re.search(words, text, re.MULTILINE) for name, words in _HEAD.items()}
        active = _ACTIVE.search(text)
        missing = [name for name, match in found.items() if match is None]
        said = {name: match[match.lastindex or 0] for name, match in found.items() if match}
        if said.get("mode") == ACTIVE_BACKUP and active is None:
            missing.append("active")
        if missing:
            raise NodeError(f"/proc/net/bonding: nothing says {', '.join(missing)}: {text[:200]!r}")
        return cls(
            said["mode"],
            active[1] if active else "",
            int(said["miimon"]) / 1000,
            int(said["downdelay"]) / 1000,
            {name: status == "up" for name, status in _PORT.findall(text)},
        )


class Bond:
    """The NIC of a node, where it is a bond."""

    def __init__(self, node: Node) -> None:
        self.node = node

    @property
    def is_there(self) -> bool:
        """True if it is one."""
        return self.node.ask("test -e %s", self._file).rc == 0

    @property
    def _file(self) -> str:
        return f"/proc/net/bonding/{self.node.nic}"

    def state(self) -> State:
        """As it is now."""
        return State.parse(self.node.run("cat %s", self._file))

    def sends_by(self, port: str) -> Condition:
        """This port is the active one."""
        return Condition(
            f"{self.node.name}'s {self.node.nic} sends by {port}",
            lambda: self.state().active == port,
            seen=lambda: self.state().active,
        )
