"""A web VM as a libvirt domain: the XML that defines it, and what libvirt says of it.

A domain of the suite carries a mark in its ``<metadata>``; one without it is somebody else's.
"""

from __future__ import annotations

import re
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from halab import cpu, templates
from halab.errors import ConfigurationError, NodeError
from halab.topology import VirtualMachine

MARK = "urn:halab:web-vm"
"""The XML namespace of the suite's mark."""

TYPES = {"qemu:///system": "kvm", "xen:///system": "xen", "vbox:///session": "vbox"}
"""What ``<domain type=…>`` a hypervisor has, by its URI. QEMU without KVM has "qemu"."""


def check(uri: str) -> None:
    """Raise :class:`ConfigurationError` unless the suite drives that hypervisor."""
    if uri not in TYPES:
        raise ConfigurationError(f"hypervisor {uri!r}: the suite drives {', '.join(TYPES)}")


@dataclass(frozen=True)
class Kernel:
    """What a domain boots without a boot loader; the paths are the server's."""

    path: PurePosixPath
    initrd: PurePosixPath
    line: str


@dataclass(frozen=True)
class Guest:
    """What a VM is made of: its disks on the server, the first of them ``/dev/vda``.

    A disk that is ``shared`` is only read. Without a kernel it boots from the first disk.
    ``memory`` is in MiB. Disks are raw, or qcow2 where that is how the file's name ends;
    ``uncached``: QEMU passes its host's cache by.
    """

    disks: tuple[PurePosixPath, ...]
    shared: frozenset[PurePosixPath] = frozenset()
    kernel: Kernel | None = None
    memory: int = 192
    bridge: str = "br0"
    mac: str = ""
    uncached: bool = False


def xml(vm: VirtualMachine, guest: Guest, kind: str, vcpus: int, pins: Sequence[int] = ()) -> str:
    """The definition of a domain of that ``kind``, one of :data:`TYPES` or "qemu".

    ``pins`` is the CPU of each vCPU; without any, the server's scheduler decides.
    """
    return templates.render(
        "domain.xml.j2",
        vm=vm,
        # the same each time, so that a new definition replaces the old one, and no other's
        uuid=uuid.uuid5(uuid.NAMESPACE_URL, f"{MARK}/{vm.server}/{vm.name}"),
        mark=MARK,
        guest=guest,
        kind=kind,
        vcpus=vcpus,
        pins=pins,
    )


@dataclass(frozen=True)
class Domain:
    """A domain as ``virsh dumpxml`` shows it. ``pins`` is by vCPU, of those that have one."""

    name: str
    ours: bool
    active: bool
    vcpus: int
    pins: dict[int, frozenset[int]]

    def runs_with(self, vcpus: int) -> bool:
        """True if it is on and has so many vCPUs."""
        return self.active and self.vcpus == vcpus

    def pinned(self, plan: Sequence[int], cpus: frozenset[int]) -> bool:
        """True if each vCPU is on its CPU of the plan; without a plan, if all may use all CPUs."""
        wanted = [frozenset({pin}) for pin in plan] or [cpus] * self.vcpus
        return wanted == [self.pins.get(vcpu, cpus) for vcpu in range(self.vcpus)]


def domains(dumps: str) -> tuple[Domain, ...]:
    """Read the output of ``virsh dumpxml``, of any number of domains one after the other.

    Raises :class:`NodeError` for what is not that.
    """
    try:
        every = ET.fromstring(f"<domains>{dumps}</domains>")
        if "".join([every.text or "", *(top.tail or "" for top in every)]).strip():
            raise ValueError("text between the domains")
        return tuple(_domain(top) for top in every)
    except (ET.ParseError, ValueError, AttributeError, ConfigurationError) as why:
        raise NodeError(f"virsh dumpxml: {why}: {dumps[:80]!r}") from None


def _domain(top: ET.Element) -> Domain:
    return Domain(
        name=top.findtext("name", ""),
        ours=top.find(f"metadata/{{{MARK}}}vm") is not None,
        # only one that is active has an id
        active="id" in top.attrib,
        vcpus=int(top.findtext("vcpu", "")),
        pins={
            int(pin.get("vcpu", "")): cpu.cpus_in(pin.get("cpuset", ""))
            for pin in top.findall("cputune/vcpupin")
        },
    )


_THREAD = re.compile(r"Name:\tCPU (\d+)/(?:KVM|TCG)\nCpus_allowed_list:\t(\S+)$", re.MULTILINE)


def vcpu_threads(status: str) -> dict[int, frozenset[int]]:
    """The CPUs on which each vCPU's thread may run, by vCPU.

    ``status`` are the lines ``Name`` and ``Cpus_allowed_list`` of ``/proc/PID/task/*/status``.
    QEMU calls its threads "CPU 0/KVM" or "CPU 0/TCG" when libvirt starts it (debug-threads).
    Raises :class:`NodeError` when there is no such thread.
    """
    threads = {int(n): cpu.cpus_in(allowed) for n, allowed in _THREAD.findall(status)}
    if not threads:
        raise NodeError(f"/proc/PID/task/*/status: no thread of a vCPU in {status[:80]!r}")
    return dict(sorted(threads.items()))


def all_vcpus(status: str) -> list[frozenset[int]]:
    """The same of every guest of a server, whichever it is; none where no guest runs."""
    return [cpu.cpus_in(allowed) for _, allowed in _THREAD.findall(status)]
