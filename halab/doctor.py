"""What is wrong with each node, found on all of them at once, and what to do about it.

It looks and changes nothing. A node that is dead, or takes our login and then hangs, costs its own
time limit and nobody else's: all is said within :data:`WITHIN` seconds.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from halab import steady_state
from halab.errors import CommandTimeout, NodeError, Unreachable
from halab.node import Node
from halab.topology import Topology

if TYPE_CHECKING:
    from halab.cluster import Cluster

WITHIN = 5.0
"""Seconds for all of it: longer than a connection that fails, and than a command that hangs."""
ENDING = 0.2
"""Seconds of them for what is done when all have been waited for."""
ANSWERS = 3.0
"""Seconds that a node may take to answer, once it has let us in."""
CLOCK_OFF = 1.0
"""Seconds by which a node's clock may differ from ours, beyond half of the round trip."""
FULL = 97
"""Percent of a disk, or of its inodes."""
LOADED = 50.0
"""Tasks that run or want to, for each CPU, in the mean of a minute: something has run away."""

FOLDERS = ("/", "/run", "/tmp", "/var")

# Commands, and the Debian package of each.
EVERYWHERE = {
    "awk": "mawk", "cat": "coreutils", "df": "coreutils", "flock": "util-linux",
    "findmnt": "util-linux", "ip": "iproute2", "ping": "iputils-ping", "ps": "procps",
    "python3": "python3-minimal", "sed": "sed", "tar": "tar",
}  # fmt: skip
ON_DIRECTORS = {
    "bash": "bash", "haproxy": "haproxy", "journalctl": "systemd", "keepalived": "keepalived",
    "socat": "socat", "ss": "iproute2", "systemctl": "systemd", "systemd-run": "systemd",
    "taskset": "util-linux", "tcpdump": "tcpdump",
}  # fmt: skip
ON_CLIENTS = {"chrt": "util-linux", "tcpdump": "tcpdump"}

_LOOK = f"""
echo "clock $(date +%%s.%%N)"
for tool in %s; do command -v "$tool" > /dev/null || echo "missing $tool"; done
%s
df -P {" ".join(FOLDERS)} | awk 'NR > 1 {{print "disk", $6, $5}}'
df -Pi {" ".join(FOLDERS)} | awk 'NR > 1 {{print "inodes", $6, $5}}'
echo "load $(cut -d ' ' -f 1 /proc/loadavg) $(nproc)"
for nic in /sys/class/net/*; do echo "nic ${{nic##*/}} $(cat "$nic/operstate")"; done
ip -4 -o address show | awk '{{print "address", $2, $4}}'
for unit in %s; do
    echo "unit $unit $(systemctl is-active "$unit")"
    state=$(ps -o state= -p "$(systemctl show -P MainPID "$unit")" 2>/dev/null)
    [ "$state" != T ] || echo "stopped $unit"
done
"""


_ALLOWED = "sudo -n -l 2>/dev/null | sed -n '/NOPASSWD/,$s/.*/allowed &/p'"


@dataclass(frozen=True)
class Role:
    """What a node of this kind must have: commands with their packages, and running units."""

    tools: Mapping[str, str]
    units: tuple[str, ...] = ()


ROLES = {
    "directors": Role(EVERYWHERE | ON_DIRECTORS, ("keepalived.service",)),
    "clients": Role(EVERYWHERE | ON_CLIENTS),
    "others": Role(EVERYWHERE),
}


def role(topology: Topology, name: str) -> Role:
    """What the node of that name is there for."""
    if name in topology.directors:
        return ROLES["directors"]
    return ROLES["clients" if name in topology.clients else "others"]


def findings(topology: Topology, nodes: Sequence[Node]) -> dict[str, list[str]]:
    """What is wrong with each node, in the order of the nodes; an empty list where all is well."""
    pool = ThreadPoolExecutor(max(len(nodes), 1))
    looks = {
        node: pool.submit(lambda node=node: list(_of_node(node, role(topology, node.name))))  # type: ignore[misc]
        for node in nodes
    }
    futures.wait(looks.values(), WITHIN - ENDING)
    found = {}
    for node, look in looks.items():
        answered = look.done()
        found[node.name] = look.result() if answered else [f"no answer within {WITHIN:g} s"]
        if not answered:
            node.close()
    pool.shutdown(wait=False, cancel_futures=True)
    return found


def ails(cluster: Cluster) -> list[str]:
    """What is wrong with any node, and what departs from the steady state, all of it together."""
    ill = findings(cluster.topology, [*cluster.lab.nodes.values()])
    of_nodes = [f"{name}: {line}" for name, lines in ill.items() for line in lines]
    if any(ill[name] for name in cluster.directors):
        return of_nodes
    return of_nodes + steady_state.findings(cluster)


def _of_node(node: Node, wanted: Role) -> Iterator[str]:
    access = node.backend.access
    tools, units = " ".join(wanted.tools), " ".join(wanted.units)
    script = _LOOK % (tools, _ALLOWED if access.sudo else "", units)
    try:
        node.backend.open_channel().close()
    except Unreachable as error:
        yield f"not reached: {error}"
        return
    before = time.time()
    try:
        # as the user himself, whatever he has sudo for
        said = node.ask("command sh", stdin=script, limit=ANSWERS).stdout
    except CommandTimeout:
        node.close()  # what hangs would hang the next command too
        yield f"it lets us in and then answers nothing within {ANSWERS:g} s: look at its console"
        return
    except NodeError as error:
        yield str(error)
        return
    after = time.time()
    lines = [line.split() for line in said.splitlines()]
    yield from _clock(lines, before, after)
    allowed = {word.strip(",").rpartition("/")[2] for x in lines if x[0] == "allowed" for word in x}
    forbidden = ", ".join(name for name in access.sudo if not allowed & {name, "ALL"})
    if forbidden:
        yield (
            f"{access.user} may not run {forbidden} by sudo -n: add the sudo rules of "
            "docs/remote-lab.md"
        )
    for line in lines:
        match line:
            case ["missing", tool]:
                yield f"it has no {tool}: apt-get install {wanted.tools[tool]}"
            case ["disk" | "inodes" as what, folder, used] if _percent(used) >= FULL:
                full = "is full" if what == "disk" else "has no inodes left"
                yield f"{folder} {full} ({used}): delete something there"
            case ["load", mean, cpus] if float(mean) > LOADED * int(cpus):
                yield f"its load is {mean} on {cpus} CPU(s): see what runs there"
            case ["stopped", unit]:
                yield f"{unit} was stopped by a signal (SIGSTOP): systemctl kill -s CONT {unit}"
            case ["unit", unit, state] if state != "active":
                yield f"{unit} is {state}: systemctl start {unit}"
    yield from _nic(lines, node, bridged=not wanted.units)


def _clock(lines: list[list[str]], before: float, after: float) -> Iterator[str]:
    told = [float(line[1]) for line in lines if line[0] == "clock"]
    if not told:
        yield "it does not tell its clock: is its login shell a POSIX shell?"
        return
    off, error = told[0] - (before + after) / 2, (after - before) / 2
    if abs(off) > CLOCK_OFF + error:
        yield f"its clock is {off:+.0f} s from ours: have both follow NTP (systemd-timesyncd)"


def _nic(lines: list[list[str]], node: Node, *, bridged: bool) -> Iterator[str]:
    """What is wrong with its NIC; the address of a host of VMs may be its bridge's."""
    nic, address = node.nic, node.address
    states = {line[1]: line[2] for line in lines if line[0] == "nic"}
    if not states:  # its shell did not come so far, which is said already
        return
    here = [(line[1], line[2]) for line in lines if line[0] == "address"]
    holding = [name for name, its in here if its.partition("/")[0] == str(address)]
    if nic not in states:
        there = ", ".join(sorted(states))
        at = f"; {address} is on {holding[0]}" if holding else ""
        yield f"it has no NIC {nic}, but {there}{at}: set its nic in the topology"
    elif nic not in holding and not (bridged and holding):
        yield f"{nic} has not the address {address}: see to it, or to the topology"
    elif states[nic] not in ("up", "unknown"):
        yield f"{nic} is {states[nic]}: see to its cable"


def _percent(used: str) -> int:
    return int(used.rstrip("%")) if used.rstrip("%").isdigit() else 0
