"""CPU sets as the kernel writes them, how a machine's CPUs are laid out, and VMs' pins.

A set of CPUs is a ``frozenset[int]``. Texts are never compared: "8c", "008c" and
"00000000,0000008c" are one set, and so are "0-2" and "0,1,2".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from halab.errors import ConfigurationError, NodeError

MOST = 8192
"""CPUs that any Linux can have: NR_CPUS_RANGE_END in arch/x86/Kconfig, the largest of all."""

PinPlan = tuple[tuple[int, ...], ...]
"""By VM, and in it by vCPU: the CPU that it is pinned to."""

_GROUP = re.compile(r"[0-9A-Fa-f]{1,8}")
_RANGE = re.compile(r"(\d+)(?:-(\d+))?", re.ASCII)


def cpus_of(mask: str) -> frozenset[int]:
    """The CPUs of a mask as ``rps_cpus`` and ``smp_affinity`` have it.

    Read as the kernel does (bitmap_parse in lib/bitmap.c): groups of 32 bits with commas between,
    at most 8 hexadecimal digits in each, no 0x. Narrower in one thing: an empty group, which it
    passes over, is refused, so that no CPUs must be said as "0".
    Raises :class:`ConfigurationError` for anything else.

    >>> sorted(cpus_of("008c"))
    [2, 3, 7]
    """
    groups = mask.strip().split(",")
    if not all(_GROUP.fullmatch(group) for group in groups):
        raise ConfigurationError(
            f"{mask!r} is no CPU mask: hexadecimal digits without 0x, a comma before every 8, "
            "as in 008c"
        )
    bits = 0
    for group in groups:
        bits = bits << 32 | int(group, 16)
    _bounded(bits.bit_length() - 1, mask)
    return frozenset(cpu for cpu in range(bits.bit_length()) if bits >> cpu & 1)


def mask(cpus: Iterable[int]) -> str:
    """The mask of these CPUs, without leading zeros; "0" for none.

    >>> mask({2, 3, 7, 32})
    '1,0000008c'
    """
    bits = sum(1 << cpu for cpu in set(cpus))
    groups = [f"{bits & 0xFFFFFFFF:08x}"]
    while bits := bits >> 32:
        groups.insert(0, f"{bits & 0xFFFFFFFF:08x}")
    return ",".join(groups).lstrip("0") or "0"


def cpus_in(cpu_list: str) -> frozenset[int]:
    """The CPUs of a list as ``smp_affinity_list`` and ``Cpus_allowed_list`` have it.

    An empty list is no CPUs. Raises :class:`ConfigurationError` for what is no list of numbers
    and ranges; the kernel's strides ("0-15:2/4"), which it takes but never prints, are none here.

    >>> sorted(cpus_in("0-2,8"))
    [0, 1, 2, 8]
    """
    cpus: set[int] = set()
    for part in cpu_list.split(",") if cpu_list.strip() else ():
        found = _RANGE.fullmatch(part.strip())
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if first > last:
            raise ConfigurationError(
                f"{cpu_list!r} is no CPU list: numbers and ascending ranges, as in 0-3,8"
            )
        _bounded(last, cpu_list)
        cpus.update(range(first, last + 1))
    return frozenset(cpus)


def cpu_list(cpus: Iterable[int]) -> str:
    """The list of these CPUs, as short as the kernel's; empty for none.

    >>> cpu_list({0, 1, 2, 8})
    '0-2,8'
    """
    runs = groupby(enumerate(sorted(set(cpus))), key=lambda place: place[1] - place[0])
    ends = [[cpu for _, cpu in run] for _, run in runs]
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in ends)


def check(cpus: Iterable[int], there: Iterable[int], *, asked: str, node: str) -> None:
    """Raise :class:`ConfigurationError` when the node has not got all of these CPUs.

    ``asked`` is the setting that names them, as its user wrote it: ``rps_cpus 4404``.
    """
    absent = frozenset(cpus) - (there := frozenset(there))
    if absent:
        raise ConfigurationError(
            f"{asked}: there is no CPU {cpu_list(absent)} on {node}, which has {cpu_list(there)}"
        )


def pin_plan(vms: int, cpus: Iterable[int]) -> PinPlan:
    """The CPU of every vCPU of so many VMs on a server with these CPUs.

    Annex A.14: each VM has (CPUs // VMs) vCPUs, and the vCPUs of the first VM, then those of the
    second, take the CPUs in ascending order. What does not divide is left over: 3 VMs on 16 CPUs
    have 5 each, and the last CPU has none. With more VMs than CPUs, where the annex gives up, a
    VM has one vCPU and the VMs share CPUs in turn.

    Raises ValueError for no VMs or no CPUs.

    >>> pin_plan(2, range(4))
    ((0, 1), (2, 3))
    """
    ordered = sorted(set(cpus))
    if vms < 1 or not ordered:
        raise ValueError("a pin plan is for one VM or more on one CPU or more")
    vcpus = max(len(ordered) // vms, 1)
    return tuple(
        tuple(ordered[(vm * vcpus + vcpu) % len(ordered)] for vcpu in range(vcpus))
        for vm in range(vms)
    )


@dataclass(frozen=True)
class Cpu:
    """Where a CPU is; threads of one core share ``core``."""

    core: int
    socket: int
    node: int | None
    """The NUMA node; None on a machine that says nothing of NUMA."""


def layout(lscpu: str) -> dict[int, Cpu]:
    """Read ``lscpu -p``: the place of each CPU that is online, by its number.

    Raises :class:`NodeError` when its CPU, Core, Socket and Node columns are not there.
    """
    lines = [line.strip() for line in lscpu.splitlines() if line.strip()]
    headers = [line.lstrip("# ").split(",") for line in lines if line.startswith("# CPU,")]
    try:
        (header,) = headers
        columns = [header.index(name) for name in ("CPU", "Core", "Socket", "Node")]
        rows = [line.split(",") for line in lines if not line.startswith("#")]
        places = [[row[column] for column in columns] for row in rows]
        return {
            int(cpu): Cpu(int(core), int(socket), int(node) if node else None)
            for cpu, core, socket, node in places
        }
    except (ValueError, IndexError) as why:
        raise NodeError(f"lscpu -p: not the table that it should be: {why}") from None


def numa_nodes(layout: Mapping[int, Cpu]) -> dict[int, frozenset[int]]:
    """The CPUs of each NUMA node, by its number; empty on a machine that says nothing of NUMA."""
    nodes: dict[int, set[int]] = defaultdict(set)
    for cpu, place in layout.items():
        if place.node is not None:
            nodes[place.node].add(cpu)
    return {node: frozenset(nodes[node]) for node in sorted(nodes)}


def _bounded(highest: int, text: str) -> None:
    if highest >= MOST:
        raise ConfigurationError(f"{text[:40]!r} names CPU {highest}; Linux has {MOST} at most")
