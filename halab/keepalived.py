"""keepalived on a director, through its unit and its deployed configuration."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from halab.errors import NodeError
from halab.keepalived_conf import Deployed, VrrpInstance
from halab.node import Node

CONFIG = "/etc/keepalived/keepalived.conf"
UNIT = "keepalived.service"


@dataclass
class Log:
    """What keepalived said; empty until the time in question is over."""

    text: str = ""


class Keepalived:
    """The keepalived of one director."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def __repr__(self) -> str:
        return f"<keepalived on {self.node.name}>"

    def deployed(self) -> Deployed:
        """The configuration that is really there; the password does not leave the node."""
        text = self.node.run("sed -E 's/(auth_pass[[:space:]]+).*/\\1********/' %s", CONFIG)
        return Deployed.parse(text)

    def instance(self) -> VrrpInstance:
        """Its VRRP instance; raises :class:`NodeError` if there is not exactly one."""
        instances = self.deployed().instances
        if len(instances) != 1:
            raise NodeError(
                f"{self.node.name}: {CONFIG} has {len(instances)} vrrp_instances, one is expected"
            )
        return instances[0]

    @contextmanager
    def logging(self) -> Iterator[Log]:
        """Its log of the block, which is there when the block has ended."""
        cursor = self.node.run("journalctl -q -n 0 --show-cursor").rpartition("cursor: ")[2]
        log = Log()
        yield log
        log.text = self.node.run(
            "journalctl --sync; journalctl -q --no-pager -o cat -u %s --after-cursor=%s",
            UNIT,
            cursor.strip(),
        )

    def start(self) -> None:
        """Start it, now and at every boot; does no harm if it runs."""
        self.node.run(
            "systemctl --quiet --no-reload enable %s; systemctl reset-failed %s; "
            "systemctl start %s",
            UNIT,
            UNIT,
            UNIT,
        )

    def stop(self) -> None:
        """Stop it in good order: it resigns with an advert of priority 0."""
        self.node.run("systemctl stop %s", UNIT)

    def kill(self) -> None:
        """SIGKILL to its whole process tree: no resignation, and the VIP stays on the NIC."""
        self.node.run("systemctl kill --kill-who=all -s KILL %s", UNIT)

    def reload(self) -> None:
        """Take a changed configuration over."""
        self.node.run("systemctl reload-or-restart %s", UNIT)
