"""stress-ng: products of matrices of floating-point numbers on all CPUs, each of them checked."""

from __future__ import annotations

import re

from halab.errors import NodeError
from halab.platform import Platform
from halab.yardstick.yardstick import Program, Quantity, Reading

FLOATING_POINT = Quantity("floating-point", "bogo ops/s")

# stressor, bogo ops, real, usr and sys time, bogo ops per second of real time
_CPU = re.compile(r"\bcpu((?:\s+[\d.]+){5})")


class StressNg(Program):
    """Its "bogo ops" compare with those of the same version alone."""

    name = "stress-ng"
    quantities = (FLOATING_POINT,)

    def command(self, platform: Platform, seconds: float) -> str:
        """It says all on stderr."""
        return (
            f"stress-ng --cpu {platform.threads} --cpu-method matrixprod --verify --metrics-brief "
            f"--timeout {seconds:.0f} 2>&1"
        )

    def read(self, said: str) -> tuple[Reading, ...]:
        """Its bogo ops per second; with --verify its status tells of a wrong product."""
        found = _CPU.search(said)
        rate = float(found[1].split()[4]) if found else 0.0
        if not rate:
            raise NodeError(f"stress-ng did no work: {said.strip()[-200:]!r}")
        return (Reading(FLOATING_POINT, rate),)
