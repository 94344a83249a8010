"""One HAProxy process on a director, through its unit and its admin socket."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from halab import cli_socket, cpu, haproxy_cfg, haproxy_stat, peers, stick_table, thread, wait
from halab.cli_socket import CliSocket
from halab.errors import CommandFailed, NodeError
from halab.haproxy_stat import Stat
from halab.node import Node
from halab.peers import Session
from halab.unit import Unit
from halab.wait import Condition


@dataclass(frozen=True)
class Place:
    """Where a HAProxy that somebody else deployed is: its unit, and its configuration."""

    unit: str
    config: str


class HAProxy:
    """The HAProxy of ``haproxy@<process>.service``, unless it has a ``place`` of its own."""

    def __init__(self, node: Node, process: int = 1, place: Place | None = None) -> None:
        self.node = node
        self.process = process
        place = place or Place(f"haproxy@{process}.service", self.config_of(process))
        self.unit = Unit(node, place.unit)
        self.config = place.config
        self.cpus_file = self.cpus_file_of(process)
        self.pid_file = f"/run/haproxy/haproxy-{process}.pid"

    def __repr__(self) -> str:
        return f"<HAProxy {self.process} on {self.node.name}>"

    @staticmethod
    def config_of(process: int) -> str:
        """Where its configuration is."""
        return f"/etc/haproxy/haproxy-{process}.cfg"

    @staticmethod
    def cpus_file_of(process: int) -> str:
        """Where its unit finds the CPUs that it starts it on."""
        return f"/etc/haproxy/haproxy-{process}.cpus"

    def deployed(self) -> haproxy_cfg.Configuration:
        """The configuration that is really there; its passwords do not leave the node."""
        text = self.node.run("sed -E %s %s", haproxy_cfg.WITHOUT_PASSWORDS, self.config)
        return haproxy_cfg.parse(text)

    def tell(self, command: str) -> str:
        """A command to the admin socket that the deployed configuration names, and its answer."""
        return self.node.run(self._asking, stdin=command + "\n")

    @property
    def _asking(self) -> str:
        place = 'awk \'$1 == "stats" && $2 == "socket" {print $3; exit}\''
        return f'socat -t 5 - UNIX-CONNECT:"$({place} {shlex.quote(self.config)})"'

    def telling(self, command: str) -> str:
        """The command that tells it so; where it does not run nobody needs to be told.

        Any answer is one: its own to what it did is an empty line.
        """
        dead = f"! systemctl --quiet is-active {shlex.quote(self.unit.name)}"
        return f"{dead} || echo {shlex.quote(command)} | {self._asking} | grep -q ''"

    def stat(self) -> tuple[Stat, ...]:
        """``show stat``, a row for each frontend, backend, server and listener."""
        return haproxy_stat.parse(self.tell("show stat"))

    def servers(self, backend: str) -> dict[str, Stat]:
        """The servers of one backend by name."""
        return {row.server: row for row in self.stat() if row.proxy == backend and row.is_server}

    def healthy(self, backend: str) -> frozenset[str]:
        """The servers that are UP by a check that was made and passed: a first UP is but a hope."""
        servers = self.servers(backend).items()
        return frozenset(name for name, server in servers if server.up and server.check_passed)

    def table(self, name: str) -> dict[str, str]:
        """The stick table of that name: the server of each key."""
        return stick_table.parse(self.tell(f"show table {name}"))

    def peers(self) -> dict[str, Session]:
        """Its session with each remote peer; none where it shares no table."""
        return peers.parse(self.tell("show peers"))

    def peered(self) -> Condition:
        """All its peers know from now on what it learns."""
        return Condition(
            f"{self!r} has a lasting session with its peers",
            lambda: all(session.lasting for session in self.peers().values()),
            seen=self.peers,
        )

    def info(self) -> dict[str, str]:
        """``show info``: version, uptime, connections."""
        return haproxy_stat.parse_info(self.tell("show info"))

    @property
    def minds_the_time_of_day(self) -> bool:
        """Its timers go by the wall clock, as those of releases before 3.1 do.

        A jump while it is in poll() is taken back; one between two polls is time that has passed
        (src/clock.c, clock_update_date; from 3.1 on it goes by CLOCK_MONOTONIC).
        """
        version = re.findall(r"\d+", self.info()["Version"])
        return tuple(map(int, version[:2])) < (3, 1)

    def admin_sockets(self) -> tuple[CliSocket, ...]:
        """``show cli sockets``, without the one on which its own master process speaks to it."""
        return cli_socket.parse(self.tell("show cli sockets"))

    def listeners(self) -> frozenset[int]:
        """The PIDs that listen on its frontend's ports; none before it runs."""
        shown = self.node.run(
            "sed -n -E 's/^[[:space:]]*bind +[^ :]+:([0-9]+)( .*)?$/\\1/p' %s; echo; ss -Hltnp",
            self.config,
        )
        own, _, listening = shown.partition("\n\n")
        ports = {int(port) for port in own.split()}
        return frozenset(pid for port, pid in _listening(listening) if port in ports)

    def listens_on(self) -> frozenset[int]:
        """The ports on which its worker listens."""
        worker, shown = self.pid(), self.node.run("ss -Hltnp")
        return frozenset(port for port, pid in _listening(shown) if pid == worker)

    def listens_without(self, old: frozenset[int]) -> Condition:
        """It listens, and none of those that did before does any more."""

        def alone() -> bool:
            now = self.listeners()
            return bool(now) and not now & old

        return Condition(f"the new {self!r} listens alone", alone, seen=self.listeners)

    def replaces(self, worker: int) -> Condition:
        """Another worker than the one with this PID answers on the admin socket."""

        def other() -> bool:
            try:
                return self.pid() != worker
            except CommandFailed:  # nobody answers
                return False

        return Condition(f"another worker of {self!r} answers", other)

    def reload(self) -> None:
        """Take a changed configuration over; connections of the old worker run on.

        Returns when the new worker listens alone.
        """
        old = self.listeners()
        self.node.run("systemctl reload-or-restart %s", self.unit.name)
        self.listens_without(old).until(within=10)

    def start(self) -> None:
        """Start it, however often it has died; does no harm if it runs."""
        self.node.run(self.starting)

    @property
    def starting(self) -> str:
        """The command that does."""
        unit = shlex.quote(self.unit.name)
        return f"systemctl reset-failed {unit}; systemctl start {unit}"

    def set_state(self, backend: str, server: str, state: str) -> None:
        """Put a server to ``ready``, ``drain`` or ``maint``, until it is told otherwise.

        Management guide 9.3, "set server"; raises :class:`NodeError` with what HAProxy has
        against it.
        """
        said = self.tell(f"set server {backend}/{server} state {state}").strip()
        if said:
            raise NodeError(f"{self.node.name}: HAProxy {self.process}: {server} {state}: {said}")

    def stop(self) -> None:
        """Stop it; systemd leaves it stopped."""
        self.node.run("systemctl stop %s", self.unit.name)

    def kill(self) -> None:
        """SIGKILL to its master and workers; systemd starts it again."""
        self.unit.kill()

    # -- where it runs -----------------------------------------------------------------------

    def pid(self) -> int:
        """The PID of the worker that answers on the admin socket."""
        return int(self.info()["Pid"])

    def place(self, cpus: frozenset[int]) -> None:
        """Move its threads to these CPUs; an empty set is any CPU. Its unit keeps its own list."""
        self.node.run(self.moving(cpus))

    def moving(self, cpus: frozenset[int]) -> str:
        """The command that :meth:`place` runs, for several at once."""
        allowed = cpu.cpu_list(cpus) if cpus else "$(cat /sys/devices/system/cpu/online)"
        return (
            f"set -e; pids=$({self.unit.showing_pids()}); "
            f"for pid in $pids; do taskset -acp {allowed} $pid > /dev/null; done"
        )

    def cpus_allowed(self) -> dict[int, frozenset[int]]:
        """On which CPUs each thread of its worker may run, by TID."""
        return thread.cpus_allowed(self.node.run(f"cat /proc/{self.pid()}/task/*/status"))

    def ran_on(self, samples: int = 20, every: float = 0.05) -> dict[int, frozenset[int]]:
        """On which CPUs each thread of its worker was seen to run, by TID.

        Threads that did not run have none; ``every`` is seconds.
        """
        command = f"cat /proc/{self.pid()}/task/*/stat"
        seen = []
        for _ in range(samples):
            seen.append(thread.threads(self.node.run(command)))
            wait.passing(every)
        return thread.ran_on(seen)


def _listening(ss: str) -> Iterator[tuple[int, int]]:
    """Port and PID of each listening socket, as ``ss -Hltnp`` shows them."""
    for line in ss.splitlines():
        port = int(line.split()[3].rpartition(":")[2])
        for pid in re.findall(r"pid=(\d+)", line):
            yield port, int(pid)
