"""The verdict on a cluster: what its tests add up to, as a sentence, a table and a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from halab.redaction import redacted

NAMED = 5
"""Failed tests that the sentence names; the others it counts."""


class Outcome(StrEnum):
    """What became of a test, the worst of its phases; from the best to the worst."""

    PASSED = "passed"
    SKIPPED = "skipped"
    FAILED = "failed"
    ERROR = "error"


_BROKE = {Outcome.FAILED: "failed", Outcome.ERROR: "ended in an error"}
COLUMNS = ("suite", *Outcome, "seconds")


@dataclass(frozen=True)
class Result:
    """One test. ``why`` is the first line of its failure, or the reason for its skip."""

    suite: str
    name: str
    outcome: Outcome
    seconds: float = 0.0
    claim: str = ""
    why: str = ""
    measured: tuple[str, ...] = ()
    figures: tuple[tuple[str, float, float, str], ...] = ()
    """What, the figure, its resolution and its unit."""
    causes: tuple[str, ...] = ()
    """What likely made it fail."""
    over: tuple[str, ...] = ()
    """What of ``measured`` is over its budget."""
    place: str = ""
    """Of its row in the report: the part of an address after "#"."""

    @property
    def bad(self) -> bool:
        """It speaks against the cluster."""
        return self.outcome in (Outcome.FAILED, Outcome.ERROR)


@dataclass(frozen=True)
class Verdict:
    """What all results say together; ``cut_short`` tells why there are not more of them."""

    cluster: str
    results: tuple[Result, ...]
    cut_short: str = ""

    @property
    def bad(self) -> tuple[Result, ...]:
        """The failed ones, and those that could not be run."""
        return tuple(result for result in self.results if result.bad)

    @property
    def word(self) -> str:
        """Rejected by any failure; accepted only when all was run, and something was."""
        if self.bad:
            return "rejected"
        if self.cut_short or not self._count(Outcome.PASSED):
            return "not judged"
        return "accepted"

    @property
    def sentence(self) -> str:
        """The verdict and its ground."""
        passed, skipped = self._count(Outcome.PASSED), self._count(Outcome.SKIPPED)
        held = f"{_tests(passed)} hold{'s' if passed == 1 else ''}"
        broke = [f"{names} {words}" for o, words in _BROKE.items() if (names := self._names(o))]
        said = [*broke, *([self.cut_short] if self.cut_short else []), held]
        if skipped:
            said.append(f"{skipped} {'was' if skipped == 1 else 'were'} skipped")
        return f"{self.cluster} is {self.word}: {'; '.join(said)}."

    def by_cause(self) -> dict[str, list[Result]]:
        """The bad ones by what most likely made them fail; "", the last, is what nobody knows."""
        found: dict[str, list[Result]] = {}
        for result in sorted(self.bad, key=lambda result: not result.causes):
            found.setdefault(next(iter(result.causes), ""), []).append(result)
        return found

    def by_suite(self) -> Iterator[list[str]]:
        """A row for each suite, under :data:`COLUMNS`; nothing where there is none."""
        for suite in dict.fromkeys(result.suite for result in self.results):
            here = [result for result in self.results if result.suite == suite]
            counted = Counter(result.outcome for result in here)
            seconds = sum(result.seconds for result in here)
            yield [suite, *(str(counted[o] or "") for o in Outcome), f"{seconds:.0f}"]

    def _names(self, outcome: Outcome) -> str:
        """Of the tests that ended so, the first few."""
        names = [result.name for result in self.results if result.outcome is outcome]
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        return f"{', '.join(names[:NAMED])}{more}"

    def _count(self, outcome: Outcome) -> int:
        return sum(result.outcome is outcome for result in self.results)


def _tests(n: int) -> str:
    return f"{n} test{'' if n == 1 else 's'}"


def markdown(
    verdict: Verdict, facts: Mapping[str, str], told: Mapping[str, Iterable[str]] | None = None
) -> str:
    """A short page for a CI to show; ``told`` are lines by their head, such as what changed."""
    parts = [f"# {_plain(verdict.sentence)}"]
    for head, lines in (told or {}).items():
        if shown := [f"- {_plain(line)}" for line in lines]:
            parts += [f"## {_plain(head)}", *shown]
    parts += [
        _table(["", ""], ([_plain(name), _plain(fact)] for name, fact in facts.items())),
        _table(COLUMNS, ([f"`{suite}`", *cells] for suite, *cells in verdict.by_suite())),
    ]
    for result in verdict.bad:
        parts.append(f"## {_plain(result.name)}: {result.outcome}")
        parts.extend(_plain(text) for text in (result.claim, result.why) if text)
        parts.extend(f"Likely cause: {_plain(cause)}" for cause in result.causes)
        parts.extend(f"- {_plain(line)}" for line in result.measured)
    reasons = Counter(r.why for r in verdict.results if r.outcome is Outcome.SKIPPED)
    if reasons:
        parts.append("## Skipped")
        parts.extend(f"- {n} × {_plain(why)}" for why, n in reasons.most_common())
    return "\n\n".join(parts).replace("\n\n- ", "\n- ") + "\n"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = [*head]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _plain(text: str) -> str:
    """Text of nodes and tests, of which no character is Markdown, and nothing a secret."""
    line = " ".join(redacted(text).split())
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#" else c for c in line)
