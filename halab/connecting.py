"""How HAProxy connects to a server for a request: how long it tries, and where next.

After HAProxy 2.6: manual, sections 4.2 "retries", "option redispatch", "timeout connect" and
"timeout queue"; src/backend.c, back_handle_st_cer; include/haproxy/stream.h,
stream_choose_redispatch. All times are seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

PAUSE = 1.0
"""Before the same server is tried anew after it refused, unless ``timeout connect`` is less."""

_ROUND_ROBIN = ("roundrobin", "static-rr")


@dataclass(frozen=True)
class Connecting:
    """The limits of a backend; no ``timeout_connect`` is no limit.

    A request is bound to its server by a cookie, or free to go to any.
    """

    retries: int = 3
    redispatch: bool = False
    balance: str = "roundrobin"
    timeout_connect: float | None = None
    timeout_queue: float | None = None

    @property
    def queue(self) -> float:
        """Longest wait for a place in a server or backend that is full; then it is a 503.

        ``timeout queue``, or else ``timeout connect``.
        """
        return self.timeout_queue or self.timeout_connect or math.inf

    def moves_at_once(self, *, bound: bool) -> bool:
        """A request whose server does not take it goes to another without a pause.

        It does with ``option redispatch``, round robin, and no cookie; else, with the option, on
        its last retry, and without it never.
        """
        return self.redispatch and not bound and self.balance in _ROUND_ROBIN

    def longest(self, *, silent: bool, bound: bool = False) -> float:
        """How long a request may be held for one server that takes no connection.

        ``silent``: nothing answers, and each attempt costs ``timeout connect``; else each is
        refused at once, and a pause is made before each retry of the same server. Then it goes
        to another server if it may, and else the client has its 503.
        """
        if self.moves_at_once(bound=bound):
            return self._connect if silent else 0.0
        here = self.retries if not self.redispatch else max(self.retries - 1, 0)
        return (1 + here) * self._connect if silent else here * min(PAUSE, self._connect)

    def in_words(self, *, silent: bool, bound: bool = False) -> str:
        """What :meth:`longest` is made of, in words that add up to it."""
        attempt = f"timeout connect {self._connect:g} s"
        if self.moves_at_once(bound=bound):
            return attempt if silent else "option redispatch moves it at once, 0 s"
        here = f"retries {self.retries}"
        if self.redispatch and self.retries:
            here = f"({here} - 1 by option redispatch)"
        return (
            f"(1 + {here}) × {attempt}" if silent else f"{here} × {min(PAUSE, self._connect):g} s"
        )

    @property
    def _connect(self) -> float:
        return math.inf if self.timeout_connect is None else self.timeout_connect
