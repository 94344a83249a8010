"""A systemd service unit on a node, as far as testinfra's ``host.service`` does not go."""

from __future__ import annotations

import shlex

from halab.node import Node

# Its control group in cgroup v2, wherever that is mounted: beside v1's it is elsewhere.
# One that does not run has none, which must not be taken for the root of them all.
_CGROUP = (
    '"$(findmnt -n -t cgroup2 -o TARGET | head -n 1)'
    "$(systemctl show -P ControlGroup {} | sed 's/^$/\\/none/')\""
)


class Unit:
    """A service, by its full name: ``haproxy@1.service``."""

    def __init__(self, node: Node, name: str) -> None:
        self.node = node
        self.name = name

    def main_pid(self) -> int:
        """The PID of its main process; 0 while there is none."""
        return int(self.node.run("systemctl show -P MainPID %s", self.name))

    def pids(self) -> tuple[int, ...]:
        """The PIDs of all its processes; raises :class:`CommandFailed` when it does not run."""
        return tuple(map(int, self.node.run(self.showing_pids()).split()))

    def showing_pids(self) -> str:
        """The command that prints them, for use in another."""
        return f"cat {_CGROUP.format(shlex.quote(self.name))}/cgroup.procs"

    def kill(self) -> None:
        """SIGKILL to all its processes at one stroke (cgroup v2, ``cgroup.kill``).

        One after the other would give a child, which is told of its parent's death, a
        millisecond to say goodbye.
        """
        self.node.run(
            f"echo 1 | tee {_CGROUP.format(shlex.quote(self.name))}/cgroup.kill > /dev/null"
        )

    def freeze(self) -> None:
        """SIGSTOP to all its processes: they hold what they have and answer nobody.

        As a hang does: the kernel keeps their sockets, and takes connections for them until the
        backlog is full.
        """
        self.node.run(f"kill -STOP $({self.showing_pids()})")

    def thaw(self) -> None:
        """SIGCONT to all its processes; does no harm where they run, or there are none."""
        self.node.run(self.thawing)

    @property
    def thawing(self) -> str:
        """The command that does."""
        woken = "kill -CONT $pid 2>/dev/null || [ ! -e /proc/$pid ] || exit 1"
        return f"(for pid in $({self.showing_pids()} 2>/dev/null); do {woken}; done)"

    def hold(self) -> None:
        """Have systemd leave it dead when it dies, until :attr:`releasing` or the next boot."""
        self.node.put(self._held, "[Service]\nRestart=no\n")
        self.node.run("systemctl daemon-reload")

    @property
    def releasing(self) -> str:
        """The command that has systemd start it again when it dies, as its unit says."""
        folder, _, _ = self._held.rpartition("/")
        held, above = shlex.quote(self._held), shlex.quote(folder)
        return f"rm -f {held} && {{ rmdir {above} 2>/dev/null; systemctl daemon-reload; }}"

    @property
    def _held(self) -> str:
        return f"/run/systemd/system/{self.name}.d/held.conf"
