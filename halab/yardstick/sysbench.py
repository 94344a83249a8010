"""sysbench: prime numbers on all CPUs, and memory written by all of them."""

from __future__ import annotations

import re

from halab.errors import NodeError
from halab.platform import Platform
from halab.yardstick.yardstick import Program, Quantity, Reading

CPU = Quantity("cpu", "events/s")
MEMORY = Quantity("memory-write", "MiB/s")


class SysbenchCpu(Program):
    """An event is to find all primes below 10,000."""

    name = "sysbench"
    quantities = (CPU,)

    def command(self, platform: Platform, seconds: float) -> str:
        """On as many threads as a guest has vCPUs."""
        return f"sysbench cpu --threads={platform.threads} --time={seconds:.0f} run"

    def read(self, said: str) -> tuple[Reading, ...]:
        """Its events per second."""
        return (Reading(CPU, _number(r"events per second:\s+([\d.]+)", said)),)


class SysbenchMemory(Program):
    """Blocks of 1 MiB, each thread's own."""

    name = "sysbench"
    quantities = (MEMORY,)

    def command(self, platform: Platform, seconds: float) -> str:
        """More than can be written in the time: it ends by time."""
        return (
            f"sysbench memory --threads={platform.threads} --memory-block-size=1M "
            f"--memory-scope=local --memory-total-size=100T --time={seconds:.0f} run"
        )

    def read(self, said: str) -> tuple[Reading, ...]:
        """Its MiB per second."""
        return (Reading(MEMORY, _number(r"MiB transferred \(([\d.]+) MiB/sec\)", said)),)


def _number(pattern: str, said: str) -> float:
    found = re.search(pattern, said)
    if found is None or not float(found[1]):
        raise NodeError(f"sysbench did no work: {said.strip()[-200:]!r}")
    return float(found[1])
