"""Figures 29 and 30: what four HAProxy processes serve with RPS and with RFS."""

from __future__ import annotations

import pytest

from fixtures.evidence import Evidence
from fixtures.nights import Nights
from fixtures.own_floor import OwnFloor
from fixtures.performance import MeasuredBar
from halab.measuring import Measuring
from halab.relation import CLAIMS
from halab.thresholds import Relation, Threshold

pytestmark = [pytest.mark.performance, pytest.mark.disruptive]


def test_figure(bar: MeasuredBar, own_floor: OwnFloor, nights: Nights) -> None:
    """A bar, in turns with the figure's others: no lower than this lab's own floor."""
    nights.remember(bar)
    found = own_floor.findings(bar)
    assert not found, "; ".join(found)


def test_what_the_thesis_states(
    threshold: Threshold, measuring: Measuring, evidence: Evidence
) -> None:
    """Reached on the hardware that it was stated for."""
    measured = measuring.value(threshold)

    evidence.figures.append(f"{measured:g} {threshold.unit}, stated {threshold.value:g}")
    least, most = threshold.bounds
    assert least <= measured <= most


def test_what_is_said_of_two_sides(
    relation: Relation, measuring: Measuring, evidence: Evidence
) -> None:
    """Both in turns, at a stated confidence; where it is not promised it is only reported."""
    seen = measuring.relation(relation)

    evidence.figures.append(f"{relation.scenario} beside {relation.over}: {seen}")
    assert measuring.promised(relation) or seen.verdict in CLAIMS[relation.says]
