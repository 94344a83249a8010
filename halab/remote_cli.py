"""Real machines from the command line: ``./run doctor`` and ``./run heal``.

Exit status: 0 when nothing is wrong, 1 when something is, 3 when the lab does not allow it, 4 for
the user's mistake, 75 when another run holds the lab, 130 when interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from halab import doctor, found, steady_state
from halab.errors import HalabError, Held, NodeError, NotAllowed, NotMended, UserError
from halab.found import FoundCluster
from halab.lab.remote import RemoteLab
from halab.topology import Topology


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; its exit status."""
    options = _parser().parse_args(arguments)
    try:
        topology = Topology.load(options.topology)
        lab = RemoteLab(topology, topology.name)
        try:
            return examine(lab) if options.do == "doctor" else heal(lab, dry_run=options.dry_run)
        finally:
            lab.close()
    except HalabError as error:
        for line in str(error).splitlines():
            print(f"halab: {line}", file=sys.stderr)
        if isinstance(error, Held):
            return os.EX_TEMPFAIL
        return 4 if isinstance(error, UserError) else 3
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run", description="A lab of real machines.")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--topology", type=Path, required=True, metavar="FILE")
    todo = parser.add_subparsers(dest="do", required=True)
    todo.add_parser("doctor", parents=[common], help="what is wrong with each node")
    healing = todo.add_parser("heal", parents=[common], help="mend what a dead run left")
    healing.add_argument("--dry-run", action="store_true", help="only tell what it is")
    return parser


def examine(lab: RemoteLab) -> int:
    """A line for each node, and for whatever is wrong with it or with the cluster."""
    wrong = doctor.findings(lab.topology, [*lab.nodes.values()])
    width = max(map(len, wrong))
    for name, lines in wrong.items():
        for line in lines or ["well"]:
            print(f"{name:{width}}  {line}")
    of_cluster = [] if any(wrong[name] for name in lab.topology.directors) else _of_cluster(lab)
    for line in of_cluster:
        print(f"{'cluster':{width}}  {line}")
    return int(any(wrong.values()) or bool(of_cluster))


def _of_cluster(lab: RemoteLab) -> list[str]:
    """What is wrong with the whole, where both directors are well."""
    try:
        cluster = FoundCluster(lab, found.look(lab))
    except HalabError as error:
        return [str(error)]
    print(f"what tests may not rest on here: {'; '.join(cluster.found.lacking.values())}")
    return steady_state.findings(cluster)


def heal(lab: RemoteLab, *, dry_run: bool) -> int:
    """Mend what dead runs left on any machine, or only tell what that is.

    Raises :class:`Held` where a run is alive: what it has broken is its own to mend. And
    :class:`NotAllowed` where the lab is not disposable: nobody is asked there, and who has not
    looked must not say that nothing is left.
    """
    if not lab.described.disposable:
        raise NotAllowed(
            "the topology does not say disposable: true in labs.remote, so nothing was looked for; "
            "if a run has broken this lab, say so there again, and heal it"
        )
    if not dry_run:
        _hold(lab)
    failed = ""
    try:
        left = lab.heal(dry_run=dry_run)
    except NotMended as error:
        left, failed = error.mended, str(error)
    for name, lines in left.items():
        for line in lines:
            print(f"{name}: {'left' if dry_run else 'mended'}: {line}")
    if failed:
        raise NodeError(failed)
    if not left:
        print("nothing is left of any run")
    return int(dry_run and bool(left))


def _hold(lab: RemoteLab) -> None:
    try:
        for stale in lab.lock.take():
            print(stale)
    except NodeError as error:  # a director that is off is held by nobody, and the others need it
        print(f"mending without the lock: {error}")


if __name__ == "__main__":
    sys.exit(main())
