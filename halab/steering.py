"""Where received packets are to be worked on: RPS, RFS and the CPUs of interrupts, as settings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from halab import cpu
from halab.errors import ConfigurationError


@dataclass(frozen=True)
class Steering:
    """Settings of one NIC, under the kernel's names (Documentation/networking/scaling.rst).

    The default is a kernel's own: no RPS, no RFS, interrupts wherever they are. Raises
    :class:`ConfigurationError` for what the kernel would take and do something else with.

    >>> Steering(rps_cpus=cpu.cpus_of("008c"), irq_cpus=(6,)).rfs
    False
    """

    rps_cpus: frozenset[int] = frozenset()
    """RPS: who works on the packets of every receive queue; none is no RPS."""
    rps_flow_cnt: int = 0
    """RFS: flows remembered for each receive queue."""
    rps_sock_flow_entries: int = 0
    """RFS: flows remembered for the sockets of the whole machine, whichever its NICs."""
    irq_cpus: tuple[int, ...] = ()
    """A CPU for each receive interrupt, in turn and over again; none leaves them alone."""

    def __post_init__(self) -> None:
        for name in ("rps_flow_cnt", "rps_sock_flow_entries"):
            entries = getattr(self, name)
            if entries < 0 or entries & (entries - 1):
                raise ConfigurationError(
                    f"{name}={entries}: the kernel keeps powers of two, such as 8192, and rounds "
                    "others up; 0 is none"
                )
        if (self.rps_flow_cnt > 0) != (self.rps_sock_flow_entries > 0):
            raise ConfigurationError(
                f"rps_flow_cnt={self.rps_flow_cnt} with rps_sock_flow_entries="
                f"{self.rps_sock_flow_entries}: RFS needs both, and no RFS neither"
            )

    def __str__(self) -> str:
        parts = [
            *([f"rps={cpu.mask(self.rps_cpus).zfill(4)}"] if self.rps_cpus else []),
            *([f"rfs={self.rps_sock_flow_entries}/{self.rps_flow_cnt}"] if self.rfs else []),
            *([f"irq={cpu.cpu_list(self.irq_cpus)}"] if self.irq_cpus else []),
        ]
        return ",".join(parts) or "unsteered"

    @property
    def rfs(self) -> bool:
        """Packets go where the program that reads them runs, whatever ``rps_cpus`` says."""
        return self.rps_flow_cnt > 0

    def check(self, there: Iterable[int], node: str) -> None:
        """Raise :class:`ConfigurationError` when the node has not got all the CPUs named here.

        The kernel itself refuses numbers beyond those that it could have, and forgets those that
        are only offline.
        """
        there = frozenset(there)
        cpu.check(self.rps_cpus, there, asked=f"rps_cpus {cpu.mask(self.rps_cpus)}", node=node)
        asked = f"irq_cpus {cpu.cpu_list(self.irq_cpus)}"
        cpu.check(self.irq_cpus, there, asked=asked, node=node)
