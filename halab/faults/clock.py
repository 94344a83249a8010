"""A clock that is wrong: only of a node whose kernel is its own."""

from __future__ import annotations

from halab.cluster import Cluster
from halab.errors import LabError
from halab.faults.fault import Deed, fault
from halab.node import Node

HOUR = 3600.0

# CLOCK_MONOTONIC does not jump: what the wall clock is ahead of it is right for this boot.
_NOW = (
    "import time; print(open('/proc/sys/kernel/random/boot_id').read().strip(), "
    "time.clock_gettime(time.CLOCK_REALTIME) - time.clock_gettime(time.CLOCK_MONOTONIC))"
)
# Without site-packages: on an emulated director they are half of what a client notices.
_PYTHON = "python3 -ISc"
_SET = (
    "import sys, time; time.clock_settime(time.CLOCK_REALTIME, "
    "time.clock_gettime(time.CLOCK_MONOTONIC) + float(sys.argv[1]))"
)


@fault
def clock_jumped(cluster: Cluster, node: Node, seconds: float = HOUR) -> Deed:
    """The node's wall clock jumped by so many seconds, ahead or, if negative, back.

    Undone from CLOCK_MONOTONIC, so that no time is lost. Raises :class:`LabError` where the
    clock is this host's, which no test may set.
    """
    if not cluster.lab.has_own_kernel(node.name):
        raise LabError(
            f"{node.name} has this host's kernel, and so its clock, which is never set: "
            "use --lab=emulated for its directors"
        )
    before: list[tuple[str, float]] = []

    def do() -> None:
        before.append(ahead(node))
        node.run(f'{_PYTHON} "{_SET}" %s', repr(before[0][1] + seconds))

    def undo() -> None:
        # a node that has booted meanwhile has read another clock
        if before and ahead(node)[0] == before[0][0]:
            node.run(f'{_PYTHON} "{_SET}" %s', repr(before[0][1]))

    return Deed(node, do, undo)


def ahead(node: Node) -> tuple[str, float]:
    """This boot's id, and by how many seconds its wall clock is ahead of CLOCK_MONOTONIC."""
    boot, seconds = node.run(f'{_PYTHON} "{_NOW}"').split()
    return boot, float(seconds)
