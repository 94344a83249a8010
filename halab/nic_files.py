"""The files of a node that tell of a NIC: one command that reads them all, and what they say."""

from __future__ import annotations

import re
from collections.abc import Mapping

from halab import interrupts, softnet
from halab.cpu import cpus_in, cpus_of
from halab.errors import ConfigurationError, NodeError
from halab.nic_state import SOCK_FLOW_ENTRIES, SYS, Irq, RxQueue, State
from halab.softnet import Counters

_ONLINE = "/sys/devices/system/cpu/online"
_IRQBALANCE = "/sys/fs/cgroup/system.slice/irqbalance.service/cgroup.procs"

# Each file's lines come with its path before them. What is not there is no error: a NIC without
# hardware has no device, and a container has no rps_sock_flow_entries. %s is the NIC.
_IDENTITY = f"echo device:$(cd -P {SYS}/%s/device 2>/dev/null && pwd); "
_VECTORS = f"{SYS}/%s/device/msi_irqs/* {_ONLINE} /proc/interrupts"
COUNT = f"{_IDENTITY} grep -asH '' {_VECTORS} /proc/softirqs /proc/net/softnet_stat; true"
LOOK = (
    f"{_IDENTITY} test -w {SYS}/%s/queues && echo writable:yes; grep -asH '' {_VECTORS} "
    f"{SYS}/%s/queues/rx-*/rps_cpus {SYS}/%s/queues/rx-*/rps_flow_cnt {SOCK_FLOW_ENTRIES} "
    f"/proc/irq/*/smp_affinity_list /proc/irq/*/effective_affinity_list {_IRQBALANCE}; true"
)


def state(looked: str, node: str, nic: str) -> State:
    """A NIC's state from the files that were read; ``node`` is for messages.

    Raises :class:`NodeError` when there is no such NIC, or a file is not what it should be.
    """
    files = _files(looked)
    rx = re.compile(rf"{SYS}/{re.escape(nic)}/queues/rx-(\d+)/rps_cpus")
    numbers = sorted(int(found[1]) for path in files if (found := rx.fullmatch(path)))
    if not numbers:
        raise NodeError(f"{node} has no {nic} with receive queues")
    own = _lines_of(nic, files)
    receives = {line.number for line in interrupts.receiving(own, nic)}
    entries = files.get(SOCK_FLOW_ENTRIES)
    try:
        queues = [
            RxQueue(
                f"rx-{number}",
                cpus_of(files[f"{SYS}/{nic}/queues/rx-{number}/rps_cpus"]),
                int(files[f"{SYS}/{nic}/queues/rx-{number}/rps_flow_cnt"]),
            )
            for number in numbers
        ]
        irqs = [
            Irq(
                line.number,
                line.names,
                line.number in receives,
                cpus_in(files[f"/proc/irq/{line.number}/smp_affinity_list"]),
                cpus_in(files.get(f"/proc/irq/{line.number}/effective_affinity_list", "")),
            )
            for line in own
        ]
        return State(
            node=node,
            nic=nic,
            cpus=cpus_in(files[_ONLINE]),
            queues=tuple(queues),
            irqs=tuple(irqs),
            rps_sock_flow_entries=None if entries is None else int(entries),
            writable="writable" in files,
            irqbalance=_IRQBALANCE in files,
        )
    except (KeyError, ValueError, ConfigurationError) as why:
        raise NodeError(f"{node}: the state of {nic} cannot be read: {why}") from None


def counters(looked: str, node: str, nic: str) -> Counters:
    """The counters from the files that were read; raises as :func:`state` does."""
    files = _files(looked)
    try:
        online = cpus_in(files[_ONLINE])
        softirqs = softnet.softirqs(files["/proc/softirqs"])
        packets = softnet.softnet(files["/proc/net/softnet_stat"], online)
        own = interrupts.receiving(_lines_of(nic, files), nic)
        fetched = {cpu: sum(line.by_cpu[cpu] for line in own) for cpu in online}
    except (KeyError, ConfigurationError) as why:
        raise NodeError(f"{node}: the counters of {nic} cannot be read: {why}") from None
    return Counters(fetched, softirqs["NET_RX"], softirqs["NET_TX"], **packets)


def _lines_of(nic: str, files: Mapping[str, str]) -> tuple[interrupts.Line, ...]:
    """The lines of /proc/interrupts that are this NIC's."""
    device = files.get("device", "").rpartition("/")[2]
    folder = f"{SYS}/{nic}/device/msi_irqs/"
    vectors = [int(path.removeprefix(folder)) for path in files if path.startswith(folder)]
    lines = interrupts.lines(files.get("/proc/interrupts", ""))
    return interrupts.of_nic(lines, nic, device, vectors)


def _files(looked: str) -> dict[str, str]:
    """The text of each file, by its path."""
    texts: dict[str, list[str]] = {}
    for line in looked.splitlines():
        path, _, text = line.partition(":")
        texts.setdefault(path, []).append(text)
    return {path: "\n".join(text) for path, text in texts.items()}
