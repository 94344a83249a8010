"""A director that works for nobody through a share of its time: what every comparison must find."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from halab.cluster import Cluster
from halab.faults import cpu_starved

SHARE = 0.2
"""Of the CPU time that it had: requests take 1.25 times as long, and cost as much more."""

BEGINS_WITHIN = 20.0
"""Seconds in which a busy director loads Python."""

# Begins with an empty line, and ends with its stdin.
_WASTE = """\
import select, sys, time
share, began = float(sys.argv[1]), time.monotonic()
print(flush=True)
ahead = 0.005
while not select.select([sys.stdin], [], [], ahead)[0]:
    ahead = 0.005 * (time.thread_time() > share * (time.monotonic() - began))
"""


@contextmanager
def handicapped(cluster: Cluster, used: float) -> Iterator[None]:
    """The MASTER has as much CPU time as it ``used`` and no more, and wastes a SHARE of it.

    ``used`` is a share of the time of all its CPUs, as :class:`halab.load.Throughput` has it.
    """
    seconds = used * len(cluster.lab.directors_are.cpus)
    line = f"exec python3 -c {shlex.quote(_WASTE)} {SHARE * seconds:.4f}"
    wasting = cluster.master.node.converse(line)
    try:
        wasting.read_line(BEGINS_WITHIN)
        with cpu_starved(cluster, cluster.master, seconds):
            yield
    finally:
        wasting.close()
