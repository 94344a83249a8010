"""Chapter 3: the same guest under each hypervisor, and six groups of work done right on it."""

from __future__ import annotations

import pytest

from fixtures.evidence import Evidence
from halab import platform as platforms_of
from halab.platform import Platform
from halab.yardstick import GROUPS
from halab.yardstick.yardstick import BRIEF

KERNEL_KEEPS = 0.1
"""The share of a guest's memory that its kernel may keep for itself, and does not count."""

pytestmark = pytest.mark.disruptive


def test_guests_are_made_alike(guest: Platform, evidence: Evidence) -> None:
    """As many CPUs and as much memory as the topology has, by the guest's own word."""
    found = platforms_of.seen(guest)

    evidence.figures.append(f"{guest.label}: {found.cpus} CPUs, {found.memory} MiB")
    assert found.cpus == guest.threads
    assert guest.memory * (1 - KERNEL_KEEPS) <= found.memory <= guest.memory


def test_guests_are_in_the_lan(guest: Platform) -> None:
    """Bridged: a client's frames go to the guest's own NIC, and nobody translates addresses."""
    assert guest.client.neighbour(guest.node.address) == platforms_of.seen(guest).mac


@pytest.mark.parametrize("group", GROUPS)
def test_work_is_done_right(group: str, platform: Platform, evidence: Evidence) -> None:
    """By each of the group's programs, which check what they can: sums, products, blocks, pages."""
    quick = [yardstick for yardstick in GROUPS[group].yardsticks if not yardstick.thorough]
    lacking = [why for yardstick in quick if (why := yardstick.missing(platform))]
    able = [yardstick for yardstick in quick if not yardstick.missing(platform)]
    if not able:
        pytest.skip("; ".join(lacking))

    readings = [reading for its in able for reading in its.measure(platform, BRIEF)]

    evidence.figures += [f"{platform.label}: {reading}" for reading in readings]
    for why in lacking:
        evidence.note(f"not measured: {why}")
    assert all(reading.value > 0 for reading in readings)
