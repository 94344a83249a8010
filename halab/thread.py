"""Threads as /proc describes them: on which CPUs they may run, and on which they did run.

Both readers take the files of any number of threads, one after the other, as
``cat /proc/PID/task/*/stat`` gives them. A thread that ends between the shell's glob and cat's
reading makes cat end with status 1 although all the others are there.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from halab import cpu
from halab.errors import ConfigurationError, NodeError

TICK = 0.01
"""Seconds: USER_HZ is 100 wherever Debian runs (include/uapi/asm-generic/param.h)."""

# proc(5): pid (comm) state, and 36 numbers from ppid (4) to processor (39) at least. comm may
# hold spaces, parentheses and line ends, but in its 63 characters no such row of numbers.
_STAT = re.compile(r"(\d+) \((.*?)\) ([A-Za-z])((?: -?\d+){36,})\s*", re.DOTALL)
_FIRST_NUMBER, _UTIME, _STIME, _PROCESSOR = 4, 14, 15, 39

_STATUS = re.compile(r"^(Pid|Cpus_allowed_list):[ \t]*(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Thread:
    """One thread at one moment; ``utime`` and ``stime`` are seconds since it began."""

    tid: int
    comm: str
    state: str
    utime: float
    stime: float
    processor: int
    """The CPU that it runs on or last ran on: not the one that it was since told to go to."""

    @property
    def cpu_time(self) -> float:
        """Seconds that it has run, to a tick."""
        return self.utime + self.stime


def threads(stat: str) -> tuple[Thread, ...]:
    """Read ``stat`` files: proc(5), /proc/pid/stat, fields 1 to 3, 14, 15 and 39.

    Raises :class:`NodeError` when there is none, or anything else among them.
    """
    found, end = [], 0
    while read := _STAT.match(stat, end):
        tid, comm, state, rest = read.groups()
        numbers = [int(number) for number in rest.split()]
        utime, stime, processor = (
            numbers[field - _FIRST_NUMBER] for field in (_UTIME, _STIME, _PROCESSOR)
        )
        found.append(Thread(int(tid), comm, state, utime * TICK, stime * TICK, processor))
        end = read.end()
    if not found or end != len(stat):
        raise NodeError(f"/proc/PID/task/*/stat: no thread but {stat[end : end + 80]!r}")
    return tuple(found)


def cpus_allowed(status: str) -> dict[int, frozenset[int]]:
    """Read ``status`` files: each thread's ``Cpus_allowed_list``, by its tid (``Pid`` there).

    Raises :class:`NodeError` when there is none, or one without the other.
    """
    pairs = _STATUS.findall(status)
    try:
        names = [name for name, _ in pairs]
        if not pairs or names != ["Pid", "Cpus_allowed_list"] * (len(pairs) // 2):
            raise NodeError(f"/proc/PID/task/*/status: {names or 'nothing'} in {status[:80]!r}")
        return {
            int(tid): cpu.cpus_in(allowed)
            for (_, tid), (_, allowed) in zip(pairs[::2], pairs[1::2], strict=True)
        }
    except (ValueError, ConfigurationError) as why:
        raise NodeError(f"/proc/PID/task/*/status: {why}") from None


def ran_on(samples: Iterable[Iterable[Thread]]) -> dict[int, frozenset[int]]:
    """The CPUs on which each thread was found to have run, by its tid, over samples in time order.

    A thread counts where its CPU time has grown since the sample before, by a tick (10 ms) at
    least: one that slept still shows the CPU that it was on before it was pinned. A thread that
    never ran has none. Between two samples a thread may have been elsewhere unseen.
    """
    found: dict[int, set[int]] = defaultdict(set)
    by_tid = [{thread.tid: thread for thread in sample} for sample in samples]
    for before, after in pairwise(by_tid):
        for tid, thread in after.items():
            cpus = found[tid]
            if tid in before and thread.cpu_time > before[tid].cpu_time:
                cpus.add(thread.processor)
    return {tid: frozenset(cpus) for tid, cpus in found.items()}
