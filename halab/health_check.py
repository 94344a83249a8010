"""HAProxy's health check of a server: how long until a change is known.

Defaults are HAProxy 2.6's (configuration manual, section 5.2). All times are seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class HealthCheck:
    """A server's health check (manual, section 5.2), with the timeouts that bound it.

    It is a TCP connection, which the kernel accepts for a process that is frozen too, unless
    ``option httpchk`` makes it ``http``: a request, whose answer must be 2xx or 3xx.
    """

    enabled: bool = False
    port: int | None = None
    inter: float = 2.0
    fastinter: float | None = None
    downinter: float | None = None
    fall: int = 3
    rise: int = 2
    spread_checks: int = 0
    """Percent by which the global ``spread-checks`` may lengthen, or shorten, every interval."""
    timeout_connect: float | None = None
    timeout_check: float | None = None
    http: bool = False

    @property
    def timeout(self) -> float:
        """After how many seconds a check of a silent host fails.

        ``inter``; where ``timeout check`` is set, min(timeout connect, inter), for it counts
        itself only once a connection is there (manual, "timeout check"; src/tcpcheck.c).
        """
        if self.timeout_check and self.timeout_connect:
            return min(self.timeout_connect, self.inter)
        return self.inter

    def detection(self, *, silent: bool) -> float:
        """Longest time in seconds from a server's failure until it is DOWN; inf if not checked.

        ``silent``: its host is off and nothing answers; else checks are refused at once. It may
        fail just after a good check: then ``inter`` passes before the first failed one, and
        ``fastinter``, or else ``inter``, between the ``fall`` that it takes (manual, section 5.2,
        "inter"). An interval runs from a check's end to the next one's start (src/check.c,
        process_chk_conn), so each check of a silent host adds its :attr:`timeout`.

        >>> check = HealthCheck(enabled=True)
        >>> check.detection(silent=False), check.detection(silent=True)
        (6.0, 12.0)
        """
        lost = self.fall * self.timeout if silent else 0.0
        return self._intervals(self.inter, self.fall) + lost

    @property
    def soonest_down(self) -> float:
        """Shortest time in seconds from a server's failure until it is DOWN.

        It may fail just before a check, and that one be the first of the ``fall`` to fail.

        >>> HealthCheck(enabled=True).soonest_down
        4.0
        """
        return (self.fall - 1) * (self.fastinter or self.inter)

    @property
    def detection_of_frozen(self) -> float:
        """Longest time in seconds until a server that takes connections and answers none is DOWN.

        inf for a TCP check, which passes. An http check waits for the answer for ``timeout check``,
        counted from the connection on, or else until ``inter`` has run out (manual, "timeout
        check"), and then ends as a failed one.

        >>> HealthCheck(enabled=True).detection_of_frozen
        inf
        >>> HealthCheck(enabled=True, http=True).detection_of_frozen
        12.0
        """
        if not self.http:
            return math.inf
        answer = self.timeout_check or self.inter
        return self._intervals(self.inter, self.fall) + self.fall * answer

    @property
    def detection_of_errors(self) -> float:
        """Longest time in seconds until a server that answers 5xx is DOWN; inf for a TCP check.

        Each check fails at once, by its status (manual, "option httpchk").
        """
        return self.detection(silent=False) if self.http else math.inf

    def recovery(self, *, silent: bool = False) -> float:
        """Longest time in seconds from a server's return until it is UP; inf if not checked.

        It may return just after a failed check: then ``downinter``, or else ``inter``, passes
        before the first good one, and ``fastinter``, or else ``inter``, between the ``rise`` that
        it takes. After silence a check may be under way that is still lost: its :attr:`timeout`
        comes first. The good checks' own response times are not in it, nor is ``slowstart``.

        >>> check = HealthCheck(enabled=True)
        >>> check.recovery(), check.recovery(silent=True)
        (4.0, 6.0)
        """
        lost = self.timeout if silent else 0.0
        return self._intervals(self.downinter or self.inter, self.rise) + lost

    @property
    def intervals_down(self) -> str:
        """The intervals of :meth:`detection`, in words that add up to them."""
        return self._in_words("fall", self.fall, "inter", self.inter)

    @property
    def intervals_up(self) -> str:
        """The intervals of :meth:`recovery`, in words that add up to them."""
        if self.downinter:
            return self._in_words("rise", self.rise, "downinter", self.downinter)
        return self._in_words("rise", self.rise, "inter", self.inter)

    def _intervals(self, first: float, checks: int) -> float:
        if not self.enabled:
            return math.inf
        steady = first + (checks - 1) * (self.fastinter or self.inter)
        return steady * (1 + self.spread_checks / 100)

    def _in_words(self, word: str, checks: int, first: str, seconds: float) -> str:
        if not self.enabled:
            return "it is never checked"
        said = f"{word} {checks} × {first} {seconds:g} s"
        if self.fastinter or first != "inter":
            then = f"fastinter {self.fastinter:g}" if self.fastinter else f"inter {self.inter:g}"
            said = f"{first} {seconds:g} s + ({word} {checks} - 1) × {then} s"
        if self.spread_checks:
            said = f"({said}) × (1 + spread-checks {self.spread_checks} / 100)"
        return said
