"""Figures 8 to 13: what a guest reaches of its host, under each hypervisor that is there."""

from __future__ import annotations

import pytest

from fixtures.evidence import Evidence
from fixtures.platforms import Platforms, alone, missing, tell
from halab.comparing import Comparing, middle
from halab.reach import Reach
from halab.relation import Verdict
from halab.thresholds import Thresholds
from halab.yardstick import GROUPS, QUANTITIES

CACHED = ("disk",)
"""Groups of which an emulated guest may be the faster: what it reads may be in its host's cache."""

# Linux, nbench, RAMspeed and Bonnie++ take minutes on each of four platforms, an hour at most.
BEYOND = 4 * 3600

pytestmark = [
    pytest.mark.performance,
    pytest.mark.disruptive,
    pytest.mark.timeout(BEYOND),
]


@pytest.mark.parametrize("group", GROUPS)
def test_figure(
    group: str,
    platforms: Platforms,
    comparing: Comparing,
    thresholds: Thresholds,
    evidence: Evidence,
) -> None:
    """Every platform in turns; where QEMU has to emulate CPUs, all work is slower for certain.

    Else the host was measured twice, and no guest.
    """
    if lacking := alone(platforms, comparing, GROUPS[group]):
        pytest.skip("; ".join(lacking))
    measured = comparing.of(GROUPS[group])

    tell(GROUPS[group], comparing, thresholds, evidence)
    emulated = comparing.verdicts(measured, "qemu") if group not in CACHED else {}
    assert emulated == dict.fromkeys(emulated, Verdict.SLOWER)


def test_what_the_thesis_states(
    reach: Reach,
    platforms: Platforms,
    comparing: Comparing,
    thresholds: Thresholds,
    evidence: Evidence,
) -> None:
    """Within what chapter 3 found, on machines of their own with that hypervisor."""
    if lacking := missing(reach, platforms, thresholds):
        pytest.skip(f"{reach.platform} {reach.quantity} ({reach.source}): {'; '.join(lacking)}")
    quantity = QUANTITIES[reach.quantity]
    (group,) = (group for group in GROUPS.values() if group.figure == reach.figure)
    measured = middle(comparing.of(group).get(quantity, {}))
    if lacking := reach.lacking(measured):
        pytest.skip(f"{reach.quantity}: {'; '.join([*lacking, *comparing.missing[group.name]])}")

    evidence.figures.append(reach.told(reach.reached(measured), quantity.unit))
    assert reach.holds(measured)
