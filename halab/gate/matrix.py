"""The fault matrix: the suites' tests that are marked ``gate``, under today's set-up and another.

A run is pytest's own, in a process of its own, on the lab that stands; what each test saw comes
back as a line of JSON (``--figures``, fixtures/candidate.py).
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

from halab.errors import LabError
from halab.gate.judgement import Row, Verdict

CHECKOUT = Path(__file__).parents[2]
SUITES = ("suites/gate", "suites/ha", "suites/backends")
ENDS_WITHIN = 90.0
"""Seconds in which a run that is interrupted mends what it has broken."""


@dataclass(frozen=True)
class Measurement:
    """A figure of a test and what its set-up promised for it, both in ``unit``."""

    measured: float
    budget: float
    resolution: float
    unit: str

    def __str__(self) -> str:
        return f"{self.measured:.3f} s" if self.unit == "s" else f"{self.measured:g}"


@dataclass(frozen=True)
class Seen:
    """What became of a test: "passed", "failed" or "skipped"; seconds, and requests of clients."""

    outcome: str
    why: str = ""
    outage: float | None = None
    lost: int = 0
    asked: int = 0
    measured: Mapping[str, Measurement] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        said = [self.outcome] if self.outcome != "passed" else []
        if self.lost:
            said.append(f"{self.lost} of {self.asked} lost, for {self.outage:.3f} s")
        elif self.asked:
            said.append("nothing lost")
        return ", ".join([*said, *self.notes]) or "holds"


@dataclass(frozen=True)
class Run:
    """The tests of one run by name; ``cut_short`` says why they are not all of them."""

    seen: Mapping[str, Seen]
    cut_short: str = ""


def run(options: Sequence[str], log: Path, tests: Sequence[str] = ()) -> Run:
    """Run the matrix, or only these ``tests``, with these options of pytest.

    Raises :class:`LabError` when pytest could not do it; what it said is in ``log``.
    """
    log.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, log.open("wb") as out:
        figures = Path(folder) / "figures"
        figures.touch()
        command = [
            sys.executable, "-m", "pytest", *(tests or SUITES), "-m", "gate",
            f"--figures={figures}", *options, "-o",
            "addopts=--strict-markers --import-mode=importlib -p no:cacheprovider",
        ]  # fmt: skip
        status = _ended(command, out)
        lines = [json.loads(line) for line in figures.read_text().splitlines()]
    if status not in (0, 1, 2):
        raise LabError(f"pytest ended with status {status}: {_last(log)}; all of it is in {log}")
    seen = {line["test"]: _seen(line) for line in lines}
    return Run(seen, _last(log) if status == 2 else "")


def _ended(command: Sequence[str], out: IO[bytes]) -> int:
    # a session of its own: Ctrl-C is ours to pass on, once, so that it mends what it has broken
    process = subprocess.Popen(
        command, cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
        start_new_session=True,
    )  # fmt: skip
    try:
        return process.wait()
    except BaseException:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
        raise


def _last(log: Path) -> str:
    """What it said last that says something."""
    lines = [line.strip(" =!") for line in log.read_text(errors="replace").splitlines()]
    told = [line for line in lines if line]
    stops = [line for line in told if "left the cluster broken" in line]
    return (stops or told or ["it said nothing"])[-1][:300]


def _seen(line: Mapping[str, object]) -> Seen:
    measured = {m.pop("what"): Measurement(**m) for m in line["measured"]}  # type: ignore[attr-defined]
    known = {k: line[k] for k in ("outcome", "why", "outage", "lost", "asked")}
    return Seen(**known, measured=measured, notes=tuple(line["notes"]))  # type: ignore[arg-type]


# -- before and after ------------------------------------------------------------------------


def rows(today: Run, candidate: Run) -> list[Row]:
    """A row for each test of today's run, and what speaks against the candidate in it."""
    found = []
    for test, before in today.seen.items():
        after = candidate.seen.get(test)
        if after is None:
            why = f"it was not run: {candidate.cut_short or 'nobody knows why'}"
            found.append(Row(_name(test), str(before), "not run", Verdict.REJECT, why))
            continue
        why = worse(before, after)
        verdict = Verdict.REJECT if why else Verdict.ACCEPT
        found.append(Row(_name(test), str(before), str(after), verdict, why))
    return found


def worse(before: Seen, after: Seen) -> str:
    """What is worse after the change; empty if nothing is.

    A test that held must hold; and whatever it measured must be within what today's set-up
    promised for it, whatever the candidate's own promises are. What today's has nothing of, and the
    candidate has, must hold too.
    """
    if before.outcome == "skipped" and after.outcome == "failed":
        return f"it fails, and was not there to be tested before: {after.why}"
    if before.outcome != "passed":
        return ""
    if after.outcome == "failed":
        return f"it fails now: {after.why}"
    if after.outcome == "skipped":
        return f"it cannot be tested any more: {after.why}"
    for what, now in after.measured.items():
        then = before.measured.get(what)
        if then is not None and now.measured > then.budget + now.resolution:
            return f"{what} {now}, and today's set-up promises {then.budget:g} {then.unit}"
    return ""


def confirmed(rows: Sequence[Row], today: Run, again: Sequence[Run]) -> list[Row]:
    """The rows, where what speaks against the candidate must do so in the next run to reject it.

    What does not is undecided if it speaks against it in the run after that, and else was chance.
    """
    found = []
    for row in rows:
        test = next((test for test in again[0].seen if _name(test) == row.what), None)
        if row.verdict is Verdict.REJECT and test is not None:
            against = [worse(today.seen[test], run.seen[test]) for run in again if test in run.seen]
            if against[0]:
                pass
            elif any(against) or len(against) == 1:
                why = f"{row.why}; and not so when it was run again"
                row = replace(row, verdict=Verdict.UNDECIDED, why=why)
            else:
                after = f"{row.after}; not so in {len(against)} further runs"
                row = replace(row, verdict=Verdict.ACCEPT, after=after, why="")
        found.append(row)
    return found


def doubtful(today: Run, candidate: Run) -> list[str]:
    """The tests that speak against the candidate, to be run again."""
    return [
        test
        for test, before in today.seen.items()
        if test in candidate.seen and worse(before, candidate.seen[test])
    ]


def _name(test: str) -> str:
    name = test.rpartition("::")[2]
    return name.removeprefix("test_").replace("_", " ")
