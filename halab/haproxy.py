"""One HAProxy process on a director, through its unit and its admin socket."""

from __future__ import annotations

import re

from halab import haproxy_cfg, haproxy_stat, wait
from halab.haproxy_stat import Stat
from halab.node import Node


class HAProxy:
    """The HAProxy of ``haproxy@<process>.service``."""

    def __init__(self, node: Node, process: int = 1) -> None:
        self.node = node
        self.process = process
        self.unit = f"haproxy@{process}.service"
        self.config = f"/etc/haproxy/haproxy-{process}.cfg"

    def __repr__(self) -> str:
        return f"<HAProxy {self.process} on {self.node.name}>"

    def deployed(self) -> haproxy_cfg.Configuration:
        """The configuration that is really there, not the one that was meant."""
        return haproxy_cfg.parse(self.node.read(self.config))

    def tell(self, command: str) -> str:
        """A command to the admin socket that the deployed configuration names, and its answer."""
        return self.node.run(
            "socat -t 5 - UNIX-CONNECT:\"$(awk '/^ *stats socket/ {print $3; exit}' %s)\"",
            self.config,
            stdin=command + "\n",
        )

    def stat(self) -> tuple[Stat, ...]:
        """``show stat``, a row for each frontend, backend, server and listener."""
        return haproxy_stat.parse(self.tell("show stat"))

    def servers(self, backend: str) -> dict[str, Stat]:
        """The servers of one backend by name."""
        return {row.server: row for row in self.stat() if row.proxy == backend and row.is_server}

    def info(self) -> dict[str, str]:
        """``show info``: version, uptime, connections."""
        return haproxy_stat.parse_info(self.tell("show info"))

    def clear_counters(self) -> None:
        """Set all counters to 0."""
        self.tell("clear counters all")

    def start(self) -> None:
        """Start it, now and at every boot; returns when it says that it is ready."""
        self.node.run(
            "systemctl --quiet --no-reload enable %s && systemctl start %s", self.unit, self.unit
        )

    def reload(self) -> None:
        """Take a changed configuration over; connections of the old process run on.

        Returns when the new process listens and the old one no longer does: systemd returns
        earlier, and for a moment either may get a connection.
        """
        old = self._listening()
        self.node.run(
            "systemctl --quiet --no-reload enable %s && systemctl reload-or-restart %s",
            self.unit,
            self.unit,
        )

        def alone() -> bool:
            now = self._listening()
            return bool(now) and not now & old

        wait.until(
            alone,
            what=f"the new {self!r} listens alone",
            within=10,
            every=0.02,
            seen=self._listening,
        )

    def _listening(self) -> frozenset[str]:
        """The PIDs that listen on its frontend's port; none before it runs."""
        ports = self.node.ask(
            "sed -n -E 's/^ *bind [0-9.]+:([0-9]+)$/\\1/p' %s", self.config
        ).stdout.split()
        shown = self.node.run("ss -Hltnp")
        return frozenset(
            pid
            for line in shown.splitlines()
            if line.split()[3].rpartition(":")[2] in ports
            for pid in re.findall(r"pid=(\d+)", line)
        )

    def stop(self) -> None:
        """Stop it, until it is started by hand."""
        self.node.run(
            "systemctl --quiet --no-reload disable %s; systemctl stop %s", self.unit, self.unit
        )
