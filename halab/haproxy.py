"""One HAProxy process on a director, through its unit and its admin socket."""

from __future__ import annotations

from halab import haproxy_cfg, haproxy_stat
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
        """Take a changed configuration over; connections of the old process run on."""
        self.node.run(
            "systemctl --quiet --no-reload enable %s && systemctl reload-or-restart %s",
            self.unit,
            self.unit,
        )

    def stop(self) -> None:
        """Stop it, until it is started by hand."""
        self.node.run(
            "systemctl --quiet --no-reload disable %s; systemctl stop %s", self.unit, self.unit
        )
