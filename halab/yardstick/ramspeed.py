"""RAMspeed/SMP: the thesis's yardstick for memory, annex A.4; not in Debian."""

from __future__ import annotations

import re

from halab.platform import Platform
from halab.yardstick.yardstick import Program, Quantity, Reading

MODES = {3: "INTEGER", 6: "FL-POINT", 9: "MMX", 12: "SSE"}
"""By its option -b: the units that move memory."""

UNITS = {
    "INTEGER": Quantity("ramspeed-integer", "MB/s"),
    "FL-POINT": Quantity("ramspeed-floating-point", "MB/s"),
    "MMX": Quantity("ramspeed-mmx", "MB/s"),
    "SSE": Quantity("ramspeed-sse", "MB/s"),
}

_AVERAGE = re.compile(r"^([A-Z-]+) +AVERAGE: +([\d.]+) MB/s$", re.MULTILINE)


class Ramspeed(Program):
    """Copy, scale, add and triad; each unit's average counts."""

    name = "ramsmp"
    quantities = tuple(UNITS.values())
    thorough = True
    limit = 1800.0

    def command(self, platform: Platform, _seconds: float) -> str:
        """As many processes as a guest has vCPUs."""
        return " && ".join(f"ramsmp -b {mode} -p {platform.threads}" for mode in MODES)

    def read(self, said: str) -> tuple[Reading, ...]:
        """MB/s by unit."""
        return self.listed(UNITS, _AVERAGE, said)
