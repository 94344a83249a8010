"""keepalived's ``virtual_server``: what it balances at layer 4, and how it checks real servers.

Defaults are keepalived 2.2.7's (keepalived.conf(5), check/check_tcp.c); times are seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from halab.errors import NodeError
from halab.keepalived_block import Block


@dataclass(frozen=True)
class TcpCheck:
    """A ``TCP_CHECK`` with what it has of its servers: a connection, closed as soon as it is there.

    Every interval runs from a check's end (check_tcp.c, tcp_epilog).
    """

    delay_loop: float = 60.0
    connect_timeout: float = 5.0
    retry: int = 1
    delay_before_retry: float = 1.0

    def detection(self, *, silent: bool) -> float:
        """Longest time from a real server's failure until it gets no new connection.

        It may fail just after a good check: then ``delay_loop`` passes before the first failed
        one, and ``delay_before_retry`` before each retry. Each check of a ``silent`` host takes its
        ``connect_timeout`` besides.

        >>> check = TcpCheck(delay_loop=2, connect_timeout=2, retry=2, delay_before_retry=2)
        >>> check.detection(silent=False), check.detection(silent=True)
        (6, 12)
        """
        lost = (self.retry + 1) * self.connect_timeout if silent else 0
        return self.delay_loop + self.retry * self.delay_before_retry + lost

    def recovery(self, *, silent: bool) -> float:
        """Longest time from a real server's return until it gets connections: one good check.

        Failed checks are retried too, so the next comes after the longer of both intervals. After
        silence one may be under way that is still lost: its ``connect_timeout`` comes first.
        """
        return max(self.delay_loop, self.delay_before_retry) + silent * self.connect_timeout


@dataclass(frozen=True)
class RealServer:
    """A ``real_server``; it has no ``check`` where it has none of TCP, or several checks."""

    address: IPv4Address
    port: int
    check: TcpCheck | None = None


@dataclass(frozen=True)
class VirtualServer:
    """A ``virtual_server`` of an address and a port."""

    address: IPv4Address
    port: int
    lvs_sched: str
    lvs_method: str
    real_servers: tuple[RealServer, ...]

    @classmethod
    def all_of(cls, file: Block) -> Iterator[VirtualServer]:
        """Those of a keepalived.conf; others, of a firewall's mark or of a group, are passed over.

        Raises :class:`NodeError` with the line for what is no address, port or number.
        """
        for block in file.blocks("virtual_server"):
            if block.words[1:2] not in (["fwmark"], ["group"]):
                yield cls._read(block)

    @classmethod
    def _read(cls, block: Block) -> VirtualServer:
        own = block.numbers(TcpCheck)
        said = {entry.words[0]: entry.text() for entry in block.body if len(entry.words) > 1}
        sched = said.get("lvs_sched", said.get("lb_algo", ""))
        method = said.get("lvs_method", said.get("lb_kind", ""))
        servers = (_real_server(entry, own) for entry in block.blocks("real_server"))
        return cls(*_place(block), sched, method, tuple(servers))

    def check_of(self, address: IPv4Address) -> TcpCheck:
        """The check of the real server of that address; raises :class:`NodeError` for none."""
        for server in self.real_servers:
            if server.address == address and server.check:
                return server.check
        raise NodeError(f"keepalived.conf: no real_server {address} with one TCP_CHECK")


def _real_server(block: Block, given: dict[str, Any]) -> RealServer:
    checks = [entry for entry in block.body if entry.words[0].endswith(("_CHECK", "_GET"))]
    own = given | block.numbers(TcpCheck)
    check = None
    if [entry.words[0] for entry in checks] == ["TCP_CHECK"]:
        check = TcpCheck(**(own | checks[0].numbers(TcpCheck)))
    return RealServer(*_place(block), check)


def _place(block: Block) -> tuple[IPv4Address, int]:
    try:
        address, port = block.words[1:]
        return IPv4Address(address), int(port)
    except ValueError:
        raise block.fail("an IPv4 address and a port are expected") from None
