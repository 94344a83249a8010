"""Whether a cluster that nobody may change runs in a configuration, by what its kernel says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from halab.cluster import Cluster
from halab.configuration import Configuration
from halab.cpu import cpu_list, cpus_in, pin_plan
from halab.errors import HalabError
from halab.hypervisor.domain import all_vcpus
from halab.nic import Nic

COUNTS = ("vms_per_server", "haproxy_processes", "haproxy_threads")

# of all threads: a guest's may belong to anybody's QEMU, and some end while they are read
_THREADS = "grep -hsE '^(Name|Cpus_allowed_list):' /proc/[0-9]*/task/*/status; true"


def otherwise(cluster: Cluster, wanted: Configuration) -> Iterator[str]:
    """What runs otherwise than the configuration has it; nothing if it is in it.

    Counts are those that were found; CPUs and where packets are steered are the MASTER's, and
    guests' vCPUs their servers', now.
    Raises :class:`halab.errors.NodeError` when it cannot be read.
    """
    assert cluster.configuration is not None, "the cluster has not been looked at"
    for name in COUNTS:
        here, there = getattr(cluster.configuration, name), getattr(wanted, name)
        if here != there:
            yield f"{name} is {here} here, not {there}"
            return
    if cluster.configuration.web_server != wanted.web_server:
        yield f"web VMs run {cluster.configuration.web_server}, not {wanted.web_server}"
    here, there = cluster.configuration.http_reuse, wanted.http_reuse
    if here != there and (here, there) != ("safe", "never"):  # alike, for clients that ask once
        yield f"HAProxy has http-reuse {here}, not {there}"
    serving = [server for server, vms in cluster.vms_by_server.items() if vms]
    if wanted.servers and wanted.servers != len(serving):
        yield f"{len(serving)} servers take part here, not {wanted.servers}"
    elif wanted.needs_guests:
        yield from _guests(cluster, serving, pinned=wanted.vms_pinned)
    anywhere = cluster.lab.directors_are.cpus
    for process in cluster.processes:
        allowed = frozenset().union(*cluster.master.haproxy(process).cpus_allowed().values())
        told = frozenset(wanted.cpus_of(process)) or anywhere
        if allowed != told:
            yield f"process {process} may run on CPU {cpu_list(allowed)} here, not {cpu_list(told)}"
    yield from _steering(cluster, wanted)


def _guests(cluster: Cluster, serving: Sequence[str], *, pinned: bool) -> Iterator[str]:
    """The first server whose guests' vCPUs may run elsewhere than annex A.14 has them."""
    for name in serving:
        server = cluster.servers[name]
        cpus = cpus_in(server.read("/sys/devices/system/cpu/online"))
        plan = pin_plan(len(cluster.vms_by_server[name]), cpus)
        told = Counter(frozenset({pin}) if pinned else cpus for pins in plan for pin in pins)
        here = Counter(all_vcpus(server.run(_THREADS)))
        if here != told:
            yield f"{name} has vCPUs on {_places(here)} here, not on {_places(told)}"
            return


def _places(vcpus: Counter[frozenset[int]]) -> str:
    """As many as may run on each list of CPUs."""
    lists = sorted((cpu_list(cpus), number) for cpus, number in vcpus.items())
    return ", ".join(f"{cpus} ({number})" for cpus, number in lists) or "no CPU"


def _steering(cluster: Cluster, wanted: Configuration) -> Iterator[str]:
    state = Nic(cluster.master.node).state()
    try:
        as_wanted = state.steered(wanted.steering)
    except HalabError as why:
        yield str(why)
        return
    if as_wanted.files() != state.files():
        yield f"packets are steered otherwise here than {wanted.steering}"
