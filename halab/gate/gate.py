"""The gate itself: its parts in their order, on one lab."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from halab.changed_cluster import ChangedCluster
from halab.cluster import Cluster
from halab.configuration import Configuration
from halab.errors import LabError, NodeError
from halab.gate import host_wide, matrix, session, stage, syntax, timers
from halab.gate.judgement import Judgement, Row, Verdict
from halab.gate.matrix import Run
from halab.gate.session import CANDIDATE, Session
from halab.gate.slowdown import Answer
from halab.gate.stage import Contender, Failing, NotComparable
from halab.keepalived import tracks_processes
from halab.lab.embedded import EmbeddedLab
from halab.set_up import HAPROXY, KEEPALIVED, PATHS, SetUp, scrubbed

COST = "CPU time of a request"
NOT_SERVED = "not served"
PROGRAM = "/usr/local/sbin/haproxy-candidate"
REPORTS = Path("reports")


class Gate:
    """Today's set-up and a candidate's, with another ``binary`` of HAProxy if there is one."""

    def __init__(
        self,
        lab: EmbeddedLab,
        topology: Path,
        today: SetUp,
        candidate: SetUp,
        binary: bytes | None,
        progress: Callable[[str], None],
    ) -> None:
        self.lab = lab
        self.topology = topology.resolve()
        self.today_set_up, self.candidate_set_up = today, candidate
        self.binary = binary
        self.progress = progress
        self.today = {d: today.deployed(d, lab.topology, lab.secrets) for d in self._directors}
        self.candidate = {
            d: candidate.deployed(d, lab.topology, lab.secrets) for d in self._directors
        }
        self.name = str(candidate.folder or "the candidate")

    @property
    def _directors(self) -> tuple[str, ...]:
        return tuple(self.lab.topology.directors)

    @property
    def _program(self) -> str:
        return syntax.BINARY if self.binary is not None else stage.BINARY

    def quick(self) -> Judgement:
        """Syntax and HAProxy's cost: nothing of the cluster changes meanwhile."""
        with ExitStack() as undone:
            for name in self._directors:
                node = self.lab.nodes[name]
                undone.enter_context(syntax.workplace(node))
                if self.binary is not None:
                    node.put(syntax.BINARY, self.binary, mode=0o755)
            rows = self.syntax()
            if not any(row.verdict is Verdict.REJECT for row in rows):
                rows += self.timers()
                rows += self.tracked_processes()
                rows += self.duet()
        return Judgement(self.name, rows)

    def whole(self) -> Judgement:
        """That, and every fault of the matrix under both set-ups, one after the other.

        What is rejected for its syntax or its times is put on no cluster; nor is what this lab
        cannot have.
        """
        judged = self.quick()
        if any(
            row.verdict is not Verdict.ACCEPT and not row.what.startswith(COST)
            for row in judged.rows
        ):
            return judged
        with ExitStack() as undone:
            undone.callback(self._put_back)
            if self.binary is not None:
                for name in self._directors:
                    node = self.lab.nodes[name]
                    undone.callback(node.run, "rm -f -- %s", PROGRAM)
                    node.put(PROGRAM, self.binary, mode=0o755)
                undone.callback(self._put_back)  # before its program goes
            rows = host_wide.rows(self.lab, self.today_set_up, self.candidate_set_up, self.progress)
            if not any(row.what == host_wide.HOST_WIDE for row in rows):
                rows += self._matrix()
        return Judgement(self.name, [*judged.rows, *rows])

    def _matrix(self) -> list[Row]:
        self.progress("the fault matrix under today's set-up")
        today = self._settled(self._options(self.today_set_up), "before")
        self.progress("the fault matrix under the candidate's")
        program = PROGRAM if self.binary is not None else ""
        cluster = ChangedCluster(self.lab, self.candidate_set_up, program)
        try:
            cluster.bring_to(self.candidate_set_up.configuration)
        except NodeError as error:
            return [Row("the cluster becomes steady", "yes", "no", Verdict.REJECT, str(error))]
        options = self._options(self.candidate_set_up, self.today_set_up, program)
        candidate = self._all(options, "gate-after.log")
        rows = matrix.rows(today, candidate)
        doubtful = matrix.doubtful(today, candidate)
        if candidate.cut_short or not doubtful:
            return rows
        self.progress(f"again, to be sure: {len(doubtful)} tests")
        runs = [self._run(options, "gate-again.log", doubtful)]
        if unsure := [test for test in doubtful if test not in matrix.doubtful(today, runs[0])]:
            self.progress(f"and once more, as it was not so again: {len(unsure)} tests")
            runs.append(self._run(options, "gate-once-more.log", unsure))
        return matrix.confirmed(rows, today, runs)

    def _settled(self, options: list[str], log: str) -> Run:
        """Today's run; what fails in it is run once more, since today's set-up is in service.

        Raises :class:`LabError` where none of it holds: nothing could be worse then.
        """
        first = self._all(options, f"gate-{log}.log")
        if first.cut_short:
            raise LabError(f"today's set-up does not bear the matrix: {first.cut_short}")
        failed = [test for test, seen in first.seen.items() if seen.outcome == "failed"]
        if not failed:
            return first
        again = self._run(options, f"gate-{log}-again.log", failed)
        settled = Run({**first.seen, **again.seen})
        if not any(seen.outcome == "passed" for seen in settled.seen.values()):
            why = settled.seen[failed[0]].why
            raise LabError(f"nothing of the matrix holds under today's set-up, such as: {why}")
        return settled

    def _all(self, options: list[str], log: str) -> Run:
        """The whole matrix; what one that is cut short has left undone is done in a second run."""
        first = self._run(options, log)
        if not first.cut_short:
            return first
        self.progress(f"the rest, and what failed, once more: {first.cut_short}")
        held = [test for test, seen in first.seen.items() if seen.outcome != "failed"]
        second = self._run([*options, *(f"--deselect={test}" for test in held)], f"rest-{log}")
        return Run({**first.seen, **second.seen}, second.cut_short)

    def _run(self, options: list[str], log: str, tests: Sequence[str] = ()) -> Run:
        for node in self.lab.nodes.values():
            node.close()  # ours: a director that loses its power would cut them
        return matrix.run(options, REPORTS / log, tests)

    def _options(self, set_up: SetUp, today: SetUp | None = None, program: str = "") -> list[str]:
        options = [f"--lab-name={self.lab.name}", f"--topology={self.topology}"]
        options += [f"--set-up={set_up.folder.resolve()}"] if set_up.folder else []
        options += [f"--today={today.folder.resolve()}"] if today and today.folder else []
        options += [f"--haproxy={program}"] if program else []
        return options

    def _put_back(self) -> None:
        """The cluster as ``./run lab up`` makes it."""
        self.progress("putting the cluster back")
        Cluster(self.lab).bring_to(Configuration())

    def syntax(self) -> list[Row]:
        """What each director's programs say of its files."""
        self.progress("syntax")
        rows = []
        for name in self._directors:
            both = self.today[name], self.candidate[name]
            rows += syntax.rows(self.lab.nodes[name], *both, self._program, stage.BINARY)
        return rows

    def timers(self) -> list[Row]:
        """A row for each time that nobody can have meant, or one that says that there is none."""
        found = timers.new(self.today, self.candidate)
        rows = []
        for finding in found:
            verdict = Verdict.UNDECIDED if finding.unread else Verdict.REJECT
            rows.append(Row(finding.where, "", finding.what, verdict, finding.what))
        return rows or [Row("timers", "", "none that cannot be meant")]

    def tracked_processes(self) -> list[Row]:
        """A row for each director whose keepalived would begin to track processes."""
        path, rows = PATHS[KEEPALIVED], []
        for name in self._directors:
            if not tracks_processes(self.candidate[name][path]):
                continue
            what = f"{name}: vrrp_track_process"
            if not self.lab.directors_have_a_kernel:
                why = f"a {self.lab.kind} director's keepalived is told of none: --lab=emulated"
                rows.append(Row(what, "", "not tried", Verdict.UNDECIDED, why))
            elif not tracks_processes(self.today[name][path]):
                rows.append(Row(what, "none", "works after a restart, not after a reload"))
        return rows

    def duet(self) -> list[Row]:
        """HAProxy's cost, where any of it changes; on the director that clients do not use.

        Once for each change: directors that have the same one have the same cost.
        """
        path = PATHS[HAPROXY]
        changes: dict[tuple[str, ...], str] = {}
        for name in (self.lab.topology.backup.name, self.lab.topology.master.name):
            before, after = self.today[name][path], self.candidate[name][path]
            if before != after or self.binary is not None:
                changes.setdefault(_change(before, after), name)
        if not changes:
            return [Row(COST, "", "as before: nothing of HAProxy changes")]
        rows = []
        for name in changes.values():
            what = COST if len(changes) == 1 else f"{COST}, as on {name}"
            found = self._duet(self.today[name][path], self.candidate[name][path])
            rows.append(replace(found, what=what))
        return rows

    def _duet(self, before: str, after: str) -> Row:
        """A candidate that does not serve is asked once more, since its load may have failed."""
        found = self._dueted(before, after)
        if found.after != NOT_SERVED:
            return found
        self.progress(f"once more, to be sure: {found.why}")
        again = self._dueted(before, after)
        if again.verdict is Verdict.REJECT:
            return again
        why = f"{found.why}; and not so when it was asked again"
        return replace(again, verdict=Verdict.UNDECIDED, why=why)

    def _dueted(self, before: str, after: str) -> Row:
        try:
            held = session.hold(
                self.lab.nodes[self.lab.topology.backup.name],
                Contender(before),
                Contender(after, self._program),
                self.progress,
            )
        except NotComparable as error:
            return Row(COST, "", "", Verdict.UNDECIDED, str(error))
        except NodeError as error:
            why = scrubbed(str(error), [before, after])
            if isinstance(error, Failing) and error.who == CANDIDATE:
                return Row(COST, "", NOT_SERVED, Verdict.REJECT, why)
            raise NodeError(why) from None
        return _cost(held)


def _change(before: str, after: str) -> tuple[str, ...]:
    """The lines that go and those that come, in their order."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return tuple(line for line in lines if not line.startswith(("@@", "---", "+++")))


def _cost(held: Session) -> Row:
    found = held.found
    verdict, why = Verdict.ACCEPT, ""
    match held.answer:
        case Answer.SLOWER:
            verdict, why = Verdict.REJECT, f"it costs {found}, and {found.margin:.0%} are borne"
        case Answer.UNDECIDED:
            flaws = "; ".join(held.flaws)
            verdict = Verdict.UNDECIDED
            why = f"the session proves nothing: {flaws}" if flaws else f"{found}: it may be chance"
    before, after = held.held.cost_of_todays(CANDIDATE), held.held.cost(CANDIDATE)
    now = f"{after * 1e6:.1f} µs, {found}"
    return Row(COST, f"{before * 1e6:.1f} µs", now, verdict, why)
