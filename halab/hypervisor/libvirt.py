"""Web VMs as libvirt domains, driven by ``virsh`` on their server: QEMU, Xen or VirtualBox."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from halab import cpu, webserver
from halab.errors import ConfigurationError, NodeError
from halab.hypervisor import domain
from halab.hypervisor.domain import MARK, Domain, Guest
from halab.node import Node
from halab.topology import VirtualMachine

DOMAINS_SH = Path(__file__).with_name("domains.sh")

FOLDER = "/var/lib/halab"
"""On a server: the definitions of its VMs, and what else is theirs, by their names."""

_DUMP = """\
export LC_ALL=C
all=$(virsh -q -c %s list --all --uuid) || exit
[ -z "$all" ] || virsh -q -c %s "$(printf 'dumpxml %%s;' $all)"
"""

_VCPUS = """\
pid=$(cat %s) || exit
grep -hsE '^(Name|Cpus_allowed_list):' /proc/$pid/task/*/status
"""

_PSS = """\
for file in /run/libvirt/qemu/*.pid; do
    [ ! -e "$file" ] || awk '/^Pss:/ { print $2 }' "/proc/$(cat "$file")/smaps_rollup"
done
"""


class Guests(Protocol):
    """Where a lab's VMs come from."""

    def guest(self, vm: VirtualMachine) -> Guest:
        """What the VM is made of."""
        ...

    def prepare(self, server: Node, vms: Iterable[VirtualMachine]) -> None:
        """Put what VMs that are off need on their server, as new."""
        ...


class LibvirtHypervisor:
    """Each VM is a domain that carries the suite's mark; no other domain is ever touched.

    ``accelerated`` says whether QEMU has KVM. Raises :class:`halab.errors.ConfigurationError`
    for a URI that the suite does not drive.
    """

    def __init__(self, guests: Guests, uri: str, *, accelerated: bool) -> None:
        domain.check(uri)
        self.guests = guests
        self.uri = uri
        emulated = uri == "qemu:///system" and not accelerated
        self.kind = "qemu" if emulated else domain.TYPES[uri]

    # -- what is there -----------------------------------------------------------------------

    def domains(self, server: Node) -> tuple[Domain, ...]:
        """Every domain on the server, whoever defined it."""
        dumped = server.ask(_DUMP, self.uri, self.uri)
        if dumped.rc != 0:
            raise NodeError(f"{server.name}: virsh -c {self.uri}: {_line(dumped.stderr)}")
        return domain.domains(dumped.stdout)

    def running(self, server: Node) -> frozenset[str]:
        """The names of the suite's VMs that run on the server."""
        return frozenset(its.name for its in self.domains(server) if its.ours and its.active)

    def vcpu_affinity(self, server: Node, vm: str) -> dict[int, frozenset[int]]:
        """The CPUs on which the thread of each vCPU may run, by vCPU: what the kernel obeys.

        Only QEMU has such threads; raises :class:`halab.errors.NodeError` where there are none.
        """
        # a worker thread may end while it is read: what is missing then is no vCPU
        status = server.ask(_VCPUS, f"/run/libvirt/qemu/{vm}.pid").stdout
        return domain.vcpu_threads(status)

    def memory(self, server: Node) -> int:
        """MiB that the server's QEMUs have, what they share counted once (Pss of proc(5))."""
        return sum(int(kib) for kib in server.run(_PSS).split()) >> 10

    def serving_within(self, vms: int) -> float:
        """Seconds that so many VMs, started together, may take to their first page."""
        return 30 + 7.5 * vms if self.kind == "qemu" else 60

    # -- change ------------------------------------------------------------------------------

    def place(
        self,
        server: Node,
        vms: Sequence[VirtualMachine],
        *,
        pinned: bool,
        web_server: str = webserver.APACHE,
    ) -> list[str]:
        """Have these VMs run, pinned as annex A.14 does or left to the server's scheduler.

        Those that run with as many vCPUs as they are to have are pinned, or let go, as they run;
        those with another number start anew. Returns before they serve, with the names of the
        suite's other VMs on the server. Raises :class:`ConfigurationError` for another web server
        than Apache, which guests are made with.
        """
        if web_server != webserver.APACHE:
            raise ConfigurationError(f"guests are made with {webserver.APACHE}, not {web_server}")
        cpus = cpu.cpus_in(server.read("/sys/devices/system/cpu/online"))
        plan = dict(zip(vms, cpu.pin_plan(len(vms), cpus) if vms else (), strict=True))
        there = {its.name: its for its in self.domains(server) if its.ours}
        all_ = cpu.cpu_list(cpus)
        fit = {
            vm: there[vm.name]
            for vm in vms
            if vm.name in there and there[vm.name].runs_with(vcpus=len(plan[vm]))
        }
        anew = [vm for vm in vms if vm not in fit]
        moved = [vm for vm in fit if not fit[vm].pinned(plan[vm] if pinned else (), cpus)]
        self.remove(server, [vm.name for vm in anew if vm.name in there])
        if anew:
            self.guests.prepare(server, anew)
        self.define(server, {vm: plan[vm] for vm in (*anew, *moved)}, pinned=pinned)
        self._pin(server, {vm: [str(pin) if pinned else all_ for pin in plan[vm]] for vm in moved})
        self.start(server, anew)
        return sorted(there.keys() - {vm.name for vm in vms})

    def define(
        self, server: Node, plan: Mapping[VirtualMachine, Sequence[int]], *, pinned: bool
    ) -> None:
        """Define VMs, or define them anew: a vCPU for each CPU of the plan, pinned to it or not.

        What runs goes on as it is. Raises :class:`NodeError` when another has a VM's name.
        """
        if not plan:
            return
        server.put_all(
            {
                f"{FOLDER}/{vm.name}.xml": domain.xml(
                    vm, self.guests.guest(vm), self.kind, len(cpus), cpus if pinned else ()
                )
                for vm, cpus in plan.items()
            }
        )
        self._each("define", server, (vm.name for vm in plan))

    def _pin(self, server: Node, lists: Mapping[VirtualMachine, Sequence[str]]) -> None:
        """Have the vCPUs of VMs that run and are ours run on these lists of CPUs from now on."""
        commands = [
            f"vcpupin {vm.name} {vcpu} {cpus} --live"
            for vm, of_vm in lists.items()
            for vcpu, cpus in enumerate(of_vm)
        ]
        if not commands:
            return
        done = server.ask("LC_ALL=C virsh -q -c %s %s", self.uri, "; ".join(commands))
        # of several commands, virsh gives the last one's status
        if done.rc != 0 or done.stderr.strip():
            raise NodeError(f"{server.name}: vcpupin: {_line(done.stderr)}")

    def start(self, server: Node, vms: Iterable[VirtualMachine]) -> None:
        """Switch VMs on, now and whenever the server boots; returns before they serve."""
        self._each("start", server, (vm.name for vm in vms))

    def power_off(self, server: Node, vms: Iterable[str]) -> None:
        """Cut the VMs' power: silent at once, with no goodbye to open connections."""
        self._each("power_off", server, vms)

    def remove(self, server: Node, vms: Iterable[str]) -> None:
        """Cut the VMs' power and forget them, their disks included."""
        self._each("remove", server, vms)

    def clear(self, server: Node, vm: str) -> None:
        """The same for one that may be there, half there, or somebody else's, who keeps it."""
        self._each("clear", server, [vm])

    def clearing(self, vm: str) -> str:
        """The command that does, for who has nothing but the server."""
        script, *words = map(
            shlex.quote, (DOMAINS_SH.read_text("utf-8"), self.uri, MARK, "clear", vm)
        )
        return f"printf %s {script} | sh -s -- {' '.join(words)}"

    def filter(self, _server: Node, vm: Node, rules: str) -> None:
        """Have nft work in the guest, which is master over its own kernel."""
        vm.run("nft -f -", stdin=rules)

    def _each(self, verb: str, server: Node, vms: Iterable[str]) -> None:
        """Raises :class:`NodeError` that names a domain which is not ours, or did not obey."""
        names = list(vms)
        if not names:
            return
        words = " ".join(["%s"] * (3 + len(names)))
        done = server.ask(
            f"sh -s -- {words}", self.uri, MARK, verb, *names,
            stdin=DOMAINS_SH.read_text("utf-8"),
        )  # fmt: skip
        if done.rc != 0:
            raise NodeError(f"{server.name}: {verb}: {_line(done.stderr)}")


def _line(said: str) -> str:
    """What a program said on stderr, as one line."""
    return "; ".join(line for line in said.splitlines() if line) or "it said nothing"
