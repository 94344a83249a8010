"""Whether a lab of real machines may be broken: three people's words for it, asked for twice.

Whoever owns the machines puts the lab's id on every node; whoever writes the topology says that it
is disposable, and by which id; whoever starts the run allows it. All are asked before
any test runs, and all again by each fault, of the node that it is about to strike.
"""

from __future__ import annotations

from collections.abc import Sequence

from halab import wait
from halab.errors import NotAllowed
from halab.node import Node, each
from halab.topology_lab import Remote

ID_FILE = "/etc/halab-lab-id"
OPTION = "--allow-disruption"


NEAR = 0.15
"""Seconds that a command may take there: what a fault costs is counted from its beginning here."""


def refusal(remote: Remote, nodes: Sequence[Node], *, allowed: bool) -> str:
    """Why nothing may be broken here; empty if it may.

    Raises :class:`halab.errors.NodeError` where a node cannot be asked, which is only done when
    everybody else has allowed it.
    """
    if not remote.disposable:
        return "the topology does not say disposable: true in labs.remote"
    if not allowed:
        return f"the lab is disposable, and this run was not started with {OPTION}"
    wrong = [why for why in each(nodes, lambda node: _wrong(node, remote.lab_id)).values() if why]
    if wrong:
        return "; ".join(wrong)
    away = min(_takes(nodes[0]) for _ in range(5))
    if away > NEAR:
        return (
            f"a command on {nodes[0].name} takes {away:.2f} s, and what a fault costs is counted "
            f"from here: run it from a machine where one takes less than {NEAR:g} s"
        )
    return ""


def _takes(node: Node) -> float:
    began = wait.clock()
    node.run("true")
    return wait.clock() - began


def check(remote: Remote, node: Node, *, allowed: bool) -> None:
    """Raise :class:`NotAllowed` unless this node may be broken."""
    if not remote.disposable:
        raise NotAllowed(f"{node.name}: the topology does not say disposable: true in labs.remote")
    if not allowed:
        raise NotAllowed(f"{node.name}: this run was not started with {OPTION}")
    if why := _wrong(node, remote.lab_id):
        raise NotAllowed(why)


def _wrong(node: Node, lab_id: str | None) -> str:
    read = node.ask("cat -- %s", ID_FILE)
    said = read.stdout.strip()
    if read.rc != 0:
        return f"{node.name} has no {ID_FILE}, so it is in no lab that may be broken"
    return "" if said == lab_id else f"{node.name} is of the lab {said!r}, not {lab_id!r}"
