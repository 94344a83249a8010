"""Domains: the XML that defines one, what libvirt says of it, and its vCPUs' threads."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from ipaddress import IPv4Address
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halab.errors import ConfigurationError, NodeError
from halab.hypervisor import domain
from halab.hypervisor.domain import Domain, Guest, Kernel, all_vcpus, domains, vcpu_threads, xml
from halab.topology import VirtualMachine

WEB2 = VirtualMachine(name="web2", address=IPv4Address("192.168.250.182"), server="server1")
SYSTEM = PurePosixPath("/srv/guest/disk")
GUEST = Guest(
    disks=(SYSTEM, PurePosixPath("/var/lib/halab/web2.disk")),
    shared=frozenset({SYSTEM}),
    kernel=Kernel(PurePosixPath("/srv/guest/kernel"), PurePosixPath("/srv/guest/initrd"), "quiet"),
    mac="02:00:c0:a8:fa:b6",
)

# libvirt 9.0, a domain that runs; some of what is of no interest here is left out.
DUMP = """\
<domain type='qemu' id='3'>
  <name>web2</name>
  <uuid>9df286d3-da00-561a-b751-e7604b300619</uuid>
  <metadata>
    <halab:vm xmlns:halab="urn:halab:web-vm" server="server1"/>
  </metadata>
  <memory unit='KiB'>196608</memory>
  <vcpu placement='static'>2</vcpu>
  <cputune>
    <vcpupin vcpu='0' cpuset='2'/>
    <vcpupin vcpu='1' cpuset='3'/>
  </cputune>
  <os>
    <type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type>
  </os>
</domain>

"""
FOREIGN = """\
<domain type='kvm'>
  <name>somebody's &amp; co</name>
  <metadata><other:vm xmlns:other="urn:other"/></metadata>
  <vcpu placement='static' current='1'>4</vcpu>
</domain>

"""

# Linux 6.1, the threads of a QEMU with two vCPUs: grep for Name and Cpus_allowed_list.
STATUS = """\
Name:\tqemu-system-x86
Cpus_allowed_list:\t0-15
Name:\tIO mon_iothread
Cpus_allowed_list:\t0-15
Name:\tCPU 1/TCG
Cpus_allowed_list:\t3
Name:\tCPU 0/TCG
Cpus_allowed_list:\t2
Name:\tworker
Cpus_allowed_list:\t0-15
"""


def defined(kind: str = "kvm", vcpus: int = 2, pins: tuple[int, ...] = ()) -> ET.Element:
    return ET.fromstring(xml(WEB2, GUEST, kind, vcpus, pins))


class TestDefinition:
    """What is given to ``virsh define``."""

    def test_vcpus_are_static_and_each_is_pinned(self) -> None:
        """As in the thesis's section 4.2, here the second VM of two on four CPUs."""
        top = defined(pins=(2, 3))
        vcpu = top.find("vcpu")
        assert vcpu is not None
        assert (vcpu.get("placement"), vcpu.text) == ("static", "2")
        pins = [(pin.get("vcpu"), pin.get("cpuset")) for pin in top.findall("cputune/vcpupin")]
        assert pins == [("0", "2"), ("1", "3")]

    def test_unpinned_has_no_cputune(self) -> None:
        """The scheduler of the server decides."""
        assert defined().find("cputune") is None

    @pytest.mark.parametrize("kind", ["kvm", "qemu", "xen", "vbox"])
    def test_it_is_ours_when_read_back(self, kind: str) -> None:
        """Whatever the hypervisor."""
        (its,) = domains(xml(WEB2, GUEST, kind, 2, (2, 3)))
        assert its == Domain("web2", True, False, 2, {0: frozenset({2}), 1: frozenset({3})})

    def test_uuid_is_the_vms_own_and_stays(self) -> None:
        """So that libvirt takes a new definition of ours, and none over another's domain."""
        other = WEB2.model_copy(update={"server": "server2"})
        ids = [
            ET.fromstring(xml(vm, GUEST, "kvm", vcpus, ())).findtext("uuid")
            for vm, vcpus in ((WEB2, 1), (WEB2, 2), (other, 1))
        ]
        assert ids[0] == ids[1] != ids[2]

    def test_shared_disk_is_only_read(self) -> None:
        """Every guest has it; the VM's own disk is written."""
        disks = {
            source.get("file"): disk.find("readonly") is not None
            for disk in defined().findall("devices/disk")
            if (source := disk.find("source")) is not None
        }
        assert disks == {"/srv/guest/disk": True, "/var/lib/halab/web2.disk": False}

    @pytest.mark.parametrize(("kind", "model"), [("kvm", "virtio"), ("vbox", "82540EM")])
    def test_nic_is_section_3_2_s(self, kind: str, model: str) -> None:
        """virtio for KVM, for VirtualBox the Intel PRO/1000 MT."""
        nic = defined(kind).find("devices/interface/model")
        assert nic is not None
        assert nic.get("type") == model

    @pytest.mark.parametrize(("disk", "of"), [("vm.qcow2", "qcow2"), ("vm.img", "raw")])
    def test_a_disk_is_what_its_name_says(self, disk: str, of: str) -> None:
        """QEMU would not look, and take a qcow2 for raw."""
        guest = Guest(disks=(PurePosixPath("/srv", disk),))
        assert "cache=" not in xml(WEB2, guest, "kvm", 1)
        driver = ET.fromstring(xml(WEB2, guest, "kvm", 4)).find("devices/disk/driver")
        assert driver is not None
        assert driver.get("type") == of

    def test_without_a_kernel_it_boots_from_disk(self) -> None:
        """As VMs that somebody installed do."""
        top = ET.fromstring(xml(WEB2, Guest(disks=(SYSTEM,)), "xen", 1))
        boot, first = top.find("os/boot"), top.find("devices/disk/target")
        assert boot is not None
        assert first is not None
        assert (boot.get("dev"), first.get("dev")) == ("hd", "xvda")
        assert top.find("os/kernel") is None

    @pytest.mark.parametrize("uri", ["", "qemu", "qemu:///session", "lxc:///system"])
    def test_unknown_uri_is_refused_with_those_known(self, uri: str) -> None:
        """One line."""
        with pytest.raises(ConfigurationError, match=r"qemu:///system, xen:///system, vbox:///s"):
            domain.check(uri)


class TestDomains:
    """What ``virsh dumpxml`` says."""

    def test_ours_is_told_from_a_foreign_one(self) -> None:
        """By the mark in the metadata, not by the name."""
        ours, foreign = domains(DUMP + FOREIGN)
        assert ours == Domain("web2", True, True, 2, {0: frozenset({2}), 1: frozenset({3})})
        assert foreign == Domain("somebody's & co", False, False, 4, {})

    def test_no_domain_is_no_output(self) -> None:
        """A server without any."""
        assert domains("") == ()
        assert domains("\n") == ()

    @pytest.mark.parametrize(
        "text", ["error: no", "<domain>", "<domain/>", DUMP.replace("'2'/>", "'x'/>")]
    )
    def test_anything_else_is_an_error(self, text: str) -> None:
        """With the beginning of what was said."""
        with pytest.raises(NodeError, match="virsh dumpxml"):
            domains(text)

    @pytest.mark.parametrize(
        ("pins", "plan", "as_planned"),
        [
            ({0: {2}, 1: {3}}, (2, 3), True),
            ({0: {3}, 1: {2}}, (2, 3), False),
            ({0: {2}}, (2, 3), False),
            ({0: {2, 3}, 1: {3}}, (2, 3), False),
            ({}, (2, 3), False),
            ({}, (), True),
            ({0: {0, 1, 2, 3}, 1: {0, 1, 2, 3}}, (), True),
            ({0: {0, 1, 2}}, (), False),
        ],
    )
    def test_pinned_as_planned(
        self, pins: dict[int, set[int]], plan: tuple[int, ...], as_planned: bool
    ) -> None:
        """A vCPU without a pin may use all CPUs; libvirt shows one that was let go as on all."""
        its = Domain("web2", True, True, 2, {n: frozenset(cpus) for n, cpus in pins.items()})
        assert its.pinned(plan, frozenset(range(4))) is as_planned

    def test_one_that_is_off_runs_with_nothing(self) -> None:
        """Nor does one with another number of vCPUs run as asked."""
        on, off = (Domain("web2", True, active, 2, {}) for active in (True, False))
        assert [on.runs_with(2), on.runs_with(1), off.runs_with(2)] == [True, False, False]


class TestVcpuThreads:
    """Where the kernel lets a vCPU run."""

    def test_vcpus_are_told_from_other_threads(self) -> None:
        """In the order of their numbers, whatever the threads'."""
        found = vcpu_threads(STATUS)
        assert list(found.items()) == [(0, frozenset({2})), (1, frozenset({3}))]

    def test_kvm_has_its_own_name_for_them(self) -> None:
        """The same but for that."""
        assert vcpu_threads(STATUS.replace("TCG", "KVM")) == vcpu_threads(STATUS)

    @pytest.mark.parametrize("status", ["", STATUS.replace("CPU ", "CPU")])
    def test_no_such_thread_is_an_error(self, status: str) -> None:
        """Not an empty plan, which anything would agree with."""
        with pytest.raises(NodeError, match="no thread of a vCPU"):
            vcpu_threads(status)

    @given(st.dictionaries(st.integers(0, 300), st.frozensets(st.integers(0, 63), min_size=1)))
    def test_what_the_kernel_writes_is_read(self, threads: dict[int, frozenset[int]]) -> None:
        """Lists of single numbers among it, which the kernel would shorten to ranges."""
        lines = "".join(
            f"Name:\tCPU {n}/KVM\nCpus_allowed_list:\t{','.join(map(str, sorted(cpus)))}\n"
            for n, cpus in threads.items()
        )
        assert Counter(all_vcpus(2 * lines)) == Counter([*threads.values()] * 2)
        if threads:
            assert vcpu_threads("Name:\tqemu\nCpus_allowed_list:\t0\n" + lines) == threads
