"""The embedded lab: real machines that cannot reach the host, and nothing left when it goes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from halab.lab import cgroup, inotify
from halab.lab.embedded import EmbeddedLab


def test_no_interface_of_the_lab_is_on_the_host(lab: EmbeddedLab) -> None:
    """The namespace that pytest was started from knows neither ports nor addresses of the lab."""
    seen = subprocess.run(
        ["nsenter", f"--net=/proc/{os.getppid()}/ns/net", "ip", "-o", "addr"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert not [name for name in ("lan", *lab.nodes) if f" {name}" in seen]
    assert str(lab.topology.network.network_address).rpartition(".")[0] not in seen


def test_no_route_leads_out(lab: EmbeddedLab) -> None:
    """Neither the operator nor a node has a default route."""
    here = subprocess.run(["ip", "route"], capture_output=True, text=True, check=True).stdout
    assert "default" not in here
    assert "default" not in lab.nodes["client1"].run("ip route")


@pytest.mark.parametrize(
    "attempt",
    [
        "date -s 2000-01-01",
        "mknod /root/disk b 8 0",
        "sysctl -w kernel.panic=1",
        "echo 1 > /proc/sys/fs/file-max",
        "echo b > /proc/sysrq-trigger",
    ],
)
def test_node_cannot_reach_the_host(lab: EmbeddedLab, attempt: str) -> None:
    """Clock, raw devices and host-wide settings are out of a node's reach."""
    assert lab.nodes["lb1"].ask(attempt).rc != 0


def test_power_cycle_keeps_the_disk(lab: EmbeddedLab) -> None:
    """A machine comes back as a real one does: what was written is there, what ran is not."""
    node = lab.nodes["client3"]
    node.put("/root/kept", "through the power cut")
    lab.power_off("client3")
    assert lab.status()["client3"] == "off"
    lab.power_on("client3")
    lab.await_nodes()
    assert node.read("/root/kept") == "through the power cut"


def test_nothing_is_left_when_a_lab_goes(lab: EmbeddedLab) -> None:
    """State folder, control groups and the inotify limit are as before; a lab beside it stands."""
    script = (
        "from pathlib import Path\n"
        "from halab.lab.embedded import EmbeddedLab\n"
        "from halab.topology import Topology\n"
        "lab = EmbeddedLab.start(Topology.load(Path('topology.yaml')), 'beside', print)\n"
        "lab.enter(); lab.await_nodes(); lab.down()\n"
    )
    subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        timeout=60,
        cwd=Path(__file__).parents[1],
    )
    assert not Path("/run/halab/beside").exists()
    assert not any(group.exists() for group in cgroup.groups("beside"))
    assert int(inotify.LIMIT.read_text()) >= inotify.NEEDED
    assert lab.status()["lb1"] == "on"
