"""At which moments runs were ended, and how: counted, to be told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Moments:
    """Counts how often a run was ended at a random moment, how, and at which fault."""

    def __init__(self) -> None:
        self.well = self.began = 0
        self.endings: set[str] = set()
        self.faults: set[str] = set()

    @contextmanager
    def at(self, lab: str, ending: str, fault: str, told: str) -> Iterator[None]:
        """One of them; what differs after it fails the block."""
        self.began += 1
        self.endings.add(ending)
        self.faults.add(fault)
        print(f"{lab}: {told}")
        yield
        self.well += 1

    def __str__(self) -> str:
        return (
            f"{self.began} runs were ended at random moments, in {len(self.endings)} ways and at "
            f"{len(self.faults)} faults; something differed after {self.began - self.well}"
        )
