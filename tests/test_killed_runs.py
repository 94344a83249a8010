"""Runs are killed at any moment, by any signal: what they leave is mended, and nothing differs."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from halab import wait
from halab.lab import intent, journal
from halab.lab.intent import Intents
from halab.lab.journal import Entry
from halab.lab.lock import LEASE
from halab.lab.remote import RemoteLab
from tests.foreign_lab import (
    CHECKOUT,
    Operator,
    ails,
    become_well,
    differing,
    healed,
    pictures,
    unplugged,
)
from tests.foreign_lab.breaker import CATALOGUE
from tests.moments import Moments

pytestmark = pytest.mark.slow

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
KILLS = 10
"""In each test of ten."""


def _breaker(operator: Operator, seed: int, *alone: str) -> tuple[subprocess.Popen[str], str]:
    """A breaker at work, and what it breaks first.

    Where the one before died with a director cut off, the lock there falls with its lease.
    """
    command = [sys.executable, "-m", "tests.foreign_lab.breaker", operator.topology, str(seed)]
    command += alone

    def started() -> tuple[subprocess.Popen[str], str] | None:
        run = subprocess.Popen(
            [*operator.enters, *command],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert run.stdout is not None
        first = run.stdout.readline()
        if first.strip() in CATALOGUE:
            return run, first
        rest, _ = run.communicate()
        assert "halab.errors.Held" in rest, first + rest
        return None

    return wait.until(started, what="the lab is held by a breaker", within=LEASE + 10, every=1)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(10))
def test_nothing_differs_after_killed_breakers(
    foreign: Operator, moments: Moments, seed: int
) -> None:
    """Ten moments, at any of the faults that need no front panel; a hundred in all ten tests."""
    chance = random.Random(seed)
    before, mended = pictures(foreign), 0
    for kill in range(KILLS):
        run, first = _breaker(foreign, seed * KILLS + kill)
        wait.passing(chance.uniform(0, 1.5))
        how = chance.choice(SIGNALS)
        run.send_signal(how)
        rest, _ = run.communicate(timeout=60)
        at = [line for line in (first + rest).splitlines() if line in CATALOGUE][-1]
        with moments.at("found", how.name, at, f"{seed}.{kill}: {how.name} at {at}"):
            left = healed(foreign)
            become_well(foreign)
            again = healed(foreign)
            print(left or "nothing left")
            assert again == {}, "what is healed is healed"
            assert differing(before, pictures(foreign)) == []
            mended += bool(left)
    assert mended, "all of them were ended before anything was broken, or after it was mended"


@pytest.mark.parametrize("fault", ["HAProxy held dead", "NIC down"])
def test_nodes_mend_what_a_silent_run_left(foreign: Operator, fault: str) -> None:
    """Nobody comes to heal: a timer on the node does, once it has heard nothing for so long.

    Whoever took a node's NIC down has left it where nobody could.
    """
    before = pictures(foreign)
    run, _ = _breaker(foreign, 3, fault)
    assert run.stdout is not None
    assert run.stdout.readline() == "done\n"
    run.kill()
    run.communicate()
    assert any("edge2" in line for line in foreign.does(ails)), "nothing was broken"
    become_well(foreign, within=20 + 30)
    wait.until(
        lambda: foreign.does(lambda lab: lab.heal(dry_run=True)) == {},
        what="the nodes have mended all by themselves",
        within=30,
    )
    assert differing(before, pictures(foreign)) == []


@pytest.mark.parametrize("mends", ["the node", "an operator"])
def test_what_could_not_be_mended_is_tried_again(foreign: Operator, mends: str) -> None:
    """By the node, until it is mended, whoever does that; then no more."""
    before = pictures(foreign)
    heals = {"gen1": "test -e /run/spare && rm -f /run/broken /run/spare"}

    def dies(lab: RemoteLab) -> Intents:
        its = Intents(lab.nodes, lab.beside, lambda _: None, lab.described.silence)
        its.write(Entry(journal.DOING, "6.1", "broken", "gen1", "", heals))
        its.close()
        lab.nodes["gen1"].run("touch /run/broken")
        return its

    def said(command: str) -> str:
        return foreign.does(lambda lab: lab.nodes["gen1"].ask(command).stdout.strip())

    its = foreign.does(dies)
    try:
        wait.until(
            lambda: int(said("systemctl show -P NRestarts halab-dead-man.service") or 0) >= 2,
            what="gen1 has tried again, twice",
            within=20 + 2 * intent.AGAIN + 15,
            every=1,
            seen=lambda: said("systemctl list-units --all 'halab-dead-man*'"),
        )
        assert "broken" in said("ls /run")
        said("touch /run/spare")
        if mends == "an operator":
            assert foreign.command("heal").returncode == 0
        wait.until(
            lambda: not differing(before, pictures(foreign)),
            what="gen1 is mended, and tries no more",
            within=intent.AGAIN + 15,
            every=1,
            seen=lambda: differing(before, pictures(foreign)),
        )
    finally:
        foreign.does(lambda _: its.write(Entry(journal.UNDONE, "6.1", "broken", "gen1", "")))
        said("rm -f /run/broken /run/spare")


def test_run_that_lives_is_not_mended_away(foreign: Operator) -> None:
    """Its signs of life put the timer off for as long as a fault lasts."""

    def lasting(lab: RemoteLab) -> str:
        node = lab.nodes["edge2"]
        heals = {"edge2": "rm -f /run/broken"}
        lab.intents.write(Entry(journal.DOING, "1.1", "broken", "edge2", "", heals))
        node.run("touch /run/broken")
        wait.passing(30)
        there = node.run("ls /run")
        lab.intents.write(Entry(journal.UNDONE, "1.1", "broken", "edge2", "", heals))
        node.run("rm /run/broken")
        return there

    assert "broken" in foreign.does(lasting)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(4))
def test_nothing_differs_after_killed_acceptance_runs(foreign: Operator, seed: int) -> None:
    """The same for pytest itself, and the next run says what it mended."""
    chance = random.Random(seed)
    before = pictures(foreign)
    run = foreign.pytest("suites/ha", "--allow-disruption")
    wait.passing(chance.uniform(4, 40))
    how = SIGNALS[seed]
    run.send_signal(how)
    run.communicate(timeout=120)
    outcome = foreign.judges("suites/ha/test_service.py", "-m", "observe")
    print(how.name, [line for line in outcome.said.splitlines() if "mended" in line])
    healed(foreign)
    become_well(foreign)
    assert differing(before, pictures(foreign)) == [], how.name


@contextmanager
def left_broken(foreign: Operator, number: str, arguments: str) -> Iterator[None]:
    """What a run that died left on gen1; this process gives no sign of life for it after that."""

    def entry(step: str) -> Entry:
        return Entry(step, number, "broken", "gen1", arguments, {"gen1": "rm -f /run/broken"})

    foreign.does(lambda lab: lab.intents.write(entry(journal.DOING)))
    foreign.does(lambda lab: lab.nodes["gen1"].run("touch /run/broken"))
    try:
        yield
    finally:
        foreign.does(lambda lab: lab.intents.write(entry(journal.UNDONE)))


def test_dry_run_tells_and_mends_nothing(foreign: Operator) -> None:
    """What is left is told with its fault, node and run; then it is mended; then it is gone."""
    with left_broken(foreign, "2.1", "glass"):
        told = foreign.command("heal", "--dry-run")
        there = foreign.does(lambda lab: lab.nodes["gen1"].run("ls /run"))
        mended, nothing = foreign.command("heal"), foreign.command("heal")
        gone = foreign.does(lambda lab: lab.nodes["gen1"].run("ls /run"))
    assert (told.returncode, mended.returncode, nothing.returncode) == (1, 0, 0)
    assert "gen1: left: broken(glass) on gen1, by root@" in told.stdout
    assert "gen1: mended: broken(glass) on gen1, by root@" in mended.stdout
    assert "broken" in there
    assert "broken" not in gone
    assert nothing.stdout == "nothing is left of any run\n"


def test_lab_of_a_run_that_lives_is_not_healed(foreign: Operator) -> None:
    """What it has broken is its own to mend: who heals by hand is told whose run it is."""
    run, _ = _breaker(foreign, 5)
    try:
        refused, told = foreign.command("heal"), foreign.command("heal", "--dry-run")
        assert run.poll() is None
    finally:
        run.kill()
        run.communicate()
        healed(foreign)
        become_well(foreign)
    assert refused.returncode == os.EX_TEMPFAIL, refused.stdout
    assert f"process {run.pid}, since " in refused.stdout
    assert told.returncode in (0, 1), told.stdout
    assert "mended" not in refused.stdout


def test_dead_machine_keeps_no_other_from_being_mended(foreign: Operator) -> None:
    """It is named; what was done meanwhile is told all the same."""
    with left_broken(foreign, "3.1", "mirror"), unplugged(foreign, "edge2"):
        mended = foreign.command("heal")
        gone = foreign.does(lambda lab: lab.nodes["gen1"].run("ls /run"))
    become_well(foreign)
    assert mended.returncode == 3, mended.stdout
    assert "gen1: mended: broken(mirror) on gen1, by root@" in mended.stdout
    assert "edge2 (10.77.0.12:22): " in mended.stdout
    assert "broken" not in gone


def test_timer_is_armed_again_where_a_node_has_lost_it(foreign: Operator) -> None:
    """A boot takes it away, and leaves what is to be mended."""
    heals = {"gen1": "rm -f /run/broken"}
    active = "systemctl is-active halab-dead-man.timer"

    def lost_and_found(lab: RemoteLab) -> str:
        node = lab.nodes["gen1"]
        lab.intents.write(Entry(journal.DOING, "4.1", "broken", "gen1", "", heals))
        node.run("systemctl stop halab-dead-man.timer")
        wait.until(lambda: node.ask(active).rc == 0, what="the timer is armed", within=10)
        lab.intents.write(Entry(journal.UNDONE, "4.1", "broken", "gen1", "", heals))
        return node.ask(active).stdout.strip()

    assert foreign.does(lost_and_found) == "inactive"


def test_next_run_mends_before_anything_else(foreign: Operator) -> None:
    """And says what it was, and by whom."""
    with left_broken(foreign, "5.1", "lamp"):
        outcome = foreign.judges("suites/ha/test_nodes.py", "-m", "observe")
        there = foreign.does(lambda lab: lab.nodes["gen1"].run("ls /run"))
    mended = "a run that was cut short left on gen1, mended: broken(lamp) on gen1, by root@"
    assert mended in outcome.said
    assert outcome.said.index(mended) < outcome.said.index("collected ")
    assert "broken" not in there
    assert outcome.status == 0, outcome.said
