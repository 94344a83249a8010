"""Platforms take turns, and each of a group's yardsticks is brought to all that can have it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from fixtures.platforms import Platforms, alone, missing
from halab import facts
from halab.comparing import Comparing, middle
from halab.facts import NodeFacts
from halab.relation import Verdict
from halab.thresholds import Thresholds
from halab.yardstick import Group
from halab.yardstick.yardstick import Quantity, Reading

SPEED = Quantity("speed", "1/s")
TIME = Quantity("time", "s", less_is_better=True)
STATED = Thresholds.load(Path("thresholds.yaml"))
RATES = {"none": 100.0, "qemu": 10.0}


@dataclass
class Counted:
    """A yardstick of our own, which tells how often it was brought where."""

    quantity: Quantity
    name: str = "counted"
    thorough: bool = False
    lacking: str = ""
    slow_on: str = ""
    brought: list[str] = field(default_factory=list)

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        return (self.quantity,)

    def once(self, platform: SimpleNamespace) -> bool:
        return self.thorough or platform.kind == self.slow_on

    def missing(self, platform: SimpleNamespace) -> str:
        return f"{platform.kind} has no {self.name}" if platform.kind == self.lacking else ""

    def measure(self, platform: SimpleNamespace, seconds: float) -> tuple[Reading, ...]:
        self.brought.append(platform.kind)
        drift = 1 + len(self.brought) / 1000
        rate = RATES[platform.kind] * drift
        return (Reading(self.quantity, 1 / rate if self.quantity.less_is_better else rate),)


def comparing() -> Comparing:
    platforms = {kind: SimpleNamespace(kind=kind) for kind in RATES}
    return Comparing(platforms, pairs=10, seed=1, confidence=0.99)  # type: ignore[arg-type]


def group(*yardsticks: Counted) -> Group:
    return Group("g", "G", 9, "3.2.3", yardsticks)  # type: ignore[arg-type]


def test_every_platform_has_its_turn_in_each_round() -> None:
    one = Counted(SPEED)
    found = comparing().of(group(one))
    rounds = [Counter(one.brought[n : n + 2]) for n in range(0, 20, 2)]
    assert rounds == [Counter(RATES.keys())] * 10
    assert {kind: len(values) for kind, values in found[SPEED].items()} == {"none": 10, "qemu": 10}
    assert middle(found[SPEED]) == pytest.approx(RATES, rel=0.03)


def test_a_group_is_measured_once() -> None:
    one, many = Counted(SPEED), comparing()
    assert many.of(group(one)) is many.of(group(one))
    assert len(one.brought) == 20


def test_what_takes_minutes_is_measured_once_and_decides_nothing() -> None:
    again = Counted(SPEED, slow_on="qemu")
    comparing().of(group(again))
    assert sorted(again.brought) == ["none", "qemu"]
    one, many = Counted(SPEED, thorough=True), comparing()
    values = many.of(group(one))[SPEED]
    assert sorted(one.brought) == ["none", "qemu"]
    assert many.beside_bare_metal(values, "qemu", SPEED).verdict is Verdict.UNDECIDED


def test_a_platform_that_lacks_a_yardstick_is_left_out_and_named() -> None:
    many = comparing()
    found = many.of(group(Counted(SPEED, lacking="qemu"), Counted(TIME)))
    assert found[SPEED].keys() == {"none"}
    assert found[TIME].keys() == {"none", "qemu"}
    assert many.missing["g"] == ["qemu has no counted"]


@pytest.mark.parametrize("quantity", [SPEED, TIME])
def test_slower_is_slower_whichever_way_the_quantity_counts(quantity: Quantity) -> None:
    many = comparing()
    values = many.of(group(Counted(quantity)))[quantity]
    seen = many.beside_bare_metal(values, "qemu", quantity)
    assert seen.verdict is Verdict.SLOWER
    assert seen.ratio == pytest.approx(0.1, rel=0.03)


def found(**missing: str) -> Platforms:
    there = {"bare-metal": SimpleNamespace(kind="none", label="bare metal")}
    if "kvm" not in missing:
        there["kvm"] = SimpleNamespace(kind="qemu", label="QEMU without KVM")
    kinds = {"kvm": "kvm", "xen": "xen"}
    return Platforms(there, missing, kinds)  # type: ignore[arg-type]


def test_a_figure_of_bare_metal_alone_is_none() -> None:
    """It says why, and measures nothing where nothing could stand beside it."""
    one, many = Counted(SPEED), comparing()
    nobody = found(kvm="no libvirt", xen="no xen:///system")
    why = ["no guest is measured beside bare metal", "kvm: no libvirt", "xen: no xen:///system"]
    assert alone(nobody, many, group(one)) == why
    assert one.brought == []
    assert alone(found(), many, group(one)) == []
    lacking = alone(found(), comparing(), group(Counted(SPEED, lacking="qemu")))
    assert lacking == ["no guest is measured beside bare metal", "qemu has no counted"]


def test_a_hypervisor_that_is_not_here_says_why() -> None:
    its = STATED.hypervisors["xen-cpu"]
    told = missing(its, found(xen="no xen:///system"), STATED)
    only = "no Xen is here, only bare metal, QEMU without KVM"
    assert told == [only, "xen: no xen:///system"]


@pytest.mark.parametrize(
    ("name", "others", "says"),
    [
        ("xen-cpu", "i5", []),
        ("xen-cpu", "EPYC", ["servers are not alike: server2 has i5; server1 has EPYC"]),
        ("xen-disk-write", "EPYC", ["servers are not alike: server2 has i5; server3 has EPYC"]),
        ("xen-disk-write", "i5", []),
    ],
)
def test_what_is_beside_a_guest_is_on_a_machine_like_its_own(
    name: str, others: str, says: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bare metal, or each of the other guests: by the CPUs of their servers."""

    def of_nodes(nodes: Iterable[SimpleNamespace]) -> dict[str, NodeFacts]:
        cpus = {node.name: "i5" if node.name == "server2" else others for node in nodes}
        return {name: NodeFacts(cpu, 4, 1, 1, "none") for name, cpu in cpus.items()}

    monkeypatch.setattr(facts, "of_nodes", of_nodes)
    servers = {"none": "server1", "xen": "server2", "kvm": "server3"}
    there = {
        kind: SimpleNamespace(kind=kind, label=kind, server=SimpleNamespace(name=server))
        for kind, server in servers.items()
    }
    all_of_them = Platforms(there, {}, {})  # type: ignore[arg-type]
    assert missing(STATED.hypervisors[name], all_of_them, STATED) == says


def test_a_guest_that_computes_as_fast_as_its_host_is_not_slower() -> None:
    """Which is what a figure's test would say of an emulated one: then it was no guest."""
    many = comparing()
    slow, alike = {"none": (9.0,) * 10, "qemu": (1.0,) * 10}, {"none": (9.0,), "qemu": (9.0,)}
    seen = many.verdicts({SPEED: slow, TIME: {k: v * 10 for k, v in alike.items()}}, "qemu")
    assert seen == {"speed": Verdict.SLOWER, "time": Verdict.UNDECIDED}
    assert many.verdicts({SPEED: alike}, "qemu") == {}
    assert many.verdicts({SPEED: {"none": (9.0,) * 10}}, "qemu") == {}
