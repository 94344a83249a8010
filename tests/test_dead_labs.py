"""What a built lab leaves on the host when its janitor died too, and who clears it."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fixtures.lab import _mended
from halab import wait
from halab.lab import cgroup, embedded, rack
from halab.lab.embedded import EmbeddedLab
from halab.lab.journal import Entry, Journal
from halab.topology import Topology

DEAD, LIVING = f"dead-{os.getpid()}", f"living-{os.getpid()}"


@pytest.fixture(autouse=True)
def labs_of_this_test_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder of its own, and not in that of this machine."""
    monkeypatch.setattr(rack, "STATE", tmp_path / "halab")


def laid_out(lab: str) -> Path:
    """The folder of a lab, as it is left."""
    folder = rack.state(lab)
    folder.mkdir(parents=True)
    (folder / "secrets.json").write_text("{}")
    return folder


@contextmanager
def answering(lab: str, room: int = 16) -> Iterator[Path]:
    """A lab whose rack is there."""
    with socket.socket(socket.AF_UNIX) as control:
        control.bind(str(laid_out(lab) / "control"))
        control.listen(room)
        yield rack.state(lab)


def test_dead_lab_is_cleared_and_a_living_one_stays() -> None:
    """Folder and control groups of whatever does not answer any more."""
    folder = laid_out(DEAD)
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(folder / "control"))
    groups = [group / "lb1" for group in cgroup.groups(DEAD)]
    for group in groups:
        group.mkdir(parents=True)
    with answering(LIVING) as living:
        assert rack.clear_dead() == [DEAD]
        assert rack.clear_dead() == []
        assert living.exists()
    assert not folder.exists()
    assert groups
    assert not any(group.exists() or group.parent.exists() for group in groups)


def test_lab_whose_rack_is_busy_is_not_dead() -> None:
    """It has room for no more callers, and nobody waits for it either."""
    with answering(LIVING, room=0), socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(rack.state(LIVING) / "control"))
        assert rack.answers(LIVING)
        assert rack.clear_dead() == []


def test_nothing_is_made_where_there_is_nothing() -> None:
    """A machine without labs gets no folder for them."""
    assert rack.clear_dead() == []
    assert not rack.STATE.exists()


def _is_open(folder: Path) -> bool:
    return any(
        Path(f"/proc/self/fd/{fd}").resolve() == folder for fd in os.listdir("/proc/self/fd")
    )


@pytest.mark.parametrize("built_anew", [False, True])
def test_janitor_clears_its_own_lab_alone(built_anew: bool) -> None:
    """A run in a hurry has cleared it, and built another of that name, before its turn came."""
    folder = laid_out(DEAD)
    with subprocess.Popen(["sleep", "60"]) as child:
        janitor = threading.Thread(target=rack._janitor, args=(DEAD, child.pid, None))
        janitor.start()
        wait.until(lambda: _is_open(folder), what="the janitor knows its lab", within=5)
        with rack.starting_or_ending():
            child.kill()
            if built_anew:
                rack.clear(DEAD)
                laid_out(DEAD)
        janitor.join(10)
    assert not janitor.is_alive()
    assert folder.exists() is built_anew


def test_lab_goes_with_the_run_that_holds_its_lifeline() -> None:
    """Whatever ended it: the kernel closes what it held."""
    folder = laid_out(DEAD)
    lifeline, ours = os.pipe()
    with subprocess.Popen(["sleep", "60"]) as child:
        janitor = threading.Thread(target=rack._janitor, args=(DEAD, child.pid, lifeline))
        janitor.start()
        wait.until(lambda: _is_open(folder), what="the janitor knows its lab", within=5)
        os.close(ours)
        janitor.join(5)
        gone = not janitor.is_alive()
        child.kill()
        janitor.join(10)
    os.close(lifeline)
    assert gone
    assert not folder.exists()


def test_lab_that_cannot_start_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full before any janitor is there."""

    def begun(_topology: Topology, name: str, *_: object, **__: object) -> None:
        laid_out(name)
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(embedded, "prepare", begun)
    monkeypatch.setattr(embedded.image, "ensure", lambda _: Path("/nowhere"))
    monkeypatch.setattr(embedded.guard, "guard", lambda *_: None)
    topology = Topology.load(Path("topology.yaml"))
    with pytest.raises(OSError, match="no space left"):
        EmbeddedLab.start(topology, DEAD, print)
    assert not rack.STATE.exists()


@pytest.mark.parametrize(
    ("standing", "owner_lives", "going"),
    [(False, False, True), (False, True, False), (True, False, False)],
)
def test_lab_goes_with_its_run_unless_it_stands(
    standing: bool, owner_lives: bool, going: bool
) -> None:
    """Nobody is to use one that its janitor is about to take down."""
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    lab = object.__new__(EmbeddedLab)
    lab.standing, lab.owner = standing, os.getpid() if owner_lives else ended.pid
    assert lab.is_going is going


class Stands:
    """What is asked of a lab that is found, and no lab."""

    topology, name, guests = None, "stands", "containers"

    def __init__(self, journal: Journal, standing: bool, is_around_us: bool) -> None:
        self.journal, self.standing, self.is_around_us = journal, standing, is_around_us
        self.is_down = False

    def down(self) -> None:
        self.is_down = True

    @classmethod
    def start(cls, *_: object, standing: bool, guests: str) -> tuple[bool, str]:
        return standing, guests


@pytest.mark.parametrize(
    ("left", "standing", "around_us", "built_anew"),
    [
        (True, True, False, True),
        (False, True, False, False),
        (True, False, False, False),
        (True, True, True, False),
    ],
    ids=["a dead run's fault", "no fault", "a live run's lab", "from within, beside a live fault"],
)
def test_lab_that_stands_is_built_anew_where_a_dead_run_left_a_fault(
    tmp_path: Path, left: bool, standing: bool, around_us: bool, built_anew: bool
) -> None:
    """Which is told, and not done where whoever broke it is still alive."""
    journal, said = Journal(tmp_path / "journal"), []
    journal.write(Entry("doing", "1.1", "cut_off", "lb2", ""))
    if not left:
        journal.write(Entry("undone", "1.1", "cut_off", "lb2", ""))
    lab = Stands(journal, standing, around_us)
    mended: object = _mended(lab, said.append)  # type: ignore[arg-type]
    assert lab.is_down is built_anew
    if built_anew:
        assert mended == (True, "containers")
        assert said == [
            "a run that was cut short left cut_off() on lb2",
            "building it anew, to mend that",
        ]
    else:
        assert mended is lab
        assert said == []
