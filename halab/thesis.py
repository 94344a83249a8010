"""docs/thesis.md: every figure, table and annex of the thesis beside what was measured here.

Made of docs/thesis.yaml, of docs/thesis-figures.yaml, and of what last runs remember:
``python -m halab.thesis reports/last-run.json … > docs/thesis.md``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, model_validator

from halab import checked_file
from halab.errors import ThesisError, UserError
from halab.last_run import LastRun
from halab.source_lines import Place, SourceLines
from halab.topology_part import Part

ROWS = Path("docs/thesis.yaml")
FIGURES = Path("docs/thesis-figures.yaml")

LINES = 8
"""Of one row, so many measurements are shown; the others are counted."""

HEAD = """\
# The thesis, and what was measured here

Made by `./run thesis` of `docs/thesis.yaml` and of the last run of each test, not by hand. A value
of the thesis holds for its own hardware alone (`thresholds.yaml`); elsewhere its test is skipped
and says so.

| | section | the thesis states | tests | measured |
|---|---|---|---|---|
"""


class Row(Part):
    """A figure, table or annex.

    ``states`` are names in docs/thesis-figures.yaml, each for all that is below it. ``tests`` are
    as pytest names them, with ``*`` for anything; ``why`` there is none.
    """

    about: str
    section: str
    states: tuple[str, ...] = Field(default=(), strict=False)
    tests: tuple[str, ...] = Field(default=(), strict=False)
    why: str = ""

    @model_validator(mode="after")
    def _tested_or_not(self) -> Row:
        if bool(self.tests) == bool(self.why):
            raise ValueError("has tests, or says why there are none; give one of them")
        return self

    def tested_by(self, test: str) -> bool:
        """True if the test of that name is one of its own."""
        return any(matches(pattern, test) for pattern in self.tests)


class Rows(Part):
    """The whole file, in its order."""

    rows: dict[str, Row]


def matches(pattern: str, test: str) -> bool:
    """True if the pattern stands for the test; nothing but ``*`` has a meaning of its own.

    >>> matches("test_figure[15-*]", "test_figure[15-apache]")
    True
    """
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), test) is not None


def rows(path: Path = ROWS) -> dict[str, Row]:
    """Read the file; raises :class:`ThesisError` with every mistake in it."""
    return checked_file.read(path, Rows, _no_more, ThesisError).rows


def _no_more(_: dict[str, object]) -> Iterator[tuple[Place, str]]:
    return iter(())


def stated(path: Path = FIGURES) -> dict[str, object]:
    """Everything that the thesis states, by its name in the file."""
    return dict(_leaves(SourceLines.read(path).data or {}, ""))


def _leaves(part: object, name: str) -> Iterator[tuple[str, object]]:
    if not isinstance(part, dict):
        yield name, part
        return
    for key, below in part.items():
        yield from _leaves(below, f"{name}.{key}" if name else str(key))


def covers(name: str, leaf: str) -> bool:
    """True if the leaf is what that name stands for, or below it."""
    return leaf == name or leaf.startswith(f"{name}.")


@dataclass(frozen=True)
class Seen:
    """What a test's last run in one lab came to."""

    lab: str
    outcome: str
    said: tuple[str, ...]
    day: str

    def lines(self) -> Iterator[str]:
        """Each measurement, or why there is none."""
        for line in self.said:
            yield f"{line} ({self.lab}, {self.day})"


def seen(runs: Iterable[LastRun]) -> dict[str, list[Seen]]:
    """By test, what it came to in each lab; a skip is left out if the test ran in another."""
    found: dict[str, list[Seen]] = {}
    for run in runs:
        for lab, tests in run.labs.items():
            for test, told in tests.items():
                said = told.get("said", [])
                lines = tuple(map(str, said)) if isinstance(said, list) else ()
                its = Seen(lab, str(told.get("outcome")), lines, str(told.get("day", "")))
                found.setdefault(test, []).append(its)
    return {
        test: [s for s in all_ if s.outcome != "skipped"] or all_ for test, all_ in found.items()
    }


def page(rows: dict[str, Row], stated: dict[str, object], tests: dict[str, list[Seen]]) -> str:
    """The page, in Markdown."""
    return HEAD + "".join(
        f"| **{name}** {_cell(row.about)} | {row.section} | {_stated(row, stated)} | "
        f"{_tests(row)} | {_measured(row, tests)} |\n"
        for name, row in rows.items()
    )


def _stated(row: Row, stated: dict[str, object]) -> str:
    lines = []
    for name in row.states:
        part = {leaf: value for leaf, value in stated.items() if covers(name, leaf)}
        for leaf, value in part.items():
            if not leaf.endswith(".figure"):
                lines.append(f"{leaf.removeprefix(name).lstrip('.') or leaf}: {value}")
    return _lines(lines)


def _tests(row: Row) -> str:
    if row.why:
        return f"none: {_cell(row.why)}"
    return "<br>".join(f"`{_cell(test)}`" for test in row.tests)


def _measured(row: Row, tests: dict[str, list[Seen]]) -> str:
    if row.why:
        return ""
    mine = [its for test, all_ in tests.items() if row.tested_by(test) for its in all_]
    if not mine:
        return "not in the last run"
    counts = dict.fromkeys(("passed", "failed", "error", "skipped"), 0)
    for its in mine:
        counts[its.outcome] = counts.get(its.outcome, 0) + 1
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    return _lines([told, *dict.fromkeys(line for its in mine for line in its.lines())])


def _lines(lines: list[str]) -> str:
    more = [f"and {len(lines) - LINES} more"] if len(lines) > LINES else []
    return "<br>".join(map(_cell, [*lines[:LINES], *more]))


def _cell(text: str) -> str:
    """Text that ends no cell and no line."""
    return " ".join(text.split()).replace("|", "\\|")


def main(arguments: list[str]) -> int:
    """Write the page to stdout, of the files that runs have left."""
    try:
        left = [LastRun.load(Path(name)) for name in arguments]
        sys.stdout.write(page(rows(), stated(), seen(left)))
    except UserError as error:
        print(f"halab: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
