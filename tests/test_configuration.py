"""Configurations: what a module may ask for, and what a topology cannot give."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from halab.configuration import Configuration
from halab.errors import ConfigurationError
from halab.placement import ANNEX_A1, RPS, Machine
from halab.topology import Topology

DIRECTOR = Machine(frozenset(range(2)))
TOPOLOGY = Path(__file__).parents[1] / "topology.yaml"


@pytest.fixture(scope="module")
def thesis() -> Topology:
    """The cluster of the thesis: 8 addresses on each of 6 servers."""
    return Topology.load(TOPOLOGY)


@pytest.mark.parametrize("vms", [1, 2, 4, 8])
def test_vm_counts_of_the_thesis_are_taken(thesis: Topology, vms: int) -> None:
    """The first so many VMs of each server."""
    configuration = Configuration(vms_per_server=vms)
    configuration.check(thesis, DIRECTOR)
    assert len(configuration.backends(thesis)) == 6 * vms


def test_server_with_16_addresses_takes_16_vms(tmp_path: Path) -> None:
    """And 17 no more than one with 8 takes 16."""
    text = TOPOLOGY.read_text("utf-8")
    head, rest = text.split("servers:\n")
    wide = tmp_path / "topology.yaml"
    wide.write_text(
        head
        + "servers:\n  server1: {address: 192.168.250.126, vms: 192.168.250.181-196}\n"
        + re.sub("server: server[2-9]", "server: server1", rest[rest.index("\nclients:") :])
    )
    topology = Topology.load(wide)
    Configuration(vms_per_server=16).check(topology, DIRECTOR)
    with pytest.raises(ConfigurationError, match="17 VMs per server: server1 has 16"):
        Configuration(vms_per_server=17).check(topology, DIRECTOR)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"vms_per_server": 16}, "16 VMs per server: server1 has 8"),
        ({"servers": 7}, "servers=7: the topology has 6"),
        ({"rps_mask": "4404"}, "rps_cpus 4404: there is no CPU 2,10,14 on a director"),
        ({"rps_mask": "0x8c"}, "'0x8c' is no CPU mask"),
        ({"haproxy_cpus": (0, 1)}, "1 threads in all need as many CPUs"),
        ({"haproxy_cpus": (9,)}, "haproxy_cpus 9: there is no CPU 9 on a director"),
        ({"haproxy_processes": 2, "haproxy_threads": 3}, "need 6 frontend ports"),
        ({"servers": -1}, "servers=-1: the topology has 6"),
        ({"haproxy_processes": 5}, "5: the topology has 4 frontend ports, so 1 to 4"),
        ({"tracking": "ping"}, "tracking='ping': there is interface, process, script"),
        ({"persistence": "ip"}, "persistence='ip': there is none, cookie, stick-table"),
        ({"health_check": "ping"}, "health_check='ping': there is tcp, http"),
        ({"http_reuse": "no"}, "http_reuse='no': there is never, safe, aggressive, always"),
        ({"layer": 3}, "layer=3: there is 7, 4"),
        ({"layer": 4, "persistence": "cookie"}, "persistence is of HAProxy, and layer=4 has none"),
        ({"layer": 4, "tracking": "script"}, "tracking is of HAProxy"),
        ({"web_server": "g-wan"}, "web_server='g-wan': G-WAN is closed"),
        ({"web_server": "iis"}, "web_server='iis': there is apache, apache-event, nginx"),
        ({"check_inter": 0.0001}, "check_inter=0.0001: 0.001 to"),
        ({"advert_int": 0.1}, "advert_int=0.1 in VRRPv2: its packets hold 1 to 255 s"),
        ({"advert_int": 1.5}, "advert_int=1.5 in VRRPv2"),
        ({"advert_int": 0.125, "vrrp_version": 3}, "advert_int=0.125 in VRRPv3: .* of 0.01 s"),
        ({"advert_int": 41.0, "vrrp_version": 3}, "0.01 to 40.95 s"),
        ({"vrrp_version": 4}, "VRRP has versions 2 and 3"),
        ({"preempt_delay": 1001.0}, "preempt_delay=1001: 0 to 1000 s"),
        ({"preempt_delay": 5.0, "nopreempt": True}, "no use with nopreempt"),
        ({"hypervisor": "lxc:///system"}, "hypervisor 'lxc:///system': the suite drives qemu:///"),
    ],
)
def test_what_cannot_be_taken_names_the_limit(
    thesis: Topology, settings: dict[str, object], said: str
) -> None:
    """In one line."""
    with pytest.raises(ConfigurationError, match=said) as refused:
        Configuration.declared(**settings).check(thesis, DIRECTOR)
    assert "\n" not in str(refused.value)


def test_a_placement_gives_processes_cpus_and_steering() -> None:
    """Table III's best, by name; what is said besides wins."""
    best = RPS[3]
    declared = Configuration.declared(placement=best, vms_per_server=8)
    assert (declared.haproxy_processes, declared.haproxy_cpus) == (4, (0, 1, 4, 5))
    assert declared.steering == best.steering
    assert declared.label == "008c,vms_per_server=8"
    assert declared.made_for(DIRECTOR) == ANNEX_A1


def test_a_process_has_a_slice_of_the_cpus() -> None:
    """In the order of processes, then of their threads."""
    configuration = Configuration(haproxy_processes=2, haproxy_threads=2, haproxy_cpus=(0, 1, 2, 3))
    assert [configuration.cpus_of(process) for process in (1, 2)] == [(0, 1), (2, 3)]


def test_servers_restrict_the_cluster(thesis: Topology) -> None:
    """The first of them, with as many VMs each as before."""
    backends = Configuration(vms_per_server=4, servers=2).backends(thesis)
    assert [vm.name for vm in backends] == [f"web{n}" for n in (1, 2, 3, 4, 9, 10, 11, 12)]


def test_layer_4_has_one_port_and_no_haproxy(thesis: Topology) -> None:
    """And needs a kernel of its own, as the tracking of processes does."""
    four = Configuration.declared(layer=4)
    four.check(thesis, DIRECTOR)
    assert ([*four.processes], four.ports, four.label) == ([], 1, "layer=4")
    assert four.needs_a_kernel
    assert Configuration.declared(tracking="process").needs_a_kernel
    assert not Configuration.declared(haproxy_processes=2).needs_a_kernel


@pytest.mark.parametrize(
    ("settings", "needs_guests"),
    [({}, False), ({"vms_pinned": True}, True), ({"hypervisor": "qemu:///system"}, True)],
)
def test_pins_and_a_libvirt_need_guests(settings: dict[str, object], needs_guests: bool) -> None:
    """A container has no vCPU that could be pinned."""
    assert Configuration.declared(**settings).needs_guests is needs_guests
