"""How often the gate's duet errs: calibration, record and table, from figures that are known."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import benchmarks.costlier
from benchmarks import gate_power
from benchmarks.costlier import GOALS, MOST_STARTS, RULES, STARTS, Check, Line, calibrated, costlier
from benchmarks.gate_power import HOG, HOGS
from benchmarks.power_record import Basis, Found, Record, Session
from benchmarks.power_table import pieces, remarks, short_of, table
from halab.errors import LabError, UserError
from halab.gate.duet import Duets
from halab.gate.slowdown import Pair
from halab.gate.stage import Contender
from halab.lab.lock import LocalLock

TODAY = "frontend f\n    mode http\n    bind 127.0.0.1:80\nbackend b\n    server s 127.0.0.2:80\n"
BASIS = Basis("a machine", {n: Check(goal, 700, (goal,) * STARTS) for n, goal in GOALS.items()})


def held(hogs: int, **slower: bool) -> Session:
    found = {
        name: Found(slower=so, unclear=False, median=0.05 * so, pairs=10, p=0.5, sd=0.01)
        for name, so in slower.items()
    }
    return Session(hogs, 1.0, found)


def test_quiet_hogs_and_both_have_rows_of_their_own() -> None:
    rows = table([held(0, equal=True), held(HOGS, equal=False), held(0, **{"+5%": True})])
    first, _, *lines = rows.splitlines()
    assert first.startswith("| beside | more CPU | sessions | found slower |")
    assert [line.split(" | ")[:4] for line in lines] == [
        ["| nothing", "equal", "1", "1"],
        ["| nothing", "+5%", "1", "1"],
        ["| hogs", "equal", "1", "0"],
        ["| either", "equal", "2", "1"],
        ["| either", "+5%", "1", "1"],
    ]


def test_one_alarm_in_300_bounds_the_rate_below_sixteen_in_a_thousand() -> None:
    """What the long run is for."""
    equals = [held(HOGS * (n % 2), equal=n == 0) for n in range(300)]
    assert "| either | equal | 300 | 1 | 0 | at most 1.57% |" in table(equals)
    assert not [why for why in short_of(equals) if "alarm" in why]
    assert [why for why in short_of([*equals, held(0, equal=True)]) if "alarm" in why]
    assert "299 sessions with an equal, of 300" in [*short_of(equals[1:])]


def test_a_missed_one_in_twenty_bounds_the_power() -> None:
    row = table([held(0, **{"+5%": n > 0}) for n in range(20)]).splitlines()[2]
    assert "at least 78.4%" in row


@pytest.mark.parametrize(
    ("name", "missed", "short"),
    [("+5%", 1, False), ("+5%", 2, True), ("+10%", 0, False), ("+10%", 1, True)],
)
def test_power_is_asked_for_quiet_and_beside_hogs_by_itself(
    name: str, missed: int, short: bool
) -> None:
    """One in twenty at +5 %, none at +10 %; a goal that nobody looked for is not reached."""
    for beside, told in ((0, "nothing"), (HOGS, "hogs")):
        found = [held(beside, **{name: n >= missed}) for n in range(20)]
        other = [held(HOGS - beside, **{name: True}) for _ in range(20)]
        told_so = f"{name} beside {told}: {20 - missed} of 20 found"
        assert (told_so in [*short_of([*found, *other])]) is short
        assert f"{name} beside {told}: 0 of 0 found" in [*short_of(other)]


def test_a_session_is_one_of_four_kinds_in_turns() -> None:
    assert [gate_power.kind(n) for n in range(5)] == [
        (0, "+5%"), (HOGS, "+5%"), (0, "+10%"), (HOGS, "+10%"), (0, "+5%"),
    ]  # fmt: skip


def test_a_costlier_one_has_its_rules() -> None:
    text = costlier(Contender(TODAY), 9).text
    assert text.count("    http-request set-var(txn.x) str(xxxxxxxxx),djb2\n") == RULES


def test_a_line_is_not_bent_by_a_start_that_went_wrong() -> None:
    points = [(length, 0.01 + 5e-5 * length) for length in (50, 900, 1800)] * STARTS
    points[2] = (1800, 0.5)
    line = Line.through(points)
    assert (line.length(0.05), line.length(0.10)) == (800, 1800)
    assert line.corrected(Check(0.05, 800, (0.04,) * STARTS)) == 1000
    with pytest.raises(LabError, match="longer rules cost no more here"):
        Line.through([(length, -more) for length, more in points])


def test_a_length_counts_when_it_is_known_and_near() -> None:
    near = (0.046, 0.053, 0.049, 0.051, 0.052, 0.047, 0.05, 0.054)
    assert Check(0.05, 800, near).known
    assert Check(0.05, 800, near).near
    assert not Check(0.05, 800, near[:-1]).known, "too few starts"
    assert not Check(0.05, 800, tuple(5 * more for more in near)).known, "too far apart"
    assert not Check(0.06, 800, near).near


class Machine:
    """Stands for duets: a request costs 2e-5 a byte more, and every start differs."""

    def __init__(self, noise: float) -> None:
        self.noise = noise
        self.starts = 0

    def __call__(self, _node: object, _today: Contender, others: dict, **_: object) -> Duets:
        self.starts += 1
        luck = self.noise if self.starts % 2 else -self.noise
        return Duets(
            {
                name: [Pair(1, 1 + 2e-5 * other.text.count("x") / RULES + luck)] * 9
                + [Pair(1, 1.001)]
                for name, other in others.items()
            }
        )


def test_calibration_ends_with_lengths_that_were_borne_out(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(benchmarks.costlier, "duets", Machine(noise=0.004))
    checks = calibrated(None, Contender(TODAY), said.append)  # type: ignore[arg-type]
    for name, goal in GOALS.items():
        assert checks[name].near
        assert checks[name].more == pytest.approx(goal, abs=0.001)
        assert f"{name}: {checks[name]}" in said


def test_a_machine_that_is_too_noisy_calibrates_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(noise=0.02)
    monkeypatch.setattr(benchmarks.costlier, "duets", machine)
    with pytest.raises(LabError, match=f"too noisy to know it well enough: .* {MOST_STARTS} st"):
        calibrated(None, Contender(TODAY), print)  # type: ignore[arg-type]
    assert machine.starts == STARTS + MOST_STARTS


def test_a_session_judges_an_equal_and_a_costlier_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_power, "duets", Machine(noise=0.0))
    found = gate_power.session(None, Contender(TODAY), BASIS, 0).found  # type: ignore[arg-type]
    assert [*found] == ["equal", "+5%"]
    assert not found["equal"].slower
    assert found["+5%"].median == pytest.approx(0.014, abs=0.001)


def test_a_record_goes_on_where_it_was_cut_off(tmp_path: Path) -> None:
    """A line that its run did not live to end is held anew."""
    file = tmp_path / "record.jsonl"
    record = Record(file)
    assert record.basis is None
    record.begin(BASIS)
    record.keep(held(0, equal=False))
    record.keep(Session(HOGS, 2.0, failed="a HAProxy has ended"))
    whole = file.read_text()
    file.write_text(whole + '{"hogs": 0, "seco')
    again = Record(file)
    assert again.basis == BASIS
    assert again.sessions == record.sessions
    assert file.read_text() == whole
    assert "1 sessions could not be held; the last: a HAProxy" in "\n".join(
        remarks(BASIS, again.sessions)
    )
    file.write_text("{}\n")
    with pytest.raises(UserError, match=r"record\.jsonl:1: it is no line of a record"):
        Record(file)


def test_how_far_pairs_were_apart_is_told_quiet_and_beside_hogs() -> None:
    """It is what power hangs on: +5 % is found in 95 % of sessions up to 0.027."""
    told = "\n".join(remarks(BASIS, [held(0, equal=False), held(HOGS, equal=False)]))
    for beside, duets in (("nothing", 1), ("hogs", 1), ("either", 2)):
        said = f"beside {beside}: pairs of a duet differ by a standard deviation of 0.010 of ln"
        assert f"{said}, the median of {duets} duets" in told


def test_pieces_of_a_run_are_told_with_their_time_and_load() -> None:
    """Sessions that follow each other are one; a pause of five minutes begins another."""
    times = ["10:00:00", "10:00:15", "10:20:30", "10:20:45", "10:21:00"]
    sessions = [
        Session(0, 15.0, ended=f"2026-11-25T{time}+00:00", load=1.0 + number)
        for number, time in enumerate(times)
    ]
    told = [*remarks(BASIS, sessions)]
    assert told[-2:] == [
        "2 sessions on 2026-11-25, 10:00 to 10:00 UTC, load average 1 to 2",
        "3 sessions on 2026-11-25, 10:20 to 10:21 UTC, load average 3 to 5",
    ]
    assert pieces([]) == []


@pytest.mark.parametrize(("minutes", "held"), [(0.0, 0), (60.0, 3)])
def test_a_piece_begins_no_session_when_its_time_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minutes: float, held: int
) -> None:
    node = SimpleNamespace(run=lambda _command: "a CPU\nHAProxy 2.6")
    monkeypatch.setattr(gate_power, "duets", Machine(noise=0.0))
    monkeypatch.setattr(gate_power, "HOGS", 0)
    record = Record(tmp_path / "record.jsonl")
    record.begin(Basis("a CPU, HAProxy 2.6", BASIS.checks))
    gate_power.go_on(node, Contender(TODAY), record, 3, minutes)  # type: ignore[arg-type]
    assert len(record.sessions) == held


def test_sessions_that_cannot_be_held_are_kept_and_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Node:
        def run(self, _command: str) -> str:
            return "a CPU\nHAProxy 2.6"

    def failing(*_: object, **__: object) -> None:
        raise LabError("nothing answers")

    monkeypatch.setattr(gate_power, "duets", failing)
    monkeypatch.setattr(gate_power, "HOGS", 0)
    record = Record(tmp_path / "record.jsonl")
    record.begin(Basis("a CPU, HAProxy 2.6", BASIS.checks))
    with pytest.raises(LabError, match="3 sessions in a row could not be held: nothing answers"):
        gate_power.go_on(Node(), Contender(TODAY), record, 300)  # type: ignore[arg-type]
    assert [session.failed for session in record.sessions] == ["nothing answers"] * 3
    record.basis = BASIS
    with pytest.raises(UserError, match="is of a machine, and this is a CPU"):
        gate_power.go_on(Node(), Contender(TODAY), record, 300)  # type: ignore[arg-type]


def test_what_was_found_is_shown_whatever_ends_the_run(tmp_path: Path) -> None:
    """Here the lab is gone; hours of sessions are not. A process of its own: it looks for a lab."""
    record = Record(tmp_path / "record.jsonl")
    record.begin(BASIS)
    record.keep(held(0, equal=False))
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.gate_power"),
            *("--file", record.file, "--name", "none-such", "--minutes", "1"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 3
    assert "| nothing | equal | 1 | 0 |" in ended.stdout
    assert ended.stderr == "no lab named none-such stands; ./run lab up boots one\n"


def test_a_lab_that_a_run_holds_is_not_measured_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(gate_power, "say", said.append)
    options = argparse.Namespace(
        file=tmp_path / "record.jsonl", name="power-held", sessions=1, minutes=1.0
    )
    with LocalLock("power-held"):
        assert gate_power.shown(options) == 3
    assert said[0].startswith("the lab 'power-held' is held by process")


def test_a_hog_ends_with_whoever_started_it() -> None:
    """However he ended: here its parent is no longer the one it was told of."""
    subprocess.run([sys.executable, "-c", HOG, str(os.getpid() + 1)], check=True, timeout=30)
