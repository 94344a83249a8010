"""How often the gate's duet errs: false alarms, and slowdowns that it misses.

    .venv/bin/python -m benchmarks.gate_power --sessions 300 --minutes 20

on a lab that stands (./run lab up). Each session is a start of its own with today's HAProxy, its
equal, and in turns one that costs 5 % or 10 % more CPU time a request; every second one runs beside
two CPU hogs. Each is judged as the gate judges a candidate. A session is a line in FILE as soon as
it is over: it may be stopped at any time (Ctrl-C, SIGTERM, or by itself after --minutes), and goes
on from there when it is run again, on the same machine with the same HAProxy. 300 sessions take
about 75 minutes, and the lengths that cost so much, which the first piece finds, 5 to 8; with
--sessions 0 it finds these alone. What was found is shown whatever ends it. Exit status: 0 when all
that is asked for is shown, 1 when not or not yet, 3 when it could not be run.
The table, with when each piece of it ran, is for benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import math
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from benchmarks.costlier import GOALS, calibrated, costlier
from benchmarks.power_record import EQUAL, Basis, Found, Record, Session
from benchmarks.power_table import remarks, short_of, table
from halab import wait
from halab.errors import HalabError, LabError, UserError
from halab.gate.duet import duets
from halab.gate.stage import Contender
from halab.lab import kinds
from halab.lab.lock import LocalLock
from halab.node import Node
from halab.set_up import HAPROXY, PATHS, SetUp
from halab.topology import Topology

HOGS = 2
HOG = """\
import os, sys
while os.getppid() == int(sys.argv[1]):
    for _ in range(10**6):
        pass
"""
"""Ends with whoever started it, whatever ended him."""
IN_A_ROW = 3
"""Sessions that cannot be held, after which no more are tried."""

say = partial(print, file=sys.stderr, flush=True)


def kind(number: int) -> tuple[int, str]:
    """Hogs and the goal of a session by its number: four in turns."""
    return HOGS * (number % 2), [*GOALS][number // 2 % len(GOALS)]


@contextmanager
def hogs(number: int) -> Iterator[None]:
    """So many programs that take all the CPU time they can get."""
    with ExitStack() as undone:
        for _ in range(number):
            hog = subprocess.Popen([sys.executable, "-c", HOG, str(os.getpid())])
            undone.callback(hog.wait)
            undone.callback(hog.kill)
        yield


def session(node: Node, today: Contender, basis: Basis, number: int) -> Session:
    """One of them; what keeps it from being held is in it."""
    beside, goal = kind(number)
    others = {EQUAL: today, goal: costlier(today, basis.checks[goal].length)}
    began = wait.clock()
    try:
        with hogs(beside):
            held = duets(node, today, others, settled=list(others))
    except HalabError as why:
        return Session(beside, wait.clock() - began, failed=str(why))
    found = {name: Found.of(held, name) for name in others}
    return Session(beside, wait.clock() - began, found)


def go_on(
    node: Node, today: Contender, record: Record, sessions: int, minutes: float = math.inf
) -> None:
    """Calibrate if nobody has, then hold sessions until there are so many.

    None is begun when so many ``minutes`` are over.
    """
    last = wait.clock() + 60 * minutes
    machine = node.run("sed -n 's/^model name[[:space:]]*: //p;T;q' /proc/cpuinfo; haproxy -v")
    machine = ", ".join(machine.splitlines()[:2])
    if record.basis is None:
        record.begin(Basis(machine, calibrated(node, today, say)))
    basis = record.basis
    if basis is None or basis.machine != machine:
        raise UserError(f"{record.file} is of {basis and basis.machine}, and this is {machine}")
    failed = 0
    while sum(not held.failed for held in record.sessions) < sessions and wait.clock() < last:
        held = session(node, today, basis, len(record.sessions))
        record.keep(held)
        failed = failed + 1 if held.failed else 0
        say(f"{len(record.sessions)}: {held}")
        if failed == IN_A_ROW:
            raise LabError(f"{failed} sessions in a row could not be held: {held.failed}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--sessions", type=int, default=300, help="in all, in FILE")
    parser.add_argument("--minutes", type=float, default=math.inf, help="of this piece of it")
    parser.add_argument("--file", type=Path, default=Path("reports/gate_power.jsonl"))
    parser.add_argument("--name", help="the lab's (the topology's)")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return shown(options)
    except HalabError as why:
        say(why)
        return 3


def shown(options: argparse.Namespace) -> int:
    """Go on as far as is asked for, or can be, or until it is stopped; print what there is by then.

    Returns the exit status.
    """
    record, ended = Record(options.file), ""
    try:
        topology = Topology.load(Path("topology.yaml"))
        name = options.name or topology.name
        with LocalLock(name):  # a test run would break it meanwhile
            lab = kinds.built(None, name).find(topology, name)
            if lab is None:
                raise UserError(f"no lab named {name} stands; ./run lab up boots one")
            lab.enter()
            node = lab.nodes[topology.backup.name]
            files = SetUp().deployed(node.name, topology, lab.secrets)
            today = Contender(files[PATHS[HAPROXY]])
            go_on(node, today, record, options.sessions, options.minutes)
    except KeyboardInterrupt:
        say("stopped; run it again to go on")
    except HalabError as why:
        ended = str(why)
        say(ended)
    if record.basis is None:
        return 3
    print(table(record.sessions), *remarks(record.basis, record.sessions), sep="\n")
    lacking = [*short_of(record.sessions)]
    print("\n".join(lacking) or "all that is asked for is shown")
    return 3 if ended else 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
