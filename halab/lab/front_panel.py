"""A lab's front panel: power, cables and what else is done to a machine from outside of it.

Every verb here bears being done twice.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from halab.lab.switch import Loss
from halab.node import Node


class FrontPanel(ABC):
    """What its buttons do; raises :class:`halab.errors.LabError` for what the lab cannot."""

    has_front_panel = True
    name: str
    nodes: dict[str, Node]

    @abstractmethod
    def _do(self, do: str, machine: str = "", **how: Any) -> Any:
        """Do it, and give what came of it."""

    # -- power and cables --------------------------------------------------------------------

    def power_off(self, machine: str) -> None:
        """Cut a machine's power, at once and without a word to anyone."""
        self.nodes[machine].close()
        self._do("power_off", machine)

    def power_on(self, machine: str) -> None:
        """Switch a machine on; returns before it has booted."""
        self._do("power_on", machine)

    def port_down(self, machine: str, cable: int = 0) -> None:
        """Take the carrier from a machine's cable of that number, or from all with 0."""
        self._do("port_down", machine, cable=cable)

    def port_up(self, machine: str, cable: int = 0) -> None:
        """Give a machine's cable of that number, or all with 0, its carrier back."""
        self._do("port_up", machine, cable=cable)

    def nic_up(self, machine: str) -> None:
        """Bring up a machine's NIC where the lab reaches into it; a guest's is in its own hands."""
        self._do("nic_up", machine)

    def status(self) -> dict[str, str]:
        """``on``, ``off`` or ``died (status)`` for each machine."""
        answer: dict[str, str] = self._do("status")
        return answer

    def console(self, machine: str) -> str:
        """The last 4,000 characters of a machine's console."""
        return str(self._do("console", machine))

    # -- a machine that is slow or hangs -----------------------------------------------------

    def freeze(self, machine: str) -> None:
        """Have no process of a machine run any more; its NIC still takes packets."""
        self.nodes[machine].close()
        self._do("freeze", machine)

    def thaw(self, machine: str) -> None:
        """Let a frozen machine go on."""
        self._do("thaw", machine)

    def starve(self, machine: str, share: float) -> None:
        """Give a machine this share of one CPU's time and no more, 0.01 or above."""
        self._do("starve", machine, share=share)

    def feed(self, machine: str) -> None:
        """Let a starved machine have all the time that there is."""
        self._do("feed", machine)

    def cpu_time(self, machine: str) -> float:
        """Seconds of this host's CPU time that a machine has had since it was switched on."""
        return float(self._do("cpu_time", machine))

    # -- faults on the wire ------------------------------------------------------------------

    def lose(self, *losses: Loss) -> None:
        """Have the switch lose frames: all of these from the same moment on."""
        self._do("lose", losses=[loss._asdict() for loss in losses])

    def lose_no_more(self, *losses: Loss) -> None:
        """Have the switch lose them no more, from one moment on."""
        self._do("lose_no_more", losses=[loss._asdict() for loss in losses])
