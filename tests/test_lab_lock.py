"""A built lab belongs to one run at a time: the second leaves before it has cost anything."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from halab.errors import Held, NodeError
from halab.lab.lock import LocalLock, Lock
from halab.transport import LineChannel
from tests.answering import Answering

CHECKOUT = Path(__file__).parents[1]
WITHIN = 2.0
"""Seconds of CPU time: on a machine with nothing else to do it takes no longer."""


def cpu_time_of_children() -> float:
    """Seconds that those had that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@pytest.fixture
def second(tmp_path: Path) -> list[str]:
    """The command of a run, less what it is to test."""
    return [
        sys.executable, "-m", "pytest", f"--html={tmp_path}/report.html",
        f"--junitxml={tmp_path}/junit.xml",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "lab"),
    [
        (("suites/ha",), "taken"),
        (("suites/ha/test_nodes.py", "suites/backends"), "taken"),
        (("-n", "2", "suites/ha"), "taken-gw1"),
    ],
    ids=["a suite", "a file and a suite", "beside each other"],
)
def test_second_run_leaves_within_two_seconds(
    second: list[str], arguments: tuple[str, ...], lab: str
) -> None:
    """It is told who has the lab and since when, and has a status of its own."""
    took = []
    with LocalLock(lab):
        for _ in range(3):  # what else runs here takes its share of caches
            before = cpu_time_of_children()
            run = subprocess.run(
                [*second, "--lab-name=taken", *arguments],
                cwd=CHECKOUT, capture_output=True, text=True, timeout=60,
            )  # fmt: skip
            assert run.returncode == os.EX_TEMPFAIL, run.stdout + run.stderr
            took.append(cpu_time_of_children() - before)
            if took[-1] < WITHIN:
                break
    held = f"the lab '{lab}' is held by process {os.getpid()}, since "
    assert held in run.stdout + run.stderr
    assert min(took) < WITHIN, took


def test_built_lab_is_held_by_its_name() -> None:
    """The second is told by whom; another name is another lab."""
    told = pytest.raises(Held, match=f"'one-of-these' is held by process {os.getpid()}, since")
    with LocalLock("one-of-these"), LocalLock("another"), told:
        LocalLock("one-of-these").__enter__()
    with LocalLock("one-of-these"):
        pass


def test_looking_at_what_there_is_needs_no_lab(second: list[str]) -> None:
    """Tests are listed though somebody has it."""
    with LocalLock("taken"):
        run = subprocess.run(
            [*second, "--lab-name=taken", "--collect-only", "suites/ha/test_nodes.py"],
            cwd=CHECKOUT, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr


class Shell:
    """The one on a director that holds its lock, or is told by whom it is held."""

    def __init__(self, says: str) -> None:
        self.says = says
        self.channel = self
        self.closed = False

    def send_line(self, _line: str) -> None:
        if self.closed:
            raise NodeError("the program has ended")

    def read_line(self, _timeout: float) -> str:
        if not self.says:
            raise NodeError("the program has ended")
        return self.says

    def read_to_end(self, _timeout: float) -> None:
        pass

    def close(self) -> None:
        self.closed = True


class Director(Answering):
    """Each of whose shells says what comes next."""

    def __init__(self, *says: str) -> None:
        super().__init__("lb1", "")
        self.shells = [Shell(one) for one in says]
        self.begun: list[Shell] = []

    def converse(self, _command: str) -> LineChannel:
        self.begun.append(self.shells.pop(0))
        return self.begun[-1]  # type: ignore[return-value]


def test_run_that_has_lost_the_lab_is_told_by_whom_it_is_held() -> None:
    """Its machine slept, and another run took it over: nothing more is its to break."""
    director = Director("taken ", "held root@desk, process 7")
    lock = Lock([director])
    lock.take()
    lock.require()
    director.begun[0].close()
    lock._speak()
    with pytest.raises(Held, match=r"has lost the lab: lb1 is held by root@desk, process 7"):
        lock.require()
    lock.release()


def test_run_that_has_one_director_has_the_lab() -> None:
    """Somebody took the other as it booted, and will be refused this one."""
    booted = Director("taken ", "held root@desk, process 7", "taken root@desk, process 7")
    lock = Lock([booted, Director("taken ")])
    lock.take()
    for _ in range(2):
        booted.begun[-1].close()
        lock._speak()
        lock.require()
    assert not booted.begun[-1].closed
    lock.release()


def test_run_whose_director_was_off_has_not_lost_the_lab() -> None:
    """The director may hold it for this very run still, and is asked again until it lets go."""
    director = Director("taken ", "held", "", "taken ")
    lock = Lock([director])
    director.shells[1].says = f"held {lock._who}"
    lock.take()
    for _ in range(3):
        director.begun[-1].close()
        lock._speak()
    lock.require()
    assert [shell.closed for shell in director.begun] == [True, True, True, False]
    lock.release()
