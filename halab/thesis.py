"""docs/thesis.md: every figure, table and annex of the thesis beside what was measured here.

Made of docs/thesis.yaml, of docs/thesis-figures.yaml, and of what last runs remember:
``python -m halab.thesis [reports/last-run.json …]``.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten

from pydantic import Field, model_validator

from halab import checked_file
from halab.errors import ThesisError, UserError
from halab.last_run import LastRun
from halab.source_lines import Place, SourceLines
from halab.topology_part import Part

ROWS = Path("docs/thesis.yaml")
FIGURES = Path("docs/thesis-figures.yaml")
PAGE = Path("docs/thesis.md")
RECORD = Path("reports/last-run.json")

LINES = 12
"""Of one row, so many tests in one lab are shown with what they measured; others are counted."""

IN_A_SENTENCE = 6
"""Of what the thesis states, so many stand in a sentence; more are a list."""

WIDTH = 240
"""Characters of a line of these; the report has the whole of it."""

SAYS_WHAT = ("test_figure[", "test_what_is_said_of_two_sides[")
"""Tests whose measurements say of themselves what they are of."""

OF_FILES = "tests/"
"""Tests that compare files of the project, and of which no lab's record tells."""

OUTCOMES = ("passed", "failed", "error", "skipped")

HEAD = """\
# The thesis, and what was measured here

Made by `./run thesis` of `docs/thesis.yaml` and of the last run of each test, not by hand. What
the thesis states holds for its own hardware alone (`thresholds.yaml`): elsewhere the test that
asks for it is skipped and says so, and what is measured stands here without a verdict. The machines
of a built lab share the processors of one host: compare their figures with each other only.

| | | section | its tests, when they were last run |
|---|---|---|---|
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
    """What a test's last run in one lab came to; ``said`` is what it measured, or why not."""

    test: str
    lab: str
    outcome: str
    said: tuple[str, ...]
    day: str

    @property
    def line(self) -> str:
        """What it says, after the test's name in words; a reason to skip stands for itself."""
        said = "; ".join(self.said)
        if self.outcome == "skipped":
            return f"skipped: {said}"
        name = self.test.rpartition("::")[2]
        if self.outcome == "passed" and name.startswith(SAYS_WHAT):
            return said
        claim, _, of = name.removeprefix("test_").partition("[")
        words = claim.replace("_", " ") + (f" ({of.removesuffix(']')})" if of else "")
        return f"{words}: {said if self.outcome == 'passed' else f'{self.outcome}: {said}'}"


def seen(runs: Iterable[LastRun]) -> dict[str, list[Seen]]:
    """By test, its last run in each lab; a skip is left out if the test ran in another."""
    found: dict[str, dict[str, Seen]] = {}
    for run in runs:
        for lab, tests in run.labs.items():
            for test, told in tests.items():
                said = told.get("said", [])
                lines = tuple(map(str, said)) if isinstance(said, list) else ()
                its = Seen(test, lab, str(told.get("outcome")), lines, str(told.get("day", "")))
                known = found.setdefault(test, {})
                if lab not in known or known[lab].day <= its.day:
                    known[lab] = its
    return {
        test: [s for s in labs.values() if s.outcome != "skipped"] or [*labs.values()]
        for test, labs in found.items()
    }


def page(rows: dict[str, Row], stated: dict[str, object], tests: dict[str, list[Seen]]) -> str:
    """The page, in Markdown."""
    index = "".join(
        f"| [{name}](#{_anchor(name)}) | {_plain(row.about)} | {row.section} | "
        f"{'no test' if row.why else _summary(row.tests, tests)} |\n"
        for name, row in rows.items()
    )
    return HEAD + index + "".join(_part(name, row, stated, tests) for name, row in rows.items())


def _part(name: str, row: Row, stated: dict[str, object], tests: dict[str, list[Seen]]) -> str:
    lines = [f"\n## {name}\n", f"{_plain(row.about)} (section {row.section})."]
    said = [_plain(each) for each in _stated(row, stated)]
    if len(said) > IN_A_SENTENCE:
        lines += ["\nThe thesis states:\n", *(f"- {each}" for each in said)]
    elif said:
        lines.append(f"\nThe thesis states: {'; '.join(said)}.")
    if row.why:
        return "\n".join([*lines, f"\nNo test: {_plain(row.why)}."]) + "\n"
    lines.append("\nTests:\n")
    lines += [f"- `{test}`: {_summary([test], tests)}" for test in row.tests]
    lines += _measured(_of(row.tests, tests))
    return "\n".join(lines) + "\n"


def _stated(row: Row, stated: dict[str, object]) -> Iterator[str]:
    """Each statement; of several parts of the thesis it says which, as two have a memory."""
    for name in row.states:
        part = name.partition(".")[2] if len(row.states) > 1 else ""
        for leaf, value in stated.items():
            if covers(name, leaf) and not leaf.endswith(".figure"):
                rest = leaf.removeprefix(name).lstrip(".")
                yield _worded(f"{part} {rest}".strip() if rest else leaf, value)


def _worded(name: str, value: object) -> str:
    """A name of the file as words, with its value; a name without a value is a word itself."""
    words = name.replace("req_s", "req/s").replace("_", " ")
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    return words if value is None else f"{words}: {value}"


def _of(patterns: Iterable[str], tests: dict[str, list[Seen]]) -> list[Seen]:
    """What all tests came to that any of the patterns stands for."""
    patterns = tuple(patterns)
    mine = [test for test in tests if any(matches(pattern, test) for pattern in patterns)]
    return [its for test in mine for its in tests[test]]


def _summary(patterns: Iterable[str], tests: dict[str, list[Seen]]) -> str:
    """How many of these tests passed, and so on."""
    of_labs = [pattern for pattern in patterns if not pattern.startswith(OF_FILES)]
    if not of_labs:
        return "a comparison of files, made by `./run test`"
    count = Counter(its.outcome for its in _of(of_labs, tests))
    told = [f"{count[outcome]} {outcome}" for outcome in OUTCOMES if count[outcome]]
    return ", ".join(told) or "not measured: in no run that is recorded"


def _measured(mine: list[Seen]) -> Iterator[str]:
    """What was measured, lab by lab; what was skipped says why, and what says nothing passed."""
    by_lab: dict[str, dict[str, None]] = {}
    for its in mine:
        lines = by_lab.setdefault(f"`{its.lab}`, {its.day}", {})
        if its.said:
            lines[its.line] = None
    for lab, lines in by_lab.items():
        if lines:
            yield f"\nMeasured in the lab {lab}:\n"
            shown = (shorten(line, WIDTH, placeholder=" …") for line in [*lines][:LINES])
            yield from (f"- {_plain(line)}" for line in shown)
            if len(lines) > LINES:
                yield f"- and {len(lines) - LINES} more"


def _anchor(name: str) -> str:
    """What GitHub makes of a heading."""
    return name.lower().replace(" ", "-").replace(".", "")


def _plain(text: str) -> str:
    """Text that ends no cell and no line, and that Markdown takes for nothing else."""
    return re.sub(r"([|*<>\[\]`])", r"\\\1", " ".join(text.split()))


def main(arguments: list[str]) -> int:
    """Write the page of the files that runs have left; of the last one's, if none is named."""
    files = [Path(name) for name in arguments] or [RECORD]
    try:
        left = [LastRun.load(file) for file in files]
        for run in left:
            if not run.labs:
                raise UserError(f"{run.path}: no run is recorded there: ./run pytest suites")
        fresh = PAGE.with_suffix(".new")
        fresh.write_text(page(rows(), stated(), seen(left)))
        fresh.replace(PAGE)
    except UserError as error:
        print(f"halab: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
