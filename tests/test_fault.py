"""A fault: what it journals, and that it is undone however its doing ended."""

from __future__ import annotations

import errno
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from resource import RLIMIT_FSIZE, getrlimit, setrlimit

import pytest

from halab.errors import NotAllowed
from halab.faults import Deed, Fault, each_of, fault, half_of
from halab.lab.journal import DOING, Entry, Journal
from halab.node import Node
from halab.transport import Access

ACCESS = Access("root", Path("/nowhere"), Path("/nowhere"))


class Lamp:
    """Something to switch off."""

    def __init__(self, journal: Journal, name: str = "lamp") -> None:
        # a node that is never spoken with
        self.node = Node(name, IPv4Address("127.0.0.1"), ACCESS, journal=journal)
        self.name = name
        self.lit = True
        self.broken = False

    def off(self) -> None:
        self.lit = False
        if self.broken:
            raise OSError("the switch came off")

    def on(self) -> None:
        self.lit = True


@fault
def dark(lamp: Lamp, why: str = "night") -> Deed:
    return Deed(lamp.node, lamp.off, lamp.on)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal")


@pytest.fixture
def lamp(journal: Journal) -> Lamp:
    return Lamp(journal)


def steps(journal: Journal) -> list[str]:
    return [entry.step for entry in journal.entries()]


def test_nothing_is_done_before_it_is_entered(lamp: Lamp, journal: Journal) -> None:
    dark(lamp)
    assert lamp.lit
    assert journal.entries() == ()


def test_each_step_has_a_line_with_its_name_node_and_arguments(
    lamp: Lamp, journal: Journal
) -> None:
    with dark(lamp, why="fuse"):
        assert not lamp.lit
        assert steps(journal) == ["doing", "done"]
    assert lamp.lit
    assert steps(journal) == ["doing", "done", "undoing", "undone"]
    said = {(e.fault, e.node, e.arguments) for e in journal.entries()}
    assert said == {("dark", "lamp", "lamp, fuse")}
    times = [entry.at for entry in journal.entries()]
    assert times == sorted(times)


def test_the_line_is_there_before_anything_is_done(lamp: Lamp, journal: Journal) -> None:
    seen: list[str] = []
    with Fault("dark", "", Deed(lamp.node, lambda: seen.extend(steps(journal)), lamp.on)):
        assert seen == ["doing"]


def test_defaults_are_among_the_arguments(lamp: Lamp, journal: Journal) -> None:
    with dark(lamp):
        pass
    assert {entry.arguments for entry in journal.entries()} == {"lamp, night"}


def test_what_failed_half_way_is_undone_and_its_error_goes_on(lamp: Lamp, journal: Journal) -> None:
    lamp.broken = True
    with pytest.raises(OSError, match="came off"), dark(lamp):
        pytest.fail("entered")
    assert lamp.lit
    assert steps(journal) == ["doing", "failed", "undoing", "undone"]
    assert journal.unmended() == ()


def test_undone_when_its_block_fails(lamp: Lamp) -> None:
    with pytest.raises(ValueError, match="test"), dark(lamp):
        raise ValueError("test")
    assert lamp.lit


def test_what_was_not_undone_is_unmended(lamp: Lamp, journal: Journal) -> None:
    with dark(lamp):
        (left,) = journal.unmended()
        assert (left.step, left.fault, left.node) == ("doing", "dark", "lamp")
    assert journal.unmended() == ()


def test_undoing_that_failed_is_unmended(lamp: Lamp, journal: Journal) -> None:
    stuck = Fault("stuck", "", Deed(lamp.node, lamp.off, lambda: 1 / 0))
    with pytest.raises(ZeroDivisionError), stuck:
        pass
    assert steps(journal)[-1] == "failed"
    assert [entry.fault for entry in journal.unmended()] == ["stuck"]


class FullDisk(Journal):
    """A journal whose disk has room for so many lines."""

    room = 0

    def write(self, entry: Entry) -> None:
        if self.room == 0:
            raise OSError(errno.ENOSPC, "no space left")
        self.room -= 1
        super().write(entry)


@pytest.mark.parametrize(("room", "done"), [(0, False), (1, True), (2, True), (3, True)])
def test_full_disk_keeps_from_breaking_and_not_from_mending(
    tmp_path: Path, room: int, done: bool
) -> None:
    """What cannot be written down is not done; what is done is undone, written down or not."""
    journal = FullDisk(tmp_path / "journal")
    journal.room = room
    lamp, seen = Lamp(journal), []
    deed = Deed(lamp.node, lambda: (seen.append("done"), lamp.off()), lamp.on)
    with pytest.raises(OSError, match="no space left"), Fault("dark", "", deed):
        pass
    assert bool(seen) is done
    assert lamp.lit


def test_undone_again_does_no_harm(lamp: Lamp, journal: Journal) -> None:
    one = dark(lamp)
    with one:
        pass
    one.undo()
    assert lamp.lit
    assert journal.unmended() == ()


def test_times_are_told(lamp: Lamp) -> None:
    one = dark(lamp)
    with one:
        assert one.done is not None
        assert 0 <= one.done.took < 1
        assert str(one).startswith("dark(lamp, night), done at ")
        assert str(one).endswith(", not undone yet")
    assert ", undone at " in str(one)


def test_two_faults_of_a_name_are_told_apart(lamp: Lamp, journal: Journal) -> None:
    with dark(lamp):
        with dark(lamp):
            pass
        assert len(journal.unmended()) == 1


def test_faults_compose(journal: Journal) -> None:
    lamps = [Lamp(journal, f"lamp{n}") for n in range(3)]
    with each_of(lamps, dark) as none:
        assert none is None
        assert not any(lamp.lit for lamp in lamps)
    assert all(lamp.lit for lamp in lamps)
    assert {entry.node for entry in journal.entries()} == {"lamp0", "lamp1", "lamp2"}


def test_all_are_undone_when_one_of_them_fails(journal: Journal) -> None:
    lamps = [Lamp(journal, f"lamp{n}") for n in range(3)]
    lamps[1].broken = True
    with pytest.raises(OSError, match="came off"), each_of(lamps, dark):
        pytest.fail("entered")
    assert all(lamp.lit for lamp in lamps)


def test_none_of_nothing() -> None:
    with each_of([], dark):
        pass


@pytest.mark.parametrize(("things", "half"), [("abcd", "ac"), ("abc", "ac"), ("", "")])
def test_half_takes_every_second(things: str, half: str) -> None:
    assert half_of(things) == half


class Refusing(Journal):
    """A journal that lets nothing be begun."""

    def write(self, entry: Entry) -> None:
        if entry.step == DOING:
            raise NotAllowed("lamp: nobody has given it to us")
        super().write(entry)


def test_what_was_not_permitted_is_not_undone_either(tmp_path: Path) -> None:
    """Who may not switch a lamp off has no business switching it on."""
    journal = Refusing(tmp_path / "journal")
    lamp = Lamp(journal)
    lamp.lit = False  # its owner's wish
    with pytest.raises(NotAllowed), dark(lamp):
        pytest.fail("entered")
    assert not lamp.lit
    assert steps(journal) == ["undone"]


def test_undoing_that_was_interrupted_is_finished(lamp: Lamp, journal: Journal) -> None:
    """By whoever tears down; what came to its end is not done again."""
    calls: list[str] = []

    def undo() -> None:
        calls.append("undo")
        if len(calls) == 1:
            raise KeyboardInterrupt
        lamp.on()

    one = Fault("dark", "", Deed(lamp.node, lamp.off, undo))
    with pytest.raises(KeyboardInterrupt), one:
        pass
    assert not lamp.lit
    assert len(journal.unmended()) == 1
    one.finish()
    one.finish()
    assert lamp.lit
    assert calls == ["undo", "undo"]
    assert journal.unmended() == ()


def test_what_was_never_begun_needs_no_finish(lamp: Lamp, journal: Journal) -> None:
    """Nor do several at once."""
    lamp.lit = False
    dark(lamp).finish()
    each_of([lamp], dark).finish()
    assert not lamp.lit
    assert journal.entries() == ()


def test_line_that_a_full_disk_cut_hides_no_other(lamp: Lamp, journal: Journal) -> None:
    """Wherever it was cut: what it began was not done, and what it ended is unmended."""
    entry = Entry("doing", "1.1", "dark", "lamp", "", {"lamp": "{ touch /run/é; }"}, at=1.5)
    journal.write(entry)
    line = journal.path.read_bytes()
    for cut in range(len(line) - 1):
        journal.path.write_bytes(line + line[:cut])
        journal.write(replace(entry, step="undone", number="1.2"))
        assert [one.step for one in journal.entries()] == ["doing", "undone"], line[:cut]
        assert [one.number for one in journal.unmended()] == ["1.1"]


def test_line_that_has_no_room_is_an_error(tmp_path: Path, lamp: Lamp) -> None:
    """A file may not grow beyond what is left of its disk, or of its limit, which is the same."""
    path = tmp_path / "journal"
    with limited(RLIMIT_FSIZE, 40), pytest.raises(OSError, match=r"No space left|File too large"):
        Journal(path).write(Entry("doing", "1.1", "dark", "lamp", ""))
    assert Journal(path).entries() == ()


@contextmanager
def limited(what: int, to: int) -> Iterator[None]:
    """A limit of this process, without the signal that goes with it, while the block runs."""
    before, was = getrlimit(what), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    setrlimit(what, (to, before[1]))
    try:
        yield
    finally:
        setrlimit(what, before)
        signal.signal(signal.SIGXFSZ, was)
