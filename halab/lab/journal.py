"""The journal of a lab: what was broken in it on purpose, and whether it was mended.

A line is written before anything is done, so that whatever ends a run leaves its trace. The file
is in the lab's folder, and goes with it.
"""

from __future__ import annotations

import errno
import json
import os
import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

# of a line that is whole: the last field of an entry
_END = re.compile(r', "at": [\d.]+\}$')

DOING, DONE, FAILED, UNDOING, UNDONE = "doing", "done", "failed", "undoing", "undone"


@dataclass(frozen=True)
class Entry:
    """A step of one fault; ``number`` tells faults apart, ``at`` is seconds of the wall clock."""

    step: str
    number: str
    fault: str
    node: str
    arguments: str
    heals: Mapping[str, str] = field(default_factory=dict)
    """Shell commands that take it back, by the node to run them on; none where it takes more."""
    at: float = field(default_factory=time.time)

    def __str__(self) -> str:
        return f"{self.fault}({self.arguments}) on {self.node}"


class Writes(Protocol):
    """Takes down each step of each fault."""

    def write(self, entry: Entry) -> None:
        """Put a line; what it raises for a DOING keeps that from being done."""
        ...


class Journal:
    """A file of JSON lines that only grows; several processes may write to it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, entry: Entry) -> None:
        """Put a line."""
        # begun anew, for a full disk may have cut the one before
        line = f"\n{json.dumps(asdict(entry), ensure_ascii=False)}\n".encode()
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            # one write: lines of two writers do not mix
            if os.write(file, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        finally:
            os.close(file)

    def entries(self) -> tuple[Entry, ...]:
        """All whole lines, in the order in which they were written; none where nothing was.

        What was begun by a line that was cut was never done, and what ended by one is unmended.
        """
        if not self.path.exists():
            return ()
        lines = self.path.read_text(errors="replace").split("\n")
        return tuple(Entry(**json.loads(line)) for line in lines if _END.search(line))

    def unmended(self) -> tuple[Entry, ...]:
        """The first lines of the faults that were begun and never undone."""
        entries = self.entries()
        undone = {entry.number for entry in entries if entry.step == UNDONE}
        return tuple(e for e in entries if e.step == DOING and e.number not in undone)
