"""Whether a cluster that nobody may change runs in a configuration, by what its kernel says."""

from __future__ import annotations

from collections.abc import Iterator

from halab.cluster import Cluster
from halab.configuration import Configuration
from halab.cpu import cpu_list
from halab.errors import HalabError
from halab.nic import Nic

COUNTS = ("vms_per_server", "haproxy_processes", "haproxy_threads")


def otherwise(cluster: Cluster, wanted: Configuration) -> Iterator[str]:
    """What runs otherwise than the configuration has it; nothing if it is in it.

    Counts are those that were found; CPUs and where packets are steered are the MASTER's, now.
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
    if wanted.servers:
        yield f"all servers take part here, not {wanted.servers}"
    if wanted.needs_guests:
        yield "nobody has said how the web VMs here are hosted"
    anywhere = cluster.lab.directors_are.cpus
    for process in cluster.processes:
        allowed = frozenset().union(*cluster.master.haproxy(process).cpus_allowed().values())
        told = frozenset(wanted.cpus_of(process)) or anywhere
        if allowed != told:
            yield f"process {process} may run on CPU {cpu_list(allowed)} here, not {cpu_list(told)}"
    yield from _steering(cluster, wanted)


def _steering(cluster: Cluster, wanted: Configuration) -> Iterator[str]:
    state = Nic(cluster.master.node).state()
    try:
        as_wanted = state.steered(wanted.steering)
    except HalabError as why:
        yield str(why)
        return
    if as_wanted.files() != state.files():
        yield f"packets are steered otherwise here than {wanted.steering}"
