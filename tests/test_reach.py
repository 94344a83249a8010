"""What guests reach beside bare metal and one another, and what is stated of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from halab.reach import Reach
from halab.thresholds import Thresholds
from halab.yardstick import GROUPS, QUANTITIES

STATED = Thresholds.load(Path("thresholds.yaml")).hypervisors


def reach(**said: object) -> Reach:
    usual = {
        "name": "x", "quantity": "cpu", "platform": "xen", "beside": "none", "says": "below",
        "value": 0.12, "tolerance": 0.05, "section": "3.2.3", "figure": 9, "holds_for": "any-xen",
    }  # fmt: skip
    return Reach(**(usual | said))  # type: ignore[arg-type]


@pytest.mark.parametrize(("xen", "holds"), [(120.0, True), (83.5, True), (82.5, False)])
def test_below_bare_metal(xen: float, holds: bool) -> None:
    """No more than the stated share and the tolerance; less is always as good."""
    assert reach().holds({"none": 100.0, "xen": xen}) is holds


@pytest.mark.parametrize(("milliseconds", "holds"), [(0.1, True), (0.32, True), (0.33, False)])
def test_above_bare_metal(milliseconds: float, holds: bool) -> None:
    latency = reach(quantity="latency", platform="vbox", says="above", value=0.51, tolerance=0.1)
    assert latency.holds({"none": 0.2, "vbox": milliseconds}) is holds


@pytest.mark.parametrize(("vbox", "holds"), [(3500.0, True), (3200.0, True), (3000.0, False)])
def test_below_the_others(vbox: float, holds: bool) -> None:
    """The mean of the other guests; bare metal is none of them."""
    web = reach(quantity="web", platform="vbox", beside="others", value=0.658)
    assert web.holds({"none": 12000.0, "kvm": 10000.0, "xen": 11000.0, "vbox": vbox}) is holds


@pytest.mark.parametrize(("measured", "holds"), [(11500.0, True), (9900.0, True), (9899.0, False)])
def test_a_value_by_itself(measured: float, holds: bool) -> None:
    memory = reach(platform="none", beside="", says="least", value=11000, tolerance=0.1)
    assert memory.holds({"none": measured}) is holds


def test_a_side_that_was_not_measured_is_named() -> None:
    assert reach().lacking({"none": 1, "xen": 1}) == []
    assert reach().lacking({"kvm": 1}) == ["no xen", "no bare metal"]
    others = reach(beside="others")
    assert others.lacking({"none": 1, "xen": 1}) == ["no other hypervisor"]
    assert others.lacking({"kvm": 1, "xen": 1}) == []


@pytest.mark.parametrize("said", [{"beside": ""}, {"says": "least"}])
def test_a_share_is_beside_something_and_a_value_is_not(said: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="below or above something beside it"):
        reach(**said)


def test_an_emulated_guest_is_none_of_the_others() -> None:
    """Beside one that computes in software a guest of Xen's would always be fast enough."""
    others = reach(beside="others")
    assert others.lacking({"none": 1, "xen": 1, "qemu": 1}) == ["no other hypervisor"]
    assert not others.holds({"none": 100.0, "qemu": 10.0, "kvm": 100.0, "xen": 60.0})


@pytest.mark.parametrize(
    ("said", "sides"),
    [
        ({}, ["xen", "none"]),
        ({"beside": "others"}, ["xen", "kvm", "vbox"]),
        ({"beside": "", "says": "least", "value": 10000}, ["xen"]),
    ],
)
def test_the_sides_are_those_that_are_there(said: dict[str, object], sides: list[str]) -> None:
    kinds = dict.fromkeys(("none", "qemu", "kvm", "xen", "vbox"), 1.0)
    assert reach(**said).sides(kinds) == sides
    assert reach(**said).sides({"xen": 1.0}) == ["xen"]


def test_what_is_told_has_both() -> None:
    assert reach().told(0.04, "events/s") == "4.0% below, stated at most 12% below bare metal"
    web = reach(platform="none", beside="", says="least", value=11000)
    assert web.told(12345.6, "MB/s") == "12,346 MB/s, stated 11,000"


@pytest.mark.parametrize("name", STATED)
def test_what_is_stated_is_of_a_quantity_of_its_figure(name: str) -> None:
    """And of the direction that is worse: a share above is of what is better when it is less."""
    its = STATED[name]
    (group,) = (group for group in GROUPS.values() if group.figure == its.figure)
    quantity = QUANTITIES[its.quantity]
    assert quantity in [q for yardstick in group.yardsticks for q in yardstick.quantities]
    assert group.section == its.section
    assert (its.says == "above") == quantity.less_is_better
