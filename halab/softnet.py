"""Receive work by CPU: /proc/softirqs, /proc/net/softnet_stat, and what was done between readings.

The kernel counts for the whole machine: every NIC of it, and what it sends to itself over lo.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from halab.cpu import cpu_list
from halab.errors import NodeError
from halab.interrupts import columns

ByCpu = Mapping[int, int]
"""A count for each CPU, by its number."""

# softnet_seq_show in net/core/net-procfs.c: the columns that mean something, from 0.
_COLUMNS = {
    "processed": 0,
    "dropped": 1,
    "time_squeeze": 2,
    "received_rps": 9,
    "flow_limit_count": 10,
}
_CPU_ID = 12  # since Linux 5.10
_CPU_IDS_SINCE = 13  # columns
_WRAP = 2**32  # all of these counters are unsigned int


@dataclass(frozen=True)
class Counters:
    """Counts since boot or, of ``later - earlier``, between two readings; each by CPU.

    The words are the kernel's. A packet is ``processed`` where the protocols take it: with RPS or
    RFS that is the CPU it was steered to, while ``interrupts`` and ``net_rx`` also count on the
    CPU that fetched it from the NIC.
    """

    interrupts: ByCpu
    """Of the NIC asked about, for receiving."""
    net_rx: ByCpu
    """Runs of the receive softirq."""
    net_tx: ByCpu
    processed: ByCpu
    """Packets, after GRO has merged some."""
    dropped: ByCpu
    """Packets for which the CPU's backlog had no room."""
    time_squeeze: ByCpu
    """Receive softirqs that had to stop with work left."""
    received_rps: ByCpu
    """Wake-ups by another CPU that had steered packets here."""
    flow_limit_count: ByCpu
    """Packets dropped because their flow took too much of a full backlog."""

    def __sub__(self, earlier: Counters) -> Counters:
        """What was counted since; right over a counter's overflow at 2**32.

        Raises :class:`NodeError` when CPUs came or went in between.
        """
        return Counters(**{f.name: _since(self, earlier, f.name) for f in fields(self)})


def _since(later: Counters, earlier: Counters, counter: str) -> ByCpu:
    now: ByCpu = getattr(later, counter)
    then: ByCpu = getattr(earlier, counter)
    if now.keys() != then.keys():
        raise NodeError(
            f"{counter}: counted on CPUs {cpu_list(then)} first, then on {cpu_list(now)}; there is "
            "no difference while CPUs come or go"
        )
    return {cpu: (now[cpu] - then[cpu]) % _WRAP for cpu in now}


def busy(by_cpu: ByCpu, share: float = 0) -> frozenset[int]:
    """The CPUs that have more than this share (0 to 1) of the whole count.

    A share of 0 gives every CPU with a count. Where strangers' packets may come by (ARP, adverts,
    the very SSH that reads the counters), ask for more.

    >>> sorted(busy({2: 480, 3: 510, 6: 9, 7: 0}, share=0.01))
    [2, 3]
    """
    floor = sum(by_cpu.values()) * share
    return frozenset(cpu for cpu, count in by_cpu.items() if count > floor)


def softirqs(text: str) -> dict[str, ByCpu]:
    """Read /proc/softirqs: runs by name (``NET_RX``, ``NET_TX`` …) and CPU.

    Every CPU that could ever be there has a column. Raises :class:`NodeError` for another file.
    """
    header, *rows = text.splitlines() or [""]
    cpus = columns(header, "/proc/softirqs")
    found = {}
    for row in rows:
        name, _, counts = row.partition(":")
        found[name.strip()] = _counted(cpus, counts.split(), "/proc/softirqs", 10)
    if not {"NET_RX", "NET_TX"} <= found.keys():
        raise NodeError(f"/proc/softirqs: no NET_RX and NET_TX among {sorted(found)}")
    return found


def softnet(text: str, online: Iterable[int]) -> dict[str, ByCpu]:
    """Read /proc/net/softnet_stat: the counters of :class:`Counters` that are there, by CPU.

    There is a row for each CPU that is ``online``, in their order; kernels before 5.10 do not
    say for which. Raises :class:`NodeError` for another file, or rows of other CPUs than those.
    """
    online = sorted(online)
    rows = [row.split() for row in text.splitlines()]
    if not rows or any(not re.fullmatch(r"([0-9a-f]{8} ?){11,}", " ".join(row)) for row in rows):
        raise NodeError(f"softnet_stat: not rows of hexadecimal numbers, {text[:80]!r}")
    named = all(len(row) >= _CPU_IDS_SINCE for row in rows)
    cpus = [int(row[_CPU_ID], 16) for row in rows] if named else online
    if cpus != online or len(rows) != len(online):
        raise NodeError(
            f"softnet_stat: {len(rows)} rows, of CPUs {cpu_list(cpus)}, "
            f"while {cpu_list(online)} are online"
        )
    return {
        name: _counted(cpus, [row[column] for row in rows], "softnet_stat", 16)
        for name, column in _COLUMNS.items()
    }


def _counted(cpus: Iterable[int], counts: Iterable[str], file: str, base: int) -> ByCpu:
    try:
        return dict(zip(cpus, (int(count, base) for count in counts), strict=True))
    except ValueError as why:
        raise NodeError(f"{file}: not a count for each CPU: {why}") from None
