"""HAProxy's admin sockets, as it tells of them itself (``show cli sockets``)."""

from __future__ import annotations

from dataclasses import dataclass

# Between the master process and its workers; it has no name, so that nobody else can reach it.
_OF_THE_MASTER = "sockpair@"
_FILE = "unix@"


@dataclass(frozen=True)
class CliSocket:
    """One of them; ``level`` is what who connects may do: user, operator or admin."""

    address: str
    level: str

    @property
    def path(self) -> str | None:
        """The file that it is; None for one that is none, such as a TCP port."""
        return self.address.removeprefix(_FILE) if self.address.startswith(_FILE) else None


def parse(shown: str) -> tuple[CliSocket, ...]:
    """The sockets that anyone but the master process can connect to.

    >>> parse("# socket lvl processes\\nipv4@127.0.0.1:9999 admin all\\nsockpair@4 admin all\\n")
    (CliSocket(address='ipv4@127.0.0.1:9999', level='admin'),)
    """
    rows = (line.split() for line in shown.splitlines() if not line.startswith("#"))
    return tuple(
        CliSocket(row[0], row[1])
        for row in rows
        if len(row) > 1 and not row[0].startswith(_OF_THE_MASTER)
    )
