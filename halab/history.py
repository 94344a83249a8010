"""Night by night: a file of JSON lines for each lab, one line for each figure of each night."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from halab.errors import UserError


@dataclass(frozen=True)
class Entry:
    """A figure of one night: the median of its rounds, and the least and most of them.

    ``night`` is an ISO 8601 date. ``better`` is "more" or "less".
    """

    night: str
    lab: str
    metric: str
    value: float
    least: float
    most: float
    unit: str
    better: str = "more"


@dataclass(frozen=True)
class History:
    """The nights of one lab."""

    path: Path

    def append(self, entries: Iterable[Entry]) -> None:
        """Add lines in one go, so that two runs at once do not mix theirs."""
        lines = "".join(f"{json.dumps(asdict(entry), sort_keys=True)}\n" for entry in entries)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(lines)

    def entries(self) -> tuple[Entry, ...]:
        """Every line; raises :class:`UserError` with the number of one that is no entry."""
        if not self.path.exists():
            return ()
        found = []
        for number, line in enumerate(self.path.read_text().splitlines(), 1):
            try:
                found.append(Entry(**json.loads(line)))
            except (ValueError, TypeError) as why:
                raise UserError(
                    f"{self.path}:{number}: no entry of a history ({why}); remove the line"
                ) from None
        return tuple(found)

    def nights(self, metric: str) -> tuple[Entry, ...]:
        """A metric night by night, in their order; of a night that ran twice the last."""
        last = {entry.night: entry for entry in self.entries() if entry.metric == metric}
        return tuple(last[night] for night in sorted(last))
