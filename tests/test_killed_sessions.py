"""Sessions that end in every way there is, at any moment, at every fault: nothing is left.

Neither on the operator's machine, which is his own so that all is there to be seen, nor, where
they are not his, on the nodes.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

import pytest

from halab import faults, maintenance, wait
from halab.errors import Held, NotReached
from halab.lab.lock import LEASE, Lock
from halab.lab.remote import RemoteLab
from tests.desk import Desk, Running
from tests.foreign_lab import Operator, become_well, differing, healed, pictures
from tests.foreign_lab.breaker import CATALOGUE
from tests.moments import Moments
from tests.one_fault import ALL, Made

REPORTS = ("--html=/tmp/reports/report.html", "--junitxml=/tmp/reports/junit.xml")
SUITE = "tests/one_fault.py"
POWER, DISK = "a power cut", "a full disk"


@dataclass(frozen=True)
class Moment:
    """How a session ends, at which fault, and how many seconds after it began to break it.

    Some end ``earlier``, so many seconds after their own beginning.
    """

    ending: str
    fault: str
    after: float
    earlier: bool = False

    def __str__(self) -> str:
        since = "its beginning" if self.earlier else f"breaking: {self.fault}"
        return f"{self.ending} {self.after:.2f} s after {since}"


@dataclass(frozen=True)
class Ending:
    """What ends a session: what is done at the moment, its options and its environment.

    ``told`` is what it says of its end.
    """

    strike: Callable[[Desk, Running], None] | None = None
    told: str = ""
    options: Callable[[Moment], Sequence[str]] = lambda _: ()
    environment: Callable[[Moment], Mapping[str, str]] = lambda _: {}


def _signals(*numbers: signal.Signals) -> Ending:
    def strike(_desk: Desk, run: Running) -> None:
        for number in numbers:
            run.send(number)
            wait.passing(0.05)

    return Ending(strike)


def _crash(how: str, told: str) -> Ending:
    return Ending(told=told, environment=lambda moment: {"CRASH": f"{how} {moment.after:.2f}"})


def _timed_out(method: str) -> Ending:
    # what comes before the fault takes some seconds too
    return Ending(
        told="Timeout",
        options=lambda m: (f"--timeout={3 + 4 * m.after:.2f}", f"--timeout-method={method}"),
    )


def _filled(desk: Desk, run: Running) -> None:
    """Until it ends; it has no room for a report, nor for a journal."""
    with desk.full():
        run.end(120)


ENDINGS = {
    "SIGKILL": _signals(signal.SIGKILL),
    "SIGTERM": _signals(signal.SIGTERM),
    "SIGHUP": _signals(signal.SIGHUP),
    "Ctrl-C": _signals(signal.SIGINT),
    "Ctrl-C twice": _signals(signal.SIGINT, signal.SIGINT),
    "a fixture that raises": _crash("raise", "this fixture crashed on purpose"),
    "a fixture that aborts": _crash("abort", "Aborted"),
    "a time-out": _timed_out("signal"),
    "a time-out of the whole process": _timed_out("thread"),
    DISK: Ending(_filled, environment=lambda _: {"LASTS": "2"}),
    POWER: Ending(lambda desk, _: desk.lose_power()),
}
ORDERLY = ("SIGTERM", "Ctrl-C", "Ctrl-C twice", "a fixture that raises", "a time-out")
"""What a session survives for as long as it needs to mend what it broke."""
TIMED_OUT = ("a time-out", "a time-out of the whole process")
OWN_MOMENT = ("a fixture that raises", "a fixture that aborts")
"""They are at the fault already."""


def planned(catalogue: Mapping[str, Made], number: int, seed: int) -> list[Moment]:
    """So many moments, with every fault and every ending among them."""
    chance = random.Random(seed)
    names = chance.sample(sorted(catalogue), len(catalogue))
    plan = []
    for place in range(number):
        ending = [*ENDINGS][place % len(ENDINGS)]
        earlier = ending not in OWN_MOMENT and chance.random() < 0.2
        after = chance.uniform(0.3, 7) if earlier else chance.uniform(0, 1.5)
        plan.append(Moment(ending, names[place % len(names)], after, earlier))
    return plan


BUILT = planned(ALL, 44, seed=1)
FOUND = planned(CATALOGUE, 33, seed=2)
PIECES = 4
"""Into so many tests they are dealt."""


def test_plans_have_every_ending_and_every_fault() -> None:
    """Of the catalogue; not every machine has a clock of its own, or several cables."""
    for plan, catalogue in ((BUILT, ALL), (FOUND, CATALOGUE)):
        assert {moment.ending for moment in plan} == ENDINGS.keys()
        assert {moment.fault for moment in plan} == catalogue.keys()
    inflicted = {name for made in ALL.values() for name in _names(made.__code__)} | {"cut_off"}
    every = {*faults.__all__} - {"Deed", "Fault", "each_of", "fault", "half_of", "clock_jumped"}
    every -= {"cable_out"}
    every |= {"haproxy_reloaded", "keepalived_reloaded", "rebooted", "drained", "in_maintenance"}
    assert every - inflicted <= {"adverts_lost"}
    assert all(hasattr(maintenance, name) or hasattr(faults, name) for name in every)


def _names(code: CodeType) -> Iterator[str]:
    """What a function names, and those in it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _ended(desk: Desk, moment: Moment, *options: str) -> str:
    """Have a session end so, and not by itself; what it said."""
    ending = ENDINGS[moment.ending]
    run = desk.start(
        "pytest", SUITE, *REPORTS, *options, *ending.options(moment),
        environment={"FAULT": moment.fault, **ending.environment(moment)},
    )  # fmt: skip
    try:
        if not moment.earlier and not run.until_said("lab: breaking:"):
            assert moment.ending in TIMED_OUT, "".join(run.said)  # before it could
        if ending.strike is not None:
            wait.passing(moment.after)
            ending.strike(desk, run)
        said = run.end(120)
    except BaseException:
        run.send(signal.SIGKILL)
        raise
    assert ending.told in said, said
    assert moment.ending == DISK or " passed" not in said, said
    return said


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    """A machine of the operator's own."""
    with Desk.booted() as machine:
        yield machine


def _left(desk: Desk, before: str, lab: str) -> list[str]:
    """What is on the operator's machine and was not; control groups are those of this machine."""
    mounted = Path("/sys/fs/cgroup")  # of all hierarchies in one, or of each
    groups = [*mounted.glob(f"halab/{lab}"), *mounted.glob(f"*/halab/{lab}")]
    return differing({"desk": before}, {"desk": desk.picture()}) + [f"{path}" for path in groups]


def test_next_session_clears_a_dead_lab_before_anything_else(desk: Desk) -> None:
    """And says so; it was killed together with all that would have cleared it."""
    (desk.root / "run/halab/dead").mkdir(parents=True)
    said = desk.start("pytest", SUITE, "--collect-only", *REPORTS).end(60)
    assert "cleared what a run that died left of the lab 'dead'" in said, said
    assert said.index("cleared what") < said.index("test_that_lasts")
    assert not (desk.root / "run/halab").exists()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("piece", range(PIECES))
def test_nothing_of_a_built_lab_outlives_its_session(
    desk: Desk, moments: Moments, piece: int
) -> None:
    """Its janitor sees to that; where it was killed too, or none yet, the next run, by its word."""
    before, lab = desk.picture(), f"ended-{os.getpid()}"
    for moment in BUILT[piece::PIECES]:
        with moments.at("built", moment.ending, moment.fault, str(moment)):
            _ended(desk, moment, f"--lab-name={lab}")
            orphaned = moment.ending == POWER or moment.ending in TIMED_OUT or moment.earlier
            if not _is_cleared(desk, before, lab, 1 if moment.ending == POWER else 15) and orphaned:
                left = _left(desk, before, lab)
                said = desk.start("pytest", SUITE, "--collect-only", *REPORTS).end(60)
                assert f"cleared what a run that died left of the lab '{lab}'" in said, (left, said)
            assert _left(desk, before, lab) == []


def _is_cleared(desk: Desk, before: str, lab: str, within: float) -> bool:
    try:
        wait.until(
            lambda: not _left(desk, before, lab),
            what="nothing is left of the lab",
            within=within,
            every=0.2,
        )
    except NotReached:
        return False
    return True


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("piece", range(PIECES))
def test_nothing_on_machines_that_were_found_outlives_a_session(
    foreign: Operator, moments: Moments, piece: int
) -> None:
    """They are healed by whoever comes next; and a lock that a dead machine held falls."""
    options = ("--lab=remote", "--allow-disruption", f"--topology={foreign.topology}")
    with Desk.booted(foreign.topology.parent, place=foreign.place) as desk:
        nodes, here, mended = pictures(foreign), desk.picture(), 0
        for moment in FOUND[piece::PIECES]:
            with moments.at("found", moment.ending, moment.fault, str(moment)):
                _ended(desk, moment, *options)
                if moment.ending == POWER:
                    desk.boot()
                    here = desk.picture()
                left = healed(foreign)
                mended += bool(left)
                assert not left or moment.ending not in ORDERLY or moment.earlier, left
                become_well(foreign)
                assert healed(foreign) == {}, "what is healed is healed"
                _await_unchanged(foreign, nodes)
                assert differing({"desk": here}, {"desk": desk.picture()}) == []
                wait.until(
                    lambda: foreign.does(_free), what="nobody holds it", within=LEASE + 5, every=1
                )
    assert mended, "all of them ended before anything was broken, or after it was mended"


def _await_unchanged(foreign: Operator, before: dict[str, str]) -> None:
    """Until sshd has ended what it began for a machine without power: ClientAliveInterval."""
    wait.until(
        lambda: not differing(before, pictures(foreign)),
        what="the nodes are as they were",
        within=30,
        every=1,
        seen=lambda: differing(before, pictures(foreign)),
    )


def _free(lab: RemoteLab) -> bool:
    lock = Lock([lab.beside[name] for name in lab.topology.directors])
    try:
        lock.take()
    except Held:
        return False
    lock.release()
    return True


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["partition", "frozen", "a web server slow"])
def test_lab_that_stands_is_mended_by_the_next_run(
    desk: Desk, moments: Moments, fault: str
) -> None:
    """Which says what it mends, before anything else."""
    before, lab = desk.picture(), f"stands-{os.getpid()}"
    with moments.at("standing", "SIGKILL", fault, f"SIGKILL at {fault}"):
        up = desk.start("halab.cli", "lab", "up", f"--name={lab}").end(60)
        assert "takes it down" in up, up
        _ended(desk, Moment("SIGKILL", fault, 0.5), f"--lab-name={lab}")
        said = desk.start(
            "pytest", "suites/ha/test_nodes.py", f"--lab-name={lab}", *REPORTS
        ).end(120)  # fmt: skip
        down = desk.start("halab.cli", "lab", "down", f"--name={lab}").end(60)
    assert "a run that was cut short left " in said, said
    assert said.index("a run that was cut short left ") < said.index("building it anew"), said
    assert "building it anew" in said, said
    assert " passed" in said, said
    assert "is down" in down, down
    assert _left(desk, before, lab) == []
