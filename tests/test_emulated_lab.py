"""The emulated lab: directors of QEMU that are, to Linux, what the thesis's were."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from halab import cpu
from halab.lab import cgroup, rack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

NAME = "emulated-test"

# A process of its own, since one can be in one lab only.
STORY = """
import json
from pathlib import Path
from halab import wait, webserver
from halab.cluster import Cluster
from halab.configuration import Configuration
from halab.lab.emulated import EmulatedLab
from halab.nic import Nic
from halab.placement import RFS, RPS
from halab.topology import Topology

topology = Topology.load(Path("topology.yaml"))
lab = EmulatedLab.start(topology, "emulated-test", lambda step: None)
lab.enter()
lab.await_nodes()
lb1, seen = lab.nodes["lb1"], {}
seen["nodes"] = lb1.run("lscpu -p=CPU,NODE | grep -v '#'").split()
seen["queues"] = lb1.run("ls /sys/class/net/eth0/queues").split()
seen["mask"] = lb1.run(
    "f=/sys/class/net/eth0/queues/rx-0/rps_cpus; echo 008c > $f && cat $f"
).strip()
seen["pinned"] = lb1.run(
    "sleep 60 & taskset -cp 5 $! >&2; grep Cpus_allowed_list /proc/$!/status; kill $!"
).split()[-1]
cluster = Cluster(lab)
cluster.bring_to(Configuration())
nics = [Nic(director.node) for director in cluster.directors.values()]
before = [nic.state() for nic in nics]
for placed in (RPS[3], RFS[0]):
    with cluster.steered(placed.steering):
        seen[placed.name] = [nic.state() != state for nic, state in zip(nics, before)]
seen["restored"] = [nic.state() == state for nic, state in zip(nics, before)]
seen["page"] = webserver.get(topology.vip, topology.haproxy.frontend_ports[0], "/").status

lb1.run("ip -o monitor link > /root/links 2>&1 & echo $! > /root/monitor")
listens = 'grep -q " $(cat /root/monitor) " /proc/net/netlink'
wait.until(lambda: lb1.ask(listens).rc == 0, what="lb1 listens for changes of links", within=10)
lab.port_down("lb1")
wait.until(lambda: cluster.backup.holds(cluster.vip), what="lb2 takes over", within=20)
lab.port_up("lb1")
lab.await_nodes()
wait.until(lambda: "LOWER_UP" in lb1.read("/root/links"), what="lb1 has carrier", within=20)
seen["links"] = lb1.read("/root/links")
lb1.run("kill $(cat /root/monitor)")

boot = lb1.read("/proc/sys/kernel/random/boot_id")
lb1.put("/root/kept", "through the power cut")
lab.power_off("lb1")
seen["off"] = lab.status()["lb1"]
lab.power_on("lb1")
lab.await_nodes()
seen["rebooted"] = boot != lb1.read("/proc/sys/kernel/random/boot_id")
seen["kept"] = lb1.read("/root/kept")
lab.down()
print(json.dumps(seen))
"""


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    """What the story found on lb1."""
    told = subprocess.run(
        [sys.executable, "-c", STORY],
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=390,
    )
    facts: dict[str, Any] = json.loads(told.stdout)
    return facts


def test_numa_column_is_that_of_annex_a1(seen: dict[str, Any]) -> None:
    """CPUs 0 to 3 are in node 0, 4 to 7 in 1, 8 to 11 in 2, 12 to 15 in 3."""
    assert seen["nodes"] == [f"{number},{number // 4}" for number in range(16)]


def test_nic_has_one_receive_queue(seen: dict[str, Any]) -> None:
    """RPS is the thesis's answer to a NIC that has no more."""
    assert seen["queues"] == ["rx-0", "tx-0"]


def test_rps_mask_is_taken(seen: dict[str, Any]) -> None:
    """Table III's 008c names CPUs 2, 3 and 7."""
    assert cpu.cpus_of(seen["mask"]) == {2, 3, 7}


def test_steering_is_put_back(seen: dict[str, Any]) -> None:
    """On both directors, RPS, RFS and interrupts: after the block all is as it was before."""
    assert (seen["008c"], seen["RFS-1"]) == ([True, True], [True, True])
    assert seen["restored"] == [True, True]


def test_process_is_pinned(seen: dict[str, Any]) -> None:
    """Section 4.3.2's ``taskset -cp 5``."""
    assert seen["pinned"] == "5"


def test_vip_serves(seen: dict[str, Any]) -> None:
    """The emulated director balances to the web VMs beside it."""
    assert seen["page"] == 200


def test_director_notices_a_cable_without_carrier(seen: dict[str, Any]) -> None:
    """A port that goes down at the switch is NO-CARRIER in the guest, and LOWER_UP again after."""
    down, up = (line for line in seen["links"].splitlines() if "eth0" in line)
    assert "NO-CARRIER" in down
    assert "LOWER_UP" in up


def test_power_cycle_keeps_the_disk(seen: dict[str, Any]) -> None:
    """What was written just before the power cut is there, under a kernel that is not the same."""
    assert (seen["off"], seen["rebooted"], seen["kept"]) == ("off", True, "through the power cut")


def test_nothing_is_left(seen: dict[str, Any]) -> None:
    """QEMU goes with the lab: no state folder, no control group."""
    assert not rack.state(NAME).exists()
    assert not any(group.exists() for group in cgroup.groups(NAME))
