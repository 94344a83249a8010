"""The thesis's placements: on which CPUs of a director HAProxy runs, and on which the network.

All are for the directors of annex A.1, with 16 CPUs in 4 NUMA nodes and one NIC with one queue.
"""

from __future__ import annotations

from dataclasses import dataclass

from halab.cpu import cpus_of
from halab.steering import Steering


@dataclass(frozen=True)
class Machine:
    """What a director is to those who place things on it: its online CPUs, and NUMA nodes."""

    cpus: frozenset[int]
    numa_nodes: int = 1

    def __str__(self) -> str:
        nodes = f" in {self.numa_nodes} NUMA nodes" if self.numa_nodes > 1 else ""
        return f"{len(self.cpus)} CPUs{nodes}"


ANNEX_A1 = Machine(frozenset(range(16)), numa_nodes=4)
"""The thesis's directors."""

IRQ_CPU = 6
"""Where the NIC's interrupts came (section 4.3.2)."""


@dataclass(frozen=True)
class Placement:
    """HAProxy's CPU by process, the first port's first, and what is steered where."""

    name: str
    haproxy_cpus: tuple[int, ...]
    steering: Steering
    source: str
    made_for: Machine = ANNEX_A1

    @property
    def kept_for_interrupts(self) -> frozenset[int]:
        """The CPUs set apart for the network: the interrupt's and RPS's."""
        return self.steering.rps_cpus | frozenset(self.steering.irq_cpus)

    @property
    def steered_to(self) -> frozenset[int]:
        """The CPUs that are to process packets: RPS's, or with RFS HAProxy's."""
        return frozenset(self.haproxy_cpus) if self.steering.rfs else self.steering.rps_cpus


def _rps(mask: str, *haproxy_cpus: int) -> Placement:
    steering = Steering(rps_cpus=cpus_of(mask), irq_cpus=(IRQ_CPU,))
    return Placement(mask, haproxy_cpus, steering, "section 4.4.1, Table III")


def _rfs(name: str, *haproxy_cpus: int) -> Placement:
    steering = Steering(rps_flow_cnt=8192, rps_sock_flow_entries=32768, irq_cpus=(IRQ_CPU,))
    return Placement(name, haproxy_cpus, steering, "section 4.4.2, Table IV")


UNSTEERED = Placement(
    "unsteered", (4, 5, 7, 8), Steering(irq_cpus=(IRQ_CPU,)), "section 4.3.3, Figure 22"
)
"""1 to 4 processes: the first so many CPUs. A single one was on CPU 5 in section 4.3.2."""

RPS = (
    _rps("0004", 3, 4, 5, 7),
    _rps("4404", 3, 7, 11, 15),
    _rps("00b0", 8, 9, 10, 11),
    _rps("008c", 0, 1, 4, 5),
)
"""Table III, by mask. The text gives HAProxy's CPUs as sets; their order here is ascending."""

RFS = (
    _rfs("RFS-1", 8, 9, 10, 11),
    _rfs("RFS-2", 3, 4, 5, 7),
    _rfs("RFS-3", 0, 1, 4, 5),
    _rfs("RFS-4", 3, 7, 11, 15),
)
"""Table IV. The thesis divides 32768 by its 4 consumers; scaling.rst would by the one queue."""

PLACEMENTS = {placement.name: placement for placement in (UNSTEERED, *RPS, *RFS)}
"""All of them, by name."""
