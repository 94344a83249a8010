"""What a lab is prepared with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from halab.lab import rack
from halab.lab.plan import Secrets, prepare
from halab.topology import Topology

AS_IT_IS = Path(__file__).parents[1] / "topology.yaml"


@pytest.mark.parametrize(
    ("named", "fits"),
    [
        ({}, True),
        ({"auth_pass: vrrp-pw,": 0}, True),
        ({"auth_pass: another,": 0}, False),
        ({"password: stats-pw,": 1}, True),
        ({"password: another,": 1}, False),
    ],
    ids=str,
)
def test_a_standing_lab_keeps_its_passwords(
    named: dict[str, int], fits: bool, tmp_path: Path
) -> None:
    """A topology that names none takes the lab's; one that names another is another topology."""
    text = AS_IT_IS.read_text()
    for setting, place in named.items():
        before = ("auth_type: PASS", "user: operator")[place]
        text = text.replace(before, f"{setting} {before}")
    (tmp_path / "topology.yaml").write_text(text)
    topology = Topology.load(tmp_path / "topology.yaml")
    assert Secrets(vrrp="vrrp-pw", stats="stats-pw").fit(topology) == fits


@pytest.mark.parametrize("guests", ["containers", "java"])
def test_web_vms_with_java_have_a_disk_of_their_own(
    guests: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Machines have the light one all the same, and the lab remembers what its VMs are."""
    monkeypatch.setattr(rack, "STATE", tmp_path)
    java = Path("/java") if guests == "java" else None
    topology, light = Topology.load(AS_IT_IS), Path("/light")
    plan = prepare(topology, "x", "embedded", light, False, guests=guests, web_disk=java)
    assert plan["image"] == "/light"
    binds = {machine["name"]: machine["binds"] for machine in plan["machines"]}
    assert binds["server1"] == ((str(java or light), "/srv/image"),)
    assert binds["lb1"] == ()
    assert json.loads((tmp_path / "x" / "lab.json").read_text())["guests"] == guests
