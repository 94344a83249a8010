"""A lab from the command line: ``./run lab up``, ``status``, ``shell`` and ``down``.

Exit status: a shell's is its command's; else 0, 1 when no lab stands, 3 when the lab or a node
does not allow it, 4 for the user's mistake, 130 when interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from halab import terminal
from halab.cluster import Cluster
from halab.configuration import Configuration
from halab.errors import HalabError, LabError, UserError
from halab.lab import kinds, rack
from halab.lab.embedded import EmbeddedLab, take_down
from halab.lab.hosting import GUESTS
from halab.topology import Topology

TOPOLOGY = Path(__file__).parents[1] / "topology.yaml"

_progress = partial(print, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    command: list[str] = []
    if "--" in given:
        given, command = given[: given.index("--")], given[given.index("--") + 1 :]
    options = _parser().parse_args(given)
    try:
        if command and options.do != "shell":
            raise UserError(f"lab {options.do} takes no command")
        return _do(options, command)
    except HalabError as error:
        for line in str(error).splitlines():
            print(f"halab: {line}", file=sys.stderr)
        return 4 if isinstance(error, UserError) else 3
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # whoever read the output wanted no more of it; nothing is to be flushed to it at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run", description="A lab on this machine.")
    lab = parser.add_subparsers(metavar="lab", required=True).add_parser("lab")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--topology", type=Path, default=TOPOLOGY, metavar="FILE", help="instead of topology.yaml"
    )
    common.add_argument("--name", help="the lab's name (the topology's)")
    todo = lab.add_subparsers(dest="do", required=True)
    up = todo.add_parser("up", parents=[common], help="boot a lab that stays")
    up.add_argument("--lab", choices=sorted(kinds.BUILT), help="its kind (embedded)")
    up.add_argument("--guests", choices=GUESTS, help="what its web VMs are (containers)")
    todo.add_parser("status", parents=[common], help="its machines, and whether they are on")
    shell = todo.add_parser(
        "shell",
        parents=[common],
        help="a shell on a node or web VM",
        usage="./run lab shell NODE [--topology FILE] [--name NAME] [-- COMMAND ...]",
    )
    shell.add_argument("node", metavar="NODE", help="such as lb1 or web1")
    todo.add_parser("down", parents=[common], help="take it down")
    return parser


def _do(options: argparse.Namespace, command: Sequence[str]) -> int:
    if os.geteuid() != 0:
        raise LabError("the embedded lab needs root: run it with sudo")
    if options.do == "down":
        return down(options.name or Topology.load(options.topology).name)
    topology = Topology.load(options.topology)
    name = options.name or topology.name
    if options.do == "up":
        return up(topology, name, options.lab, options.guests)
    lab = kinds.built(None, name).find(topology, name)
    if lab is None:
        print(f"no lab named {name} stands; ./run lab up boots one")
        return 1
    if options.do == "status":
        print(table(lab))
        return 0
    return shell(lab, options.node, command)


# -- up, status, down ----------------------------------------------------------------------


def up(topology: Topology, name: str, kind: str | None = None, guests: str | None = None) -> int:
    """Boot a lab that stays, or take the one that stands, and bring the cluster up on it."""
    for dead in rack.clear_dead():
        _progress(f"cleared what a run that died left of the lab {dead!r}")
    chosen, guests = kinds.built(kind, name), kinds.guests(guests, name)
    lab = chosen.find(topology, name)
    if lab is None:
        lab = chosen.start(topology, name, _progress, standing=True, guests=guests)
        _progress(f"booting {len(lab.nodes)} machines")
        try:
            lab.enter()
            lab.await_nodes()
        except BaseException:
            take_down(name)
            raise
    elif lab.standing:
        lab.enter()
        lab.await_nodes()
    else:
        raise LabError(
            f"the lab {name!r} belongs to a test run: wait for its end, or --name another"
        )
    bring_up(lab)
    print(table(lab))
    print(f"\n./run lab shell {next(iter(lab.nodes))}     a shell on a node or a web VM")
    print("./run pytest suites/ha  uses this lab\n./run lab down          takes it down")
    return 0


def bring_up(lab: EmbeddedLab) -> None:
    """Bring the cluster to its default configuration. The lab is entered, its nodes serve SSH."""
    Cluster(lab).bring_to(Configuration(), _progress)


def table(lab: EmbeddedLab) -> str:
    """A line for each machine: its name, address and state."""
    states = lab.status()
    rows = [("machine", "address", "state")]
    rows += [(node.name, str(node.address), states[node.name]) for node in lab.nodes.values()]
    return "\n".join(f"{name:<10} {address:<16} {state}" for name, address, state in rows)


def down(name: str) -> int:
    """Take down the standing lab of that name, whatever topology it was built from."""
    facts = rack.state(name) / "lab.json"
    if facts.exists() and not json.loads(facts.read_text())["standing"]:
        raise LabError(f"the lab {name!r} belongs to a test run, and goes when that ends")
    gone = take_down(name)
    print(f"the lab {name} is down" if gone else f"no lab named {name} stands")
    return 0 if gone else 1


# -- shell ---------------------------------------------------------------------------------


def shell(lab: EmbeddedLab, name: str, command: Sequence[str]) -> int:
    """A shell on a node or VM, or one command there; gives its exit status.

    One word is a line for the node's shell; several reach the command as they are.
    """
    node = lab.nodes.get(name) or lab.vms.get(name)
    if node is None:
        known = f"{', '.join(lab.nodes)}, {next(iter(lab.vms))} to {list(lab.vms)[-1]}"
        raise UserError(f"there is no node {name!r} in the lab: {known}")
    lab.enter()
    node.backend.open_channel().close()  # says in our words why it cannot be had
    line = command[0] if len(command) == 1 else shlex.join(command)
    with_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if shutil.which("ssh"):
        return terminal.openssh(node, line, with_terminal)
    return terminal.paramiko_shell(node, line, with_terminal)


if __name__ == "__main__":
    sys.exit(main())
