"""The emulated lab: the embedded lab, but its directors are QEMU machines like the thesis's."""

from __future__ import annotations

from halab.budget import Work
from halab.lab.embedded import EmbeddedLab, Progress
from halab.lab.qemu import Emulation
from halab.placement import ANNEX_A1, Machine


class EmulatedLab(EmbeddedLab):
    """A lab whose directors have kernels of their own, 16 CPUs in 4 NUMA nodes."""

    kind = "emulated"
    boots_within = 120.0
    probe_interval = 0.02
    directors_have_a_kernel = True

    @classmethod
    def director_machine(cls) -> Machine:
        """Annex A.1's, which QEMU makes."""
        return ANNEX_A1

    @property
    def takeover_works(self) -> tuple[Work, ...]:
        """A director's own work is slower, and so is the first that it does for a client."""
        emulation = Work("emulation", self.topology.labs.emulated.takeover_work)
        return (*super().takeover_works, emulation)

    @classmethod
    def emulation(cls, progress: Progress) -> Emulation:
        """QEMU, what guests boot, and how they run on this machine."""
        return Emulation.ensure(progress, "the directors are emulated")

    def has_own_kernel(self, machine: str) -> bool:
        """True for the directors."""
        return machine in self.topology.directors
