"""Runs are killed at any moment, by any signal: what they leave is mended, and nothing differs."""

from __future__ import annotations

import random
import signal
import subprocess
import sys

import pytest

from halab import wait
from halab.errors import HalabError
from halab.lab import journal
from halab.lab.journal import Entry
from halab.lab.lock import LEASE
from halab.lab.remote import RemoteLab
from tests.foreign_lab import CHECKOUT, Operator, become_well, differing, pictures
from tests.foreign_lab.breaker import CATALOGUE

pytestmark = pytest.mark.slow

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
KILLS = 10
"""In each test of ten."""


def _breaker(operator: Operator, seed: int) -> tuple[subprocess.Popen[str], str]:
    """A breaker at work, and what it breaks first.

    Where the one before died with a director cut off, the lock there falls with its lease.
    """
    command = [sys.executable, "-m", "tests.foreign_lab.breaker", operator.topology, str(seed)]

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


def _healed(operator: Operator) -> dict[str, list[str]]:
    """Mend all; a NIC that was taken down comes up by itself first."""

    def heal(lab: RemoteLab) -> dict[str, list[str]] | None:
        try:
            return lab.heal()
        except HalabError:
            return None

    healed: list[dict[str, list[str]]] = []

    def tried() -> bool:
        left = operator.does(heal)
        healed.extend([] if left is None else [left])
        return left is not None

    wait.until(tried, what="all nodes can be healed", within=40, every=0.2)
    return healed[0]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(10))
def test_nothing_differs_after_killed_breakers(foreign: Operator, seed: int) -> None:
    """Ten moments, at any of the faults that need no front panel; a hundred in all ten tests."""
    chance = random.Random(seed)
    before = pictures(foreign)
    for kill in range(KILLS):
        run, first = _breaker(foreign, seed * KILLS + kill)
        wait.passing(chance.uniform(0, 1.5))
        how = chance.choice(SIGNALS)
        run.send_signal(how)
        rest, _ = run.communicate(timeout=60)
        at = [line for line in (first + rest).splitlines() if line in CATALOGUE][-1]
        left = _healed(foreign)
        become_well(foreign)
        again = _healed(foreign)
        print(f"{seed}.{kill}: {how.name} at {at}: {left or 'nothing left'}")
        assert again == {}, "what is healed is healed"
        assert differing(before, pictures(foreign)) == [], f"{how.name} at {at}"


def test_nodes_mend_what_a_silent_run_left(foreign: Operator) -> None:
    """Nobody comes to heal: a timer on each node does, once it has heard nothing for so long."""
    before = pictures(foreign)
    run, _ = _breaker(foreign, 3)
    assert run.stdout is not None
    for _ in range(2):
        run.stdout.readline()
    run.kill()
    run.communicate()
    become_well(foreign, within=20 + 30)
    wait.until(
        lambda: foreign.does(lambda lab: lab.heal(dry_run=True)) == {},
        what="the nodes have mended all by themselves",
        within=30,
    )
    assert differing(before, pictures(foreign)) == []


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
    _healed(foreign)
    become_well(foreign)
    assert differing(before, pictures(foreign)) == [], how.name


def test_dry_run_tells_and_mends_nothing(foreign: Operator) -> None:
    """What is left is told with its fault, node and run; then it is mended; then it is gone."""
    foreign.does(
        lambda lab: lab.intents.write(
            Entry(journal.DOING, "2.1", "broken", "gen1", "glass", {"gen1": "rm -f /run/broken"})
        )
    )
    foreign.does(lambda lab: lab.nodes["gen1"].run("touch /run/broken"))
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
