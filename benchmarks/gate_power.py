"""How often the gate's duet errs: false alarms, and slowdowns that it misses.

    .venv/bin/python benchmarks/gate_power.py --sessions 150

on a lab that stands (./run lab up). Each session has two duets of today's HAProxy with its equal,
one with a HAProxy that costs 5 % more CPU time a request and one that costs 10 % more; every second
session runs beside two CPU hogs. Each is judged as the gate judges a candidate. A session is a line
in FILE as soon as it is over: run again, it goes on where it was. The table is in
benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from scipy import stats

from halab import wait
from halab.gate.duet import duets
from halab.gate.session import slowed
from halab.gate.stage import Contender
from halab.lab import kinds
from halab.node import Node
from halab.set_up import HAPROXY, PATHS, SetUp
from halab.topology import Topology

HOGS = 2
LENGTHS = (50, 900, 1800)
"""Bytes that a rule hashes, for the line on which a goal is found."""
ROUNDS = 4
GOALS = {"+5%": (0.05, 2), "+10%": (0.10, 4)}
"""The slowdowns that are to be found, and by how many such rules each is made."""

say = partial(print, file=sys.stderr, flush=True)


def costlier(today: Contender, name: str, length: int) -> Contender:
    """Today's, with the rules of a goal that hash so many bytes each."""
    return slowed(
        today, GOALS[name][1], f"    http-request set-var(txn.x) str({'x' * length}),djb2"
    )


def calibrated(node: Node, today: Contender) -> dict[str, int]:
    """The length at which a request costs what each goal says, from a straight line."""
    lengths = {}
    for name, (goal, _) in GOALS.items():
        others = {str(length): costlier(today, name, length) for length in LENGTHS}
        held = [duets(node, today, others, settled=[]) for _ in range(ROUNDS)]
        more = [statistics.median(h.slowdown(str(n)).median for h in held) for n in LENGTHS]
        fitted = stats.linregress(LENGTHS, more)
        lengths[name] = max(round((goal - fitted.intercept) / fitted.slope), 1)
        say(f"{name}: {fitted.intercept:.4f} + {fitted.slope:.2e} × bytes, {lengths[name]} bytes")
    return lengths


@contextmanager
def hogs(number: int) -> Iterator[None]:
    """So many programs that take all the CPU time they can get."""
    with ExitStack() as undone:
        for _ in range(number):
            hog = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            undone.callback(hog.wait)
            undone.callback(hog.kill)
        yield


def session(node: Node, today: Contender, lengths: dict[str, int], beside: int) -> dict[str, Any]:
    others = {"equal": today, "equal 2": today}
    others |= {name: costlier(today, name, length) for name, length in lengths.items()}
    began = wait.clock()
    with hogs(beside):
        held = duets(node, today, others, settled=list(others))
    found = {}
    for name in others:
        one = held.slowdown(name)
        found[name] = {
            "slower": one.slower,
            "unclear": one.unclear,
            "median": one.median,
            "pairs": one.pairs,
            "p": one.p,
            "sd": statistics.stdev(pair.log_ratio for pair in held.pairs[name]),
        }
    return {"hogs": beside, "seconds": wait.clock() - began, "found": found}


def table(lines: list[dict[str, Any]]) -> str:
    """What all sessions together say, with one-sided bounds (Clopper and Pearson)."""
    rows = ["| beside | more CPU | tests | found slower | undecided | at 95 % | median |"]
    rows.append("|" + "---|" * 7)
    for beside in (0, HOGS):
        of: dict[str, list[dict[str, Any]]] = {}
        for line in lines:
            if line.get("hogs") == beside:
                for name, one in line["found"].items():
                    of.setdefault(name.removesuffix(" 2"), []).append(one)
        for name, found in of.items():
            slower = sum(one["slower"] for one in found)
            unclear = sum(one["unclear"] for one in found)
            bound = _bound(slower, len(found), alarms=name == "equal")
            median = statistics.median(one["median"] for one in found)
            rows.append(
                f"| {f'{beside} hogs' if beside else 'nothing'} | {name} | {len(found)} | {slower} "
                f"| {unclear} | {bound} | {median:+.1%} |"
            )
    return "\n".join(rows)


def _bound(slower: int, of: int, *, alarms: bool) -> str:
    """How many are found at most, where none should be, or at least, where all should."""
    side = "less" if alarms else "greater"
    rates = stats.binomtest(slower, of, alternative=side).proportion_ci(0.95)
    return f"at most {rates.high:.1%}" if alarms else f"at least {rates.low:.1%}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--sessions", type=int, default=150, help="in all, in FILE")
    parser.add_argument("--file", type=Path, default=Path("reports/gate_power.jsonl"))
    parser.add_argument("--name", help="the lab's (the topology's)")
    options = parser.parse_args()
    topology = Topology.load(Path("topology.yaml"))
    name = options.name or topology.name
    lab = kinds.built(None, name).find(topology, name)
    if lab is None:
        sys.exit(f"no lab named {name} stands; ./run lab up boots one")
    lab.enter()
    node = lab.nodes[topology.backup.name]
    files = SetUp().deployed(node.name, topology, lab.secrets)
    today = Contender(files[PATHS[HAPROXY]])
    options.file.parent.mkdir(exist_ok=True)
    options.file.touch()
    lines = [json.loads(line) for line in options.file.read_text().splitlines()]

    def keep(line: dict[str, Any]) -> None:
        lines.append(line)
        with options.file.open("a") as out:
            out.write(json.dumps(line) + "\n")

    if not lines:
        keep({"lengths": calibrated(node, today)})
    while len(lines) <= options.sessions:
        keep(session(node, today, lines[0]["lengths"], HOGS if len(lines) % 2 else 0))
        last = lines[-1]
        said = {n: f"{one['median']:+.1%} {one['slower']}" for n, one in last["found"].items()}
        say(f"{len(lines) - 1}: {last['hogs']} hogs, {last['seconds']:.0f} s, {said}")
    print(table(lines[1:]))


if __name__ == "__main__":
    main()
