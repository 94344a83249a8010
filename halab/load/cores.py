"""The CPUs of a director through a load: how busy each was, with what, and who ran there.

Where the director is a container, /proc is its host's: CPUs are then busy with all nodes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from halab import cpu, nic_files, thread
from halab.director import Director
from halab.errors import NodeError
from halab.softnet import Counters
from halab.thread import TICK, Thread

_END = "-- the next one --"
_NODES = "grep -sH '' /sys/devices/system/node/node*/cpulist; true"
_NODE = re.compile(r"^/sys/devices/system/node/node(\d+)/cpulist:(.*)$", re.MULTILINE)
_CPU = re.compile(r"^cpu(\d+) ((?:\d+ ?){8,})$", re.MULTILINE)


@dataclass(frozen=True)
class Spent:
    """What became of a CPU's time, in ticks: since boot, or between two readings."""

    user: int
    system: int
    softirq: int
    """Interrupts included."""
    other: int
    """Idle, and what a hypervisor took away."""

    @property
    def busy(self) -> int:
        """What the CPU worked."""
        return self.user + self.system + self.softirq

    @property
    def whole(self) -> int:
        """All of it."""
        return self.busy + self.other

    def __sub__(self, earlier: Spent) -> Spent:
        return Spent(
            self.user - earlier.user,
            self.system - earlier.system,
            self.softirq - earlier.softirq,
            self.other - earlier.other,
        )


@dataclass(frozen=True)
class Reading:
    """A director's CPUs at a moment; HAProxy's threads, and where they may run, by process."""

    shared: bool
    """The CPUs are those of a machine that others are on too."""
    spent: Mapping[int, Spent]
    received: Counters
    threads: Mapping[int, tuple[Thread, ...]]
    allowed: Mapping[int, Mapping[int, frozenset[int]]]
    """By thread too."""
    nodes: Mapping[int, frozenset[int]]
    """The CPUs of each NUMA node."""


@dataclass(frozen=True)
class Core:
    """A CPU through a load, or through several of the same; shares of its time are 0 to 1."""

    number: int
    node: int
    user: float
    system: float
    softirq: float
    packets: float
    """The share of all packets that were processed here."""
    interrupts: float
    """The share of the NIC's receive interrupts that came here."""
    pinned: frozenset[int]
    """HAProxy processes of which a thread may run nowhere else."""
    visited: frozenset[int]
    """Others that were found here."""

    @property
    def busy(self) -> float:
        """The share of its time in which it did anything."""
        return self.user + self.system + self.softirq


@dataclass(frozen=True)
class Cores:
    """All CPUs of the director ``name``; ``shared`` as a reading has it."""

    name: str
    shared: bool
    cores: tuple[Core, ...]


def read(director: Director, processes: Iterable[int]) -> Reading:
    """Read all of it now; raises :class:`NodeError` where a file is not what it should be."""
    pids = {number: director.haproxy(number).pid() for number in processes}
    nic = director.node.nic
    parts = ["systemd-detect-virt --container --quiet && echo shared"]
    parts += ["cat /proc/stat", nic_files.COUNT, _NODES]
    parts += [f"cat /proc/{pid}/task/*/stat" for pid in pids.values()]
    parts += [f"cat /proc/{pid}/task/*/status" for pid in pids.values()]
    command = f"; echo '{_END}'; ".join(parts)
    said = director.node.run(command, *[nic] * command.count("%s")).split(f"{_END}\n")
    shared, stat, looked, nodes, *tasks = said
    stats, statuses = tasks[: len(pids)], tasks[len(pids) :]
    return Reading(
        shared=bool(shared.strip()),
        spent=spent(stat),
        received=nic_files.counters(looked, director.name, nic),
        threads={n: thread.threads(text) for n, text in zip(pids, stats, strict=True)},
        allowed={n: thread.cpus_allowed(text) for n, text in zip(pids, statuses, strict=True)},
        nodes={int(number): cpu.cpus_in(cpus) for number, cpus in _NODE.findall(nodes)},
    )


def spent(stat: str) -> dict[int, Spent]:
    """Read /proc/stat: the time of each CPU that is online (proc(5)); guests' is in user already.

    Raises :class:`NodeError` where there is none.
    """
    found = {}
    for number, ticks in _CPU.findall(stat):
        user, nice, system, idle, iowait, irq, softirq, steal = map(int, ticks.split()[:8])
        found[int(number)] = Spent(user + nice, system, irq + softirq, idle + iowait + steal)
    if not found:
        raise NodeError(f"/proc/stat: no CPU in {stat[:80]!r}")
    return found


def through(name: str, before: Reading, after: Reading, seconds: float) -> Cores:
    """What the CPUs of the director ``name`` did between two readings, in a load of so long.

    Shares are of the load's time where the machine is the director's own, which rests before and
    after it; else of the time between the readings. A CPU that worked for longer than the load
    lasted, as those of an emulated director do to answer the readings, was busy through all of it.
    """
    received = after.received - before.received
    packets, interrupts = sum(received.processed.values()), sum(received.interrupts.values())
    nodes = {number: node for node, cpus in after.nodes.items() for number in cpus}
    seen = {
        process: frozenset[int]().union(*thread.ran_on([before.threads[process], now]).values())
        for process, now in after.threads.items()
        if process in before.threads
    }

    def core(number: int) -> Core:
        time = after.spent[number] - before.spent[number]
        whole = max(time.whole if after.shared else max(seconds / TICK, time.busy), 1)
        pinned = frozenset(
            n for n, allowed in after.allowed.items() if {number} in allowed.values()
        )
        visited = frozenset(n for n, cpus in seen.items() if number in cpus)
        return Core(
            number,
            nodes.get(number, 0),
            time.user / whole,
            time.system / whole,
            time.softirq / whole,
            received.processed.get(number, 0) / max(packets, 1),
            received.interrupts.get(number, 0) / max(interrupts, 1),
            pinned,
            visited - pinned,
        )

    both = sorted(before.spent.keys() & after.spent.keys())
    return Cores(name, after.shared, tuple(map(core, both)))


def of_all(runs: Sequence[Cores]) -> Cores:
    """Several runs of the same load as one: the mean of each share, and everybody who was there."""

    def core(rounds: tuple[Core, ...]) -> Core:
        return Core(
            rounds[0].number,
            rounds[0].node,
            fmean(one.user for one in rounds),
            fmean(one.system for one in rounds),
            fmean(one.softirq for one in rounds),
            fmean(one.packets for one in rounds),
            fmean(one.interrupts for one in rounds),
            frozenset[int]().union(*(one.pinned for one in rounds)),
            frozenset[int]().union(*(one.visited for one in rounds)),
        )

    last = runs[-1]
    cores = zip(*(run.cores for run in runs), strict=True)
    return Cores(last.name, last.shared, tuple(map(core, cores)))
