"""At which moments runs were ended, and how: counted, to be told.

Each is a property of its test, so that they come together from all of xdist's workers, and are in
JUnit's file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import pytest

MOMENT = "ended at"


@dataclass(frozen=True)
class Ended:
    """One of them; ``well`` if nothing differed after it."""

    lab: str
    ending: str
    fault: str
    well: bool


class Moments:
    """Takes down when this test ended a run at a random moment, how, and at which fault."""

    def __init__(self, test: pytest.Item) -> None:
        self._properties = test.user_properties

    @contextmanager
    def at(self, lab: str, ending: str, fault: str, told: str) -> Iterator[None]:
        """One of them; what differs after it fails the block."""
        print(f"{lab}: {told}")
        well = False
        try:
            yield
            well = True
        finally:
            self._properties.append((MOMENT, asdict(Ended(lab, ending, fault, well))))


def summary(reports: Iterable[pytest.TestReport]) -> list[str]:
    """A line for each lab, and one for all of them; none where no run was ended."""
    ended = [
        Ended(**its)
        for report in reports
        for name, its in report.user_properties
        if name == MOMENT and report.when == "call"
    ]
    labs = sorted({one.lab for one in ended})
    told = [_told(f"{lab} lab", [one for one in ended if one.lab == lab]) for lab in labs]
    return [*told, _told("in all", ended)] if ended else []


def _told(where: str, ended: list[Ended]) -> str:
    ways, faults = ({getattr(one, what) for one in ended} for what in ("ending", "fault"))
    differed = sum(not one.well for one in ended)
    return (
        f"{where}: {len(ended)} runs were ended at random moments, in {len(ways)} ways and at "
        f"{len(faults)} faults; something differed after {differed}"
    )
