"""/proc/interrupts: its lines, which of them are a NIC's, and which of those are for receiving."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from halab.errors import NodeError

# A NIC's interrupts that are not for receiving, by how drivers name them: virtio0-config,
# virtio0-output.0, eth0-tx-0 (tg3, igb), mlx5_async0@pci:…; eth0-TxRx-0 (ixgbe) and
# eth0-Tx-Rx-0 (ena) are for both.
_NOT_FOR_RECEIVING = re.compile(
    r"-config$|-output\.|async|[-.]tx(?!-?rx)|misc|mgmnt", re.IGNORECASE
)


@dataclass(frozen=True)
class Line:
    """One device interrupt: how often it came on each CPU since boot, and whose it is."""

    number: int
    by_cpu: Mapping[int, int]
    names: tuple[str, ...]
    """What drivers call it; several when it is shared."""


def lines(interrupts: str) -> tuple[Line, ...]:
    """Read /proc/interrupts: the lines of devices, not those of the CPUs themselves (LOC, RES …).

    A name is what follows the last two spaces (show_interrupts in kernel/irq/proc.c). Only CPUs
    that are online have a column. Raises :class:`NodeError` for another file or one that is cut.
    """
    header, *rows = interrupts.splitlines() or [""]
    cpus = columns(header, "/proc/interrupts")
    found = []
    for row in rows:
        label, _, rest = row.partition(":")
        if not label.strip().isdecimal():
            continue
        counts = rest.split()[: len(cpus)]
        described = rest.split(maxsplit=len(cpus))[len(cpus) :]
        if len(counts) < len(cpus) or not all(count.isdecimal() for count in counts):
            raise NodeError(f"/proc/interrupts: {len(cpus)} counts are not in {row.strip()!r}")
        name = re.split(r"\s{2,}", described[0].strip())[-1] if described else ""
        by_cpu = dict(zip(cpus, map(int, counts), strict=True))
        found.append(Line(int(label), by_cpu, tuple(name.split(", ")) if name else ()))
    return tuple(found)


def of_nic(
    lines: Iterable[Line], nic: str, device: str, vectors: Iterable[int]
) -> tuple[Line, ...]:
    """The lines of one NIC, by number.

    ``device`` is its name on its bus (``virtio0``, ``0000:03:00.0``; empty for a NIC without
    hardware, which has no interrupts) and ``vectors`` are that device's MSIs. Where it has none
    of its own, as virtio's on whatever bus, names decide: the NIC's or the device's alone, or one
    that begins with it (``eth0-rx-1``, ``virtio0-input.0``).
    """
    if not device:
        return ()
    vectors = frozenset(vectors)
    own = re.compile(rf"(?:{re.escape(nic)}|{re.escape(device)})(?:$|[-.:])")
    return tuple(
        sorted(
            (
                line
                for line in lines
                if (line.number in vectors if vectors else any(map(own.match, line.names)))
            ),
            key=lambda line: line.number,
        )
    )


def receiving(lines: Iterable[Line], nic: str) -> tuple[Line, ...]:
    """Those lines of one NIC that say that something was received, one for each queue.

    A driver with a line for each queue has another with the NIC's bare name for changes of the
    link (ixgbe, igb, tg3); alone, that one is for all (tg3 and r8169 with one queue).
    """
    lines = tuple(lines)
    able = [
        line for line in lines if not all(_NOT_FOR_RECEIVING.search(name) for name in line.names)
    ]
    queues = [line for line in able if line.names != (nic,)]
    return tuple(queues or able)


def columns(header: str, file: str) -> tuple[int, ...]:
    """The CPUs of a header "CPU0 CPU1 …"; raises :class:`NodeError` when it is none."""
    names = header.split()
    if not names or not all(re.fullmatch(r"CPU\d+", name, re.ASCII) for name in names):
        raise NodeError(f"{file}: no CPUs in its first line, {header.strip()[:80]!r}")
    return tuple(int(name.removeprefix("CPU")) for name in names)
