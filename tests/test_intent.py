"""What is written on a node before it is broken, by the very shell that a node has."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from testinfra.backend.base import CommandResult

from halab.errors import CommandFailed, NodeError
from halab.lab import intent, journal
from halab.lab.intent import Intents, heal
from halab.lab.journal import Entry
from tests.answering import Answering, Here

SYSTEMD = """
case "$*" in
    *is-active*) [ -e {timer} ] ;;
    *stop*) for unit; do rm -f "{place}/$unit"; done ;;
    *--unit=*) touch {timer} ;;
esac
"""


class Noted(Here):
    """A node whose systemd does no more than note whether there is a timer, or a healer that is
    to be started again.
    """

    def __init__(self, name: str, place: Path) -> None:
        super().__init__(name, place, healing=intent.FOLDER)
        self.folder, self.timer = place / "healing", place / f"{intent.TIMER}.timer"
        self.healer = place / f"{intent.TIMER}.service"
        for program in ("systemctl", "systemd-run"):
            self.program(program, SYSTEMD.format(place=place, timer=self.timer))

    def fails_to_mend(self) -> None:
        """Its timer has elapsed: the healer is to be started again."""
        self.timer.unlink()
        self.healer.touch()

    @property
    def left(self) -> list[str]:
        """What is there to be mended."""
        return sorted(path.name for path in self.folder.glob("*")) if self.folder.exists() else []


@pytest.fixture
def node(tmp_path: Path) -> Noted:
    return Noted("web1", tmp_path / "web1")


def intents(*nodes: Noted) -> Intents:
    by_name = {node.name: node for node in nodes}
    return Intents(by_name, by_name, lambda _: None, 3600)


def entry(step: str, number: str, **heals: str) -> Entry:
    return Entry(step, number, "broken", "web1", "glass", heals)


def test_word_is_left_and_taken_back(node: Noted) -> None:
    """With a timer beside it while there is any; no folder of ours stays, and no other goes."""
    its = intents(node)
    its.write(entry(journal.DOING, "1.1", web1="true"))
    its.write(entry(journal.DOING, "1.2", web1="true"))
    assert len([name for name in node.left if name.endswith(".sh")]) == 2
    assert "heal" in node.left
    assert (node.folder.stat().st_mode & 0o077) == 0
    its.write(entry(journal.UNDONE, "1.1"))
    assert node.timer.exists()
    its.write(entry(journal.UNDONE, "1.2"))
    its.close()
    assert not node.timer.exists()
    assert not node.folder.exists()
    assert (node.place / "bin").exists()


def test_newest_is_mended_first_and_what_fails_stays(node: Noted) -> None:
    """And is told; healing again mends it, once it can be."""
    its = intents(node)
    for number, heals in (("1", "echo 1"), ("2", f"test -e {node.place}/spare"), ("3", "echo 3")):
        its.write(
            entry(journal.DOING, number, web1=f"{heals} && echo {number} >> {node.place}/log")
        )
    its.close()
    with pytest.raises(NodeError, match="web1: not mended"):
        heal([node])
    assert (node.place / "log").read_text().split() == ["3", "1"]
    assert [name.rpartition("-")[2] for name in node.left if name != "heal"] == ["2.sh"]
    (node.place / "spare").touch()
    (said,) = heal([node])["web1"]
    assert said.startswith("broken(glass) on web1, by ")
    assert heal([node]) == {}
    assert node.left == []


@pytest.mark.parametrize("by", ["its own run", "another"])
def test_node_tries_no_more_what_is_mended(node: Noted, by: str) -> None:
    """Whoever has mended it."""
    its = intents(node)
    its.write(entry(journal.DOING, "1.1", web1="true"))
    node.fails_to_mend()
    its.write(entry(journal.UNDONE, "1.1")) if by == "its own run" else heal([node])
    its.close()
    assert not node.healer.exists()
    assert node.left == []


def test_run_that_lives_has_a_timer_and_no_healer(node: Noted) -> None:
    """It was silent for too long, and breaks the next thing."""
    its = intents(node)
    its.write(entry(journal.DOING, "1.1", web1="true"))
    node.fails_to_mend()
    its.write(entry(journal.DOING, "1.2", web1="true"))
    its.close()
    assert node.timer.exists()
    assert not node.healer.exists()


def test_what_mending_starts_keeps_no_other_from_it(node: Noted) -> None:
    """A program that goes on is no healer whose turn is to be waited for."""
    its = intents(node)
    goes_on = "sleep 9 > /dev/null 2>&1 & echo $! >"
    its.write(entry(journal.DOING, "1.1", web1=f"{goes_on} {node.place}/pid; false"))
    its.close()
    with pytest.raises(NodeError, match="web1: not mended"):
        heal([node])
    free = node.ask(f"flock -n {intent.FOLDER} true").rc
    node.run(f"kill $(cat {node.place}/pid)")
    assert free == 0


def test_dry_run_only_tells(node: Noted) -> None:
    """In a line for each, and mends nothing."""
    its = intents(node)
    its.write(entry(journal.DOING, "1.1", web1="true"))
    its.close()
    before = node.left
    assert len(heal([node], dry_run=True)["web1"]) == 1
    assert node.left == before


def test_title_is_one_line_whoever_wrote_it(node: Noted, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is behind a line's end would be a command."""
    monkeypatch.setattr(intent, "whoever", lambda: f"a user\ntouch {node.place}/hurt\n")
    its = intents(node)
    its.write(entry(journal.DOING, "1.1", web1="true"))
    its.close()
    assert heal([node])["web1"] == [f"broken(glass) on web1, by a user touch {node.place}/hurt"]
    assert not (node.place / "hurt").exists()


def test_full_disk_keeps_what_is_there_to_mend(node: Noted) -> None:
    """Nothing more is begun, and what heals the first is whole: not cut for the second one's."""
    its = intents(node)
    its.write(entry(journal.DOING, "1.1", web1=f"touch {node.place}/mended"))
    healer = (node.folder / "heal").read_text()

    class Full(Noted):
        """Every file that is written there is cut."""

        def __init__(self, whole: Noted) -> None:
            vars(self).update(vars(whole))

        def ask(self, command: str, *values: str, **how: object) -> CommandResult:
            values = tuple(f"ulimit -f 0; trap '' XFSZ; {value}" for value in values)
            return super().ask(command, *values, **how)  # type: ignore[arg-type]

    full = intents(Full(node))
    with pytest.raises(CommandFailed):
        full.write(entry(journal.DOING, "1.2", web1="true"))
    its.close()
    assert (node.folder / "heal").read_text() == healer
    assert len(heal([node])["web1"]) == 1
    assert (node.place / "mended").exists()
    assert node.left == []


def test_faults_of_one_node_come_and_go_beside_each_other(node: Noted) -> None:
    """None takes another's word with it, nor the healer, nor the timer."""
    its = intents(node)

    def come_and_go(number: int) -> bool:
        its.write(entry(journal.DOING, f"1.{number}", web1="true"))
        whole = node.timer.exists() and "heal" in node.left
        its.write(entry(journal.UNDONE, f"1.{number}"))
        return whole

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(come_and_go, range(64)))
    its.close()
    assert node.left == []


def test_word_is_taken_back_from_all_that_can_be_reached(
    tmp_path: Path, node: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is away is told of, and keeps its word."""
    away = Noted("web2", tmp_path / "web2")
    its = intents(away, node)
    its.write(entry(journal.DOING, "1.1", web2="true", web1="true"))
    monkeypatch.setattr(away, "run", Answering("web2", NodeError("web2: away")).run)
    with pytest.raises(NodeError, match="web2: away"):
        its.write(entry(journal.UNDONE, "1.1"))
    its.close()
    assert node.left == []
    assert away.left
