"""mbw: memory copied by memcpy, on one CPU."""

from __future__ import annotations

import re

from halab.errors import NodeError
from halab.platform import Platform
from halab.yardstick.yardstick import Program, Quantity, Reading

COPY = Quantity("memory-copy", "MiB/s")

MIB, ROUNDS = 128, 5
"""More than any cache has, so often."""

_AVERAGE = re.compile(r"^AVG\tMethod: MEMCPY\t.*Copy: ([\d.]+) MiB/s$", re.MULTILINE)


class Mbw(Program):
    """It is told how much and how often, and not how long."""

    name = "mbw"
    quantities = (COPY,)

    def command(self, _platform: Platform, _seconds: float) -> str:
        """Only memcpy, of three methods that it has."""
        return f"mbw -t0 -n {ROUNDS} {MIB}"

    def read(self, said: str) -> tuple[Reading, ...]:
        """The average of its rounds."""
        found = _AVERAGE.search(said)
        if found is None:
            raise NodeError(f"mbw did no work: {said.strip()[-200:]!r}")
        return (Reading(COPY, float(found[1])),)
