"""The gate before a change: ``./run gate --candidate DIR``.

Exit status: 0 accepted, 1 rejected, 2 undecided, 3 it could not be run, 130 when interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from halab import ending, wait
from halab.errors import HalabError, LabError, UserError
from halab.gate.gate import Gate
from halab.gate.judgement import Verdict
from halab.lab import kinds
from halab.lab.embedded import EmbeddedLab
from halab.lab.lock import LocalLock
from halab.set_up import SetUp
from halab.topology import Topology

CHECKOUT = Path(__file__).parents[2]
REPORT = Path("reports/gate.md")

_progress = partial(print, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge what the command line names; the exit status."""
    try:
        return _status(arguments)
    except Exception:
        # Python's own status for what nobody foresaw is 1, which here is "rejected"
        with suppress(OSError):  # perhaps that nobody reads what is said any more
            traceback.print_exc()
        return Verdict.COULD_NOT_RUN


def _status(arguments: Sequence[str] | None) -> int:
    options = _parser().parse_args(arguments)
    ending.listen()
    try:
        return _judged(options)
    except HalabError as error:
        for line in str(error).splitlines():
            print(f"gate: {line}", file=sys.stderr)
        return Verdict.COULD_NOT_RUN
    except KeyboardInterrupt:
        print("gate: interrupted", file=sys.stderr)
        return 130


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        # argparse's own status for wrong use is 2, which here is "undecided"
        print(f"gate: {message}; see ./run gate --help", file=sys.stderr)
        sys.exit(Verdict.COULD_NOT_RUN)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="./run gate",
        description="Accept a change of the cluster, or reject it.",
        epilog="Exit status: 0 accepted, 1 rejected, 2 undecided, 3 it could not be run.",
    )
    add = parser.add_argument
    add("--candidate", type=Path, metavar="DIR", help="a folder with what is to change")
    add("--candidate-haproxy", type=Path, metavar="BINARY", help="another build of HAProxy")
    add("--today", type=Path, metavar="DIR", help="today's, where it is not the topology's")
    add("--quick", action="store_true", help="syntax, timers and the duet alone")
    add("--topology", type=Path, default=CHECKOUT / "topology.yaml", metavar="FILE")
    add("--name", help="the lab's name (the topology's)")
    add("--lab", choices=sorted(kinds.BUILT), help="its kind (embedded)")
    return parser


def _judged(options: argparse.Namespace) -> int:
    if options.candidate is None and options.candidate_haproxy is None:
        raise UserError("give --candidate DIR, or --candidate-haproxy BINARY")
    began = wait.clock()
    topology = Topology.load(options.topology)
    today = SetUp.load(options.today, topology) if options.today else SetUp()
    candidate = SetUp.load(options.candidate, topology, today) if options.candidate else today
    binary = _binary(options.candidate_haproxy) if options.candidate_haproxy else None
    if os.geteuid() != 0:
        raise LabError("the embedded lab needs root: run it with sudo")
    with ExitStack() as undone:
        lab = _lab(options, topology, undone)
        gate = Gate(lab, options.topology, today, candidate, binary, _progress)
        judgement = gate.quick() if options.quick else gate.whole()
    print(f"{judgement.table()}\n\n{judgement.sentence}.")
    print(f"{wait.clock() - began:.0f} s", file=sys.stderr)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(judgement.markdown())
    return judgement.verdict


def _binary(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: it cannot be read: {error.strerror}") from None
    if not content.startswith(b"\x7fELF"):
        raise UserError(f"{path}: it is no program of Linux (ELF)")
    return content


def _lab(options: argparse.Namespace, topology: Topology, undone: ExitStack) -> EmbeddedLab:
    """The lab that stands, or one that goes with the gate; entered."""
    name = options.name or topology.name
    undone.enter_context(LocalLock(name))
    kind = kinds.built(options.lab, name)
    lab = kind.find(topology, name)
    if lab is None:
        _progress(f"building the {kind.kind} lab {name!r}: {len(topology.nodes)} machines")
        lab = kind.start(topology, name, _progress)
        undone.callback(lab.down)
    elif not lab.standing:
        raise LabError(
            f"the lab {name!r} belongs to a test run: wait for its end, or --name another"
        )
    elif left := lab.journal.unmended():
        told = "; ".join(map(str, left))
        raise LabError(f"a run that was cut short left {told}: ./run lab down, and up again")
    else:
        undone.callback(lab.close)
    lab.enter()
    lab.await_nodes(*topology.directors)
    return lab


if __name__ == "__main__":
    sys.exit(main())
