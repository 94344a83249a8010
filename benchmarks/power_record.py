"""The record of a run of gate_power: a line of JSON for what it rests on, then one a session."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.costlier import Check
from halab.errors import UserError
from halab.gate.duet import Duets

EQUAL = "equal"


@dataclass(frozen=True)
class Found:
    """What a duet said of one HAProxy; ``median`` is a share more, ``sd`` of ln by pair."""

    slower: bool
    unclear: bool
    median: float
    pairs: int
    p: float
    sd: float

    @classmethod
    def of(cls, held: Duets, name: str) -> Found:
        one = held.slowdown(name)
        sd = statistics.stdev(pair.log_ratio for pair in held.pairs[name])
        return cls(one.slower, one.unclear, one.median, one.pairs, one.p, sd)


def now() -> str:
    """This moment, to the second (ISO 8601, UTC)."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True)
class Session:
    """One session beside so many hogs: what it found, or why it could not be held.

    ``ended`` is when, and ``load`` the machine's load average of the minute before.
    """

    hogs: int
    seconds: float
    found: Mapping[str, Found] = field(default_factory=dict)
    failed: str = ""
    ended: str = field(default_factory=now)
    load: float = field(default_factory=lambda: round(os.getloadavg()[0], 1))

    def __str__(self) -> str:
        found = (
            f"{name} {one.median:+.1%} {'slower' if one.slower else 'not slower'}"
            for name, one in self.found.items()
        )
        return f"{self.hogs} hogs, {self.seconds:.0f} s: {self.failed or ', '.join(found)}"


@dataclass(frozen=True)
class Basis:
    """What all sessions of a record share: machine, HAProxy, and the lengths as checked."""

    machine: str
    checks: Mapping[str, Check]


class Record:
    """The file; a last line that was cut off with its run is dropped."""

    def __init__(self, file: Path) -> None:
        self.file = file
        file.parent.mkdir(exist_ok=True)
        text = file.read_text() if file.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            os.truncate(file, len(whole.encode()))
        self.basis: Basis | None = None
        self.sessions: list[Session] = []
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                self._take(json.loads(line))
            except (ValueError, TypeError, KeyError) as why:
                raise UserError(f"{file}:{number}: it is no line of a record: {why}") from None

    def _take(self, line: dict) -> None:
        if self.basis is None:
            checks = {
                n: Check(**{**c, "found": tuple(c["found"])}) for n, c in line["checks"].items()
            }
            self.basis = Basis(line["machine"], checks)
        else:
            found = {name: Found(**one) for name, one in line.pop("found").items()}
            self.sessions.append(Session(found=found, **line))

    def begin(self, basis: Basis) -> None:
        self.basis = basis
        self._write(asdict(basis))

    def keep(self, session: Session) -> None:
        self.sessions.append(session)
        self._write(asdict(session))

    def _write(self, line: dict) -> None:
        with self.file.open("a") as out:
            out.write(json.dumps(line) + "\n")
