"""nbench, BYTE's BYTEmark: the thesis's yardstick for CPUs, annex A.3; not in Debian."""

from __future__ import annotations

import re

from halab.platform import Platform
from halab.yardstick.yardstick import Program, Quantity, Reading

INDEXES = {
    "INTEGER INDEX": Quantity("nbench-integer", "of an AMD K6/233"),
    "FLOATING-POINT INDEX": Quantity("nbench-floating-point", "of an AMD K6/233"),
    "MEMORY INDEX": Quantity("nbench-memory", "of an AMD K6/233"),
}

_INDEX = re.compile(r"^([A-Z-]+ INDEX) *: ([\d.]+)$", re.MULTILINE)


class Nbench(Program):
    """One thread; it goes on until it is sure of each figure, which takes minutes."""

    name = "nbench"
    quantities = tuple(INDEXES.values())
    thorough = True
    limit = 1800.0

    def command(self, _platform: Platform, _seconds: float) -> str:
        """In its own folder, where it has its data."""
        return 'cd "$(dirname "$(readlink -f "$(command -v nbench)")")" && nice -n -20 ./nbench'

    def read(self, said: str) -> tuple[Reading, ...]:
        """The indexes for Linux: those of the original BYTEmark, of a Pentium 90, come before."""
        _, _, of_linux = said.partition("LINUX DATA BELOW")
        return self.listed(INDEXES, _INDEX, of_linux)
