"""What decides where a NIC's received packets are worked on: as it is, and as it is to be."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from halab.cpu import cpu_list, mask
from halab.errors import LabError, NodeError
from halab.steering import Steering

SYS = "/sys/class/net"
SOCK_FLOW_ENTRIES = "/proc/sys/net/core/rps_sock_flow_entries"


@dataclass(frozen=True)
class RxQueue:
    """A receive queue; ``rps_flow_cnt`` is in flows."""

    name: str
    rps_cpus: frozenset[int]
    rps_flow_cnt: int


@dataclass(frozen=True)
class Irq:
    """An interrupt of a NIC."""

    number: int
    names: tuple[str, ...]
    receives: bool
    """It says that something was received; else it is for sending, or for changes of the link."""
    smp_affinity: frozenset[int]
    """Where it may go."""
    effective_affinity: frozenset[int] = field(compare=False)
    """Where it goes; empty where the kernel does not tell, or before it first was asked for."""


@dataclass(frozen=True)
class State:
    """All that decides where a NIC's received packets are worked on."""

    node: str
    nic: str
    cpus: frozenset[int]
    """Those of the node that are online."""
    queues: tuple[RxQueue, ...]
    irqs: tuple[Irq, ...]
    """By number; none for a NIC without hardware, such as a container's."""
    rps_sock_flow_entries: int | None
    """Of the whole machine; None where the node is but a part of one, and cannot set it."""
    writable: bool = field(default=True, compare=False)
    """False where /sys is read-only, as in the embedded lab."""
    irqbalance: bool = field(default=False, compare=False)
    """Its unit runs, and every 10 s would place interrupts as it likes."""

    @property
    def receive_irqs(self) -> tuple[Irq, ...]:
        """One for each receive queue, by number."""
        return tuple(irq for irq in self.irqs if irq.receives)

    @property
    def moving(self) -> bool:
        """An interrupt is on its way to other CPUs, and where it may go could not be read.

        The kernel moves it when it next comes, and empties the set of CPUs that was pending while
        /proc may be reading it: show_irq_affinity (kernel/irq/proc.c) takes no lock.
        """
        return any(not irq.smp_affinity for irq in self.irqs)

    def steered(self, steering: Steering) -> State:
        """This state with those settings.

        Raises :class:`ConfigurationError` for CPUs that the node has not got, :class:`LabError`
        for what its lab cannot do, and :class:`NodeError` when irqbalance would undo it.
        """
        self._check(steering)
        entries = self.rps_sock_flow_entries
        queues = [
            replace(queue, rps_cpus=steering.rps_cpus, rps_flow_cnt=steering.rps_flow_cnt)
            for queue in self.queues
        ]
        turns = steering.irq_cpus
        placed = {
            irq.number: replace(irq, smp_affinity=frozenset({turns[turn % len(turns)]}))
            for turn, irq in enumerate(self.receive_irqs if turns else ())
        }
        wanted = replace(
            self,
            queues=tuple(queues),
            irqs=tuple(placed.get(irq.number, irq) for irq in self.irqs),
            rps_sock_flow_entries=None if entries is None else steering.rps_sock_flow_entries,
        )
        if not self.writable and wanted != self:
            raise LabError(
                f"{self.node} cannot change {self.nic}: /sys is read-only in a machine of the "
                "embedded lab; take the emulated lab or real directors"
            )
        return wanted

    def files(self) -> dict[str, str]:
        """What the node's files hold in this state, by path; two states differ where these do."""
        files = {}
        for queue in self.queues:
            place = f"{SYS}/{self.nic}/queues/{queue.name}"
            files[f"{place}/rps_cpus"] = mask(queue.rps_cpus)
            files[f"{place}/rps_flow_cnt"] = str(queue.rps_flow_cnt)
        for irq in self.irqs:
            files[f"/proc/irq/{irq.number}/smp_affinity_list"] = cpu_list(irq.smp_affinity)
        if self.rps_sock_flow_entries is not None:
            files[SOCK_FLOW_ENTRIES] = str(self.rps_sock_flow_entries)
        return files

    def _check(self, steering: Steering) -> None:
        steering.check(self.cpus, self.node)
        if steering.irq_cpus and not self.receive_irqs:
            raise LabError(
                f"{self.nic} of {self.node} is no hardware and has no interrupts to place: take "
                "the emulated lab or real directors"
            )
        if steering.rfs and self.rps_sock_flow_entries is None:
            raise LabError(
                f"{self.node} has no kernel of its own, and net.core.rps_sock_flow_entries is "
                "its host's: RFS needs the emulated lab or real directors"
            )
        if steering.irq_cpus and self.irqbalance:
            raise NodeError(
                f"{self.node}: irqbalance would move the interrupts of {self.nic} away again: "
                "systemctl disable --now irqbalance"
            )
