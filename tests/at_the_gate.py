"""What tests of the gate have in common: the gate on a lab, and what it may leave behind there."""

from __future__ import annotations

from pathlib import Path

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
# that tracks HAProxy, and its user, stay there after anybody's use of it.
PICTURE = """
find /etc/haproxy /etc/keepalived/keepalived.conf /etc/sysctl.d /etc/systemd/system /usr/local \\
    -xdev -type f | sort | xargs sha256sum
ls -A /run | grep halab
ps -eo comm= | grep -E 'haproxy|keepalived|h2load|python3|unshare' | sort
lsns -n -o TYPE | sort | uniq -c
true
"""


def gate(lab: EmbeddedLab, name: str, today: Path | None = None) -> Gate:
    now = SetUp.load(today, lab.topology) if today else SetUp()
    candidate = SetUp.load(CANDIDATES / name, lab.topology, now)
    return Gate(lab, TOPOLOGY, now, candidate, None, print)


def picture(cluster: Cluster) -> dict[str, str]:
    nodes = [director.node for director in cluster.directors.values()]
    return each(nodes, lambda node: node.run(PICTURE))


def reasons(judgement: Judgement) -> dict[str, str]:
    """Why each row that rejects does so."""
    return {row.what: row.why for row in judgement.rows if row.verdict is Verdict.REJECT}
