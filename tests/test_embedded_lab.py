"""The embedded lab: real machines that cannot reach the host, and nothing left when it goes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from halab.errors import CommandFailed, NodeError
from halab.lab import cgroup, inotify
from halab.lab.embedded import EmbeddedLab
from halab.node import each


def test_no_interface_of_the_lab_is_on_the_host(lab: EmbeddedLab) -> None:
    """The namespace that pytest was started from knows neither ports nor addresses of the lab."""
    seen = subprocess.run(
        ["nsenter", f"--net=/proc/{os.getppid()}/ns/net", "ip", "-o", "addr"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert not [name for name in ("lan", "behind", *lab.nodes) if f" {name}" in seen]
    for network in lab.topology.networks:
        assert str(network.network_address).rpartition(".")[0] not in seen


def test_no_route_leads_out(lab: EmbeddedLab) -> None:
    """Neither the operator nor a node has a default route."""
    here = subprocess.run(["ip", "route"], capture_output=True, text=True, check=True).stdout
    assert "default" not in here
    for node in lab.nodes.values():
        assert "default" not in node.run("ip route")


def test_gateway_is_the_only_way_to_the_client_behind_it(lab: EmbeddedLab) -> None:
    """Each side reaches the other while it is on, after a power cycle too, and not without it."""
    inside, outside = lab.nodes["lb1"], lab.nodes["client4"]
    there = inside.run("ip -j route get %s", str(outside.address))
    assert json.loads(there)[0]["gateway"] == str(lab.topology.gateways["gateway1"].address)
    lab.power_off("gateway1")
    assert inside.ask("ping -c 1 -W 1 -q %s", str(outside.address)).rc != 0
    lab.power_on("gateway1")
    lab.await_nodes()
    assert outside.ask("ping -c 1 -W 5 -q %s", str(inside.address)).rc == 0


@pytest.mark.parametrize("node", ["lb1", "server1"])
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
def test_node_cannot_reach_the_host(lab: EmbeddedLab, attempt: str, node: str) -> None:
    """Clock, raw devices and host-wide settings are out of the reach of any node."""
    assert lab.nodes[node].ask(attempt).rc != 0


def test_host_of_guests_has_devices_of_its_own(lab: EmbeddedLab) -> None:
    """What it does to the mode of one is not done to this machine's."""
    if lab.guests != "libvirt":
        pytest.skip(f"guests are {lab.guests}: run with --guests=libvirt")
    server, here = lab.nodes["server1"], Path("/dev/net/tun")
    before = here.stat()
    server.run("chmod 600 /dev/net/tun")
    try:
        assert server.run("stat -c %a /dev/net/tun").strip() == "600"
        assert (here.stat().st_mode, here.stat().st_ctime) == (before.st_mode, before.st_ctime)
    finally:
        server.run("chmod 666 /dev/net/tun")


def test_director_has_its_time_beside_busy_servers(lab: EmbeddedLab) -> None:
    """Where time is short a director comes first, as one that shares no CPU with web VMs."""
    lasting = 1.5
    spin = f"timeout {lasting} sh -c 'while :; do :; done'"
    everywhere = " & ".join([spin] * len(os.sched_getaffinity(0))) + "; wait"
    busy = [lab.nodes[name] for name in ("lb1", "server1", "server2")]
    before = {node.name: lab.cpu_time(node.name) for node in busy}
    each(busy, lambda node: node.ask(everywhere))
    had = {node.name: lab.cpu_time(node.name) - before[node.name] for node in busy}
    assert had["lb1"] > 2 * (had["server1"] + had["server2"]), had


def test_power_cycle_keeps_the_disk(lab: EmbeddedLab) -> None:
    """A machine comes back as a real one does: what was written is there, what ran is not."""
    node = lab.nodes["client3"]
    node.put("/root/kept", "through the power cut")
    lab.power_off("client3")
    assert lab.status()["client3"] == "off"
    lab.power_on("client3")
    lab.await_nodes()
    assert node.read("/root/kept") == "through the power cut"


def test_command_that_is_killed_has_not_failed(lab: EmbeddedLab) -> None:
    """A reboot cuts commands off; that says nothing of what they would have answered."""
    with pytest.raises(NodeError, match="client3: killed, or cut off") as refused:
        lab.nodes["client3"].run("kill -9 $$")
    assert not isinstance(refused.value, CommandFailed)


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


SIXTEEN = """\
import sys
from pathlib import Path
from halab.cluster import Cluster
from halab.configuration import Configuration
from halab.lab.embedded import EmbeddedLab
from halab.node import each
from halab.topology import Topology
lab = EmbeddedLab.start(Topology.load(Path(sys.argv[1])), "sixteen", print)
try:
    lab.enter(); lab.await_nodes()
    cluster = Cluster(lab)
    cluster.bring_to(Configuration(vms_per_server=16))
    (server,) = cluster.servers.values()
    running = cluster.hypervisor.running(server)
    seen = [director.haproxy().healthy("wwwbackend") for director in cluster.directors.values()]
    assert seen == [running, running] and len(running) == 16, (running, seen)
finally:
    lab.down()
"""


@pytest.mark.slow
def test_server_of_sixteen_addresses_runs_sixteen_vms(tmp_path: Path) -> None:
    """The thesis's largest count, of which its own servers have no addresses (Table II: 8)."""
    checkout = Path(__file__).parents[1]
    server = "servers:\n  server1: {address: 192.168.250.126, vms: 192.168.250.181-196}\n\nclients:"
    thesis = (checkout / "topology.yaml").read_text(encoding="utf-8")
    topology = tmp_path / "sixteen.yaml"
    topology.write_text(re.sub(r"^servers:.*^clients:", server, thesis, flags=re.M | re.S))
    subprocess.run(
        [sys.executable, "-c", SIXTEEN, str(topology)], check=True, timeout=120, cwd=checkout
    )
