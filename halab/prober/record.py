"""What a prober has seen, and how it tells it; the package's docstring has the format."""

from __future__ import annotations

import argparse
import json
from array import array

from halab.prober.connection import Flight
from halab.prober.outcome import OUTCOMES, REASONS

VERSION = 2
COLUMNS = 7


class Names:
    """A table of names, in the order in which they came up; no name is -1."""

    def __init__(self) -> None:
        self.index: dict[str, int] = {}

    def of(self, name: str) -> int:
        """Its place in the table, which it gets now if it has none."""
        return self.index.setdefault(name, len(self.index)) if name else -1


class Record:
    """The rows and facts of one probing; ``options`` are those of the command line."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.started = self.ended = 0.0
        self.ended_by = ""
        self.cpu = 0.0  # share of one core
        self.retried = 0  # requests that a second connection was opened for
        self.rows = array("q")  # COLUMNS numbers a request
        self.missed: list[list[int]] = []  # [first number, how many, reason]
        self.marks: list[tuple[str, float]] = []
        self.backends, self.details = Names(), Names()
        self._backend_field = f"\r\n{options.backend_header}:".lower().encode()

    def add(self, flight: Flight, decided: float, outcome: int, detail: str) -> None:
        """What became of a request, known at this time."""
        lag, duration = round(flight.lag * 1e6), round((decided - flight.intended) * 1e6)
        backend = flight.response.field(self._backend_field).decode("latin-1")
        indexes = self.backends.of(backend), self.details.of(detail)
        self.rows.extend((flight.number, lag, duration, outcome, *indexes, flight.session))

    def miss(self, number: int, count: int, reason: int) -> None:
        """Sends from ``number`` on that were not made, or whose outcome nobody saw."""
        self.missed.append([number, count, reason])

    def lines(self) -> list[str]:
        """The header line and the line of rows."""
        starts = range(0, len(self.rows), COLUMNS)
        rows = sorted(tuple(self.rows[at : at + COLUMNS]) for at in starts)
        lags = sorted(row[1] for row in rows) or [0]
        p50, p99 = (lags[int(len(lags) * q)] / 1e6 for q in (0.5, 0.99))
        header = {
            "record": VERSION,
            "kind": self.options.kind,
            "cookies": self.options.cookies,
            "target": self.options.target,
            "interval": self.options.interval,
            "timeout": self.options.timeout,
            "started": self.started,
            "ended": self.ended,
            "ended_by": self.ended_by,
            "sent": len(rows),
            "retried": self.retried,
            "missed": sum(count for _, count, _ in self.missed),
            "gaps": sorted(self.missed),
            "marks": self.marks,
            "lag": {"p50": p50, "p99": p99, "max": lags[-1] / 1e6},
            "cpu": round(self.cpu, 4),
            "reasons": REASONS,
            "outcomes": OUTCOMES,
            "backends": list(self.backends.index),
            "details": list(self.details.index),
        }
        return [json.dumps(part, separators=(",", ":")) for part in (header, rows)]
