"""What a test measured, in short: figures beside their budgets, or at least what clients lost."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from fixtures.evidence import Evidence
from halab.budget import Budget
from halab.service import Service
from tests.sample_suite import service


@dataclass
class Watched:
    """A watch that has ended."""

    service: Service
    ended: bool = True


def seen(outage: float, *, ended: bool = True) -> Evidence:
    """Two clients through an outage of so many seconds."""
    watches = [Watched(service(outage), ended), Watched(service(0), ended)]
    return Evidence(watches=watches)  # type: ignore[arg-type]


def test_a_figure_stands_beside_its_budget() -> None:
    """And needs nothing besides."""
    evidence = seen(1.0)
    evidence.measure("outage", 1.0, Budget(3.659, "Master_Down_Interval"))
    assert evidence.in_short() == ["outage 1.000 s, budget 3.659 s"]


def test_counts_are_told_without_thousandths() -> None:
    """Nobody loses a part of a request; a budget that is a share may have a tenth."""
    evidence = Evidence()
    taken = evidence.measure("requests lost", 1727, Budget(973.875, "a share", unit="requests"))
    assert taken.short == "requests lost 1,727, budget 973.9 requests"
    assert str(taken).endswith("(a share), margin -753.1")


@pytest.mark.parametrize(
    ("measured", "resolution", "left"),
    [
        (3.5, 3.0, "+3.159"),
        (4.7, 3.0, "+1.959 by its resolution alone"),
        (7.0, 3.0, "-0.341"),
    ],
)
def test_a_margin_that_is_there_by_resolution_alone_says_so(
    measured: float, resolution: float, left: str
) -> None:
    """Who was seen in time was in time, who is beyond it all is too late; between, nobody knows."""
    budget = Budget(3.659, "Master_Down_Interval")
    taken = Evidence().measure("until the BACKUP has the VIP", measured, budget, resolution)
    assert taken.left == left
    assert str(taken).endswith(f"margin {left}")


def test_where_nothing_else_was_measured_it_is_what_clients_lost() -> None:
    """All of them together; a test that asserts that none was lost has no other figure."""
    assert seen(1.0).in_short() == ["100 of 1200 requests lost"]


def test_what_has_not_ended_tells_nothing() -> None:
    """Nor does a test without clients."""
    assert seen(1.0, ended=False).in_short() == []
    assert Evidence().in_short() == []
