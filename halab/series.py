"""What came of a scenario that was measured several times."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

from halab.load import Throughput, cores
from halab.load.cores import Cores
from halab.load.throughput import Served
from halab.shape import Shape
from halab.thresholds import Scenario

MEDIAN = 50

UNTOLD = "its generator tells no latency; weighttp does from 0.5 on"


@dataclass
class Series:
    """What came of a scenario, round by round."""

    scenario: Scenario
    shape: Shape
    runs: list[Served] = field(default_factory=list)

    @property
    def throughput(self) -> tuple[float, ...]:
        """Requests a second."""
        return tuple(run.requests_per_second for run in self.runs)

    @property
    def milliseconds(self) -> tuple[float, ...]:
        """The median latency."""
        return tuple(run.latency[MEDIAN] * 1e3 for run in self.runs if run.latency)

    @property
    def latency(self) -> dict[int, float]:
        """Seconds by percentile: the median of the rounds'; empty where nobody told."""
        told = [run.latency for run in self.runs if run.latency]
        return {p: median(latency[p] for latency in told) for p in told[0]} if told else {}

    @property
    def cores(self) -> Cores | None:
        """The MASTER's CPUs through all rounds; None where it was passed by."""
        seen = [run.cores for run in self.runs if isinstance(run, Throughput) and run.cores]
        return cores.of_all(seen) if seen else None

    @property
    def haproxy(self) -> tuple[float, ...]:
        """Microseconds of HAProxy's CPU time for a request; empty where it was passed by."""
        runs = (run for run in self.runs if isinstance(run, Throughput))
        return tuple(run.cpu_per_request * 1e6 for run in runs)
