"""Accept, reject or undecided: what the parts of a gate found, and what it adds up to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum


class Verdict(IntEnum):
    """The gate's answer; the numbers are its exit statuses."""

    ACCEPT = 0
    REJECT = 1
    UNDECIDED = 2
    COULD_NOT_RUN = 3

    @property
    def word(self) -> str:
        """For a sentence."""
        return ("accepted", "rejected", "undecided", "not judged")[self]


@dataclass(frozen=True)
class Row:
    """One thing that was compared: a fault or a figure, before and after the change."""

    what: str
    before: str
    after: str
    verdict: Verdict = Verdict.ACCEPT
    why: str = ""


HEAD = ("fault or figure", "before", "after", "")


@dataclass(frozen=True)
class Judgement:
    """All rows of a run; ``candidate`` is what was judged."""

    candidate: str
    rows: Sequence[Row]

    @property
    def verdict(self) -> Verdict:
        """Rejected by any row, else undecided by any; accepted where anything was compared."""
        for verdict in (Verdict.REJECT, Verdict.UNDECIDED):
            if any(row.verdict is verdict for row in self.rows):
                return verdict
        return Verdict.ACCEPT if self.rows else Verdict.UNDECIDED

    @property
    def sentence(self) -> str:
        """The verdict, and the grounds for it."""
        grounds = [f"{row.what}: {row.why}" for row in self.rows if row.verdict is self.verdict]
        if self.verdict is Verdict.ACCEPT:
            grounds = [f"{len(self.rows)} comparisons, none of them worse"]
        return f"{self.candidate} is {self.verdict.word}: {'; '.join(grounds)}"

    def table(self) -> str:
        """The rows, in columns, for a terminal."""
        return "\n".join(_columns([HEAD, *map(_cells, self.rows)]))

    def markdown(self) -> str:
        """The same as a page for a CI."""
        lines = [HEAD, ("---",) * len(HEAD), *map(_cells, self.rows)]
        table = "\n".join("| " + " | ".join(_plain(c) for c in line) + " |" for line in lines)
        return f"# {_plain(self.sentence)}\n\n{table}\n"


def _cells(row: Row) -> tuple[str, str, str, str]:
    mark = "" if row.verdict is Verdict.ACCEPT else row.verdict.word
    return row.what, row.before, row.after, mark


def _columns(lines: Sequence[Sequence[str]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _plain(text: str) -> str:
    line = " ".join(text.split())
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#" and line != "---" else c for c in line)
