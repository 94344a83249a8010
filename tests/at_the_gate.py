"""What tests of the gate have in common: the gate on a lab, and what it may leave behind there."""

from __future__ import annotations

from pathlib import Path

from halab import wait
from halab.cluster import Cluster
from halab.gate.gate import Gate
from halab.gate.judgement import Judgement, Verdict
from halab.lab.embedded import EmbeddedLab
from halab.node import each
from halab.set_up import SetUp

TOPOLOGY = Path("topology.yaml")
CANDIDATES = Path("examples/candidates")
TRACKED = Path("examples/today/tracked")

# What a gate may have left on a director: files, processes and namespaces of its own. The script
# that tracks HAProxy, and its user, stay there after anybody's use of them.
PICTURE = """
find /etc/haproxy /etc/keepalived/keepalived.conf /etc/sysctl.d /etc/systemd/system /usr/local \\
    -xdev -type f | sort | xargs sha256sum
ls -A /run | grep halab
ps -eo comm= | grep -E 'haproxy|keepalived|h2load|python3|unshare' | sort | uniq -c
lsns -n -o TYPE | sort | uniq -c
true
"""


def gate(lab: EmbeddedLab, name: str, today: Path | None = None) -> Gate:
    now = SetUp.load(today, lab.topology) if today else SetUp()
    candidate = SetUp.load(CANDIDATES / name, lab.topology, now)
    return Gate(lab, TOPOLOGY, now, candidate, None, print)


def picture(cluster: Cluster) -> frozenset[str]:
    nodes = [director.node for director in cluster.directors.values()]
    looked = each(nodes, lambda node: node.run(PICTURE).splitlines())
    return frozenset(f"{name}: {line}" for name, lines in looked.items() for line in lines)


def await_as_before(cluster: Cluster, before: frozenset[str]) -> None:
    """Nothing was left, once the old workers of HAProxy's reloads have ended.

    Each does with its last connection, which `timeout client` ends at the latest.
    """
    wait.until(
        lambda: picture(cluster) == before,
        what="directors are as they were before the gate",
        within=cluster.topology.haproxy.timeouts_ms.client / 1000 + 10,
        every=0.5,
        seen=lambda: sorted(picture(cluster) ^ before),
    )


def reasons(judgement: Judgement) -> dict[str, str]:
    """Why each row that rejects does so."""
    return {row.what: row.why for row in judgement.rows if row.verdict is Verdict.REJECT}
