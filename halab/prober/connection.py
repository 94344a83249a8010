"""A client's connections: one for each request, or kept ones."""

from __future__ import annotations

import socket

from halab.prober.response import Response

# As browsers keep to one host; what is open beyond that when it falls idle is closed.
MOST_KEPT = 6

ABORT = b"\x01\x00\x00\x00\x00\x00\x00\x00"  # struct linger: on, 0 s


class Flight:
    """One request under way."""

    __slots__ = ("connection", "decided", "intended", "lag", "number", "response", "session")

    def __init__(self, number: int, intended: float, lag: float) -> None:
        self.number = number
        self.intended = intended
        self.lag = lag
        self.session = 0
        self.connection: Connection | None = None
        self.response = Response()
        self.decided = False


class Connection:
    """A socket, and the request that is under way on it; without one it is idle."""

    __slots__ = ("flight", "reused", "sent", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.flight: Flight | None = None
        self.sent = False  # the request under way is
        self.reused = False

    def carry(self, flight: Flight) -> None:
        """Take on a request; it is sent when the socket can be written to."""
        self.flight = flight
        flight.connection = self
        self.sent = False

    def let_go(self) -> None:
        """The request under way, if there is one, is no more this connection's."""
        if self.flight is not None:
            self.flight.connection = None
            self.flight = None

    def abort(self) -> None:
        """Have its end be a reset: no orphan goes on holding a port for a server that is away."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)


class NewConnections:
    """None is ever idle."""

    def take(self) -> Connection | None:
        """An idle connection, which is idle no more."""
        return None

    def keep(self, _connection: Connection) -> bool:
        """Hold it as idle; False if it is not wanted."""
        return False

    def drop(self, _connection: Connection) -> None:
        """Forget it if it is held as idle."""

    def retries(self, _flight: Flight) -> bool:
        """The request is worth a second connection, now that its first has ended under it."""
        return False


class KeptConnections(NewConnections):
    """Idle ones, the latest used first, so that one which is over the need grows old and ends.

    A server may end an idle connection at any time. Where the client sees that first it costs
    nothing. Where its request crosses that end, the request is sent again on a new connection,
    once and within its deadline, if it was on a kept connection and nothing of an answer had
    come: GET is idempotent, so it may be (RFC 9110 section 9.2.2, RFC 9112 section 9.3.1), and
    browsers do. So what this kind of client calls lost is what its user would have felt.
    """

    def __init__(self) -> None:
        self._idle: list[Connection] = []

    def take(self) -> Connection | None:
        """The one that fell idle last."""
        if not self._idle:
            return None
        connection = self._idle.pop()
        connection.reused = True
        return connection

    def keep(self, connection: Connection) -> bool:
        """Hold it as idle; False when there are enough."""
        if len(self._idle) >= MOST_KEPT:
            return False
        connection.let_go()
        self._idle.append(connection)
        return True

    def drop(self, connection: Connection) -> None:
        """Forget it if it is held as idle."""
        if connection in self._idle:
            self._idle.remove(connection)

    def retries(self, flight: Flight) -> bool:
        """Only what went out on a kept connection and had no answer; so never a second time."""
        connection = flight.connection
        return connection is not None and connection.reused and not flight.response.begun


KINDS = {"new": NewConnections, "keepalive": KeptConnections, "slow": NewConnections}
