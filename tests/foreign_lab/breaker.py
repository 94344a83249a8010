"""``python -m tests.foreign_lab.breaker TOPOLOGY SEED``: breaks a cluster until it is killed.

It says what it breaks, and has no end of its own: whatever it was at, others must mend. With the
name of a fault behind the seed it does that alone, and says when it is done.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from halab import faults, found, maintenance, wait
from halab.client import Client
from halab.cluster import Cluster
from halab.found import FoundCluster
from halab.lab.remote import RemoteLab
from halab.topology import Topology

Made = Callable[[Cluster], AbstractContextManager[None]]

CATALOGUE: dict[str, Made] = {
    "keepalived stopped": lambda c: faults.keepalived_stopped(c.master),
    "keepalived killed": lambda c: faults.keepalived_killed(c.master),
    "keepalived frozen": lambda c: faults.keepalived_frozen(c.backup),
    "flapping": lambda c: faults.flapping(c.backup, 3, 0.2, 0.2),
    "HAProxy stopped": lambda c: faults.haproxy_stopped(c.backup.haproxy()),
    "HAProxy killed": lambda c: faults.haproxy_killed(c.master.haproxy()),
    "HAProxy held dead": lambda c: faults.haproxy_held_dead(c.backup.haproxy()),
    "HAProxy frozen": lambda c: faults.haproxy_frozen(c.master.haproxy()),
    "web servers killed": lambda c: faults.each_of(
        c.backends, lambda vm: faults.apache_killed(c, vm)
    ),
    "a web server frozen": lambda c: faults.apache_frozen(c, c.backends[1]),
    "a web server refusing": lambda c: faults.refusing(c, c.backends[2]),
    "NIC down": lambda c: faults.nic_down(c, c.backup),
    "two VIPs": lambda c: faults.duplicate_vip(c, Client([*c.clients.values()][1]), announced=True),
    "disk full": lambda c: faults.disk_full(c.backup.node, "/run"),
    "reloads": lambda c: maintenance.haproxy_reloaded(c.backup.haproxy(), 3),
    "drained": lambda c: maintenance.drained(c, c.backends[3]),
    "in maintenance": lambda c: maintenance.in_maintenance(c, c.backends[4]),
    "another priority": lambda c: maintenance.priority_changed(c.master, 10),
    "keepalived reloaded": lambda c: maintenance.keepalived_reloaded(c.backup),
    "reboot": lambda c: maintenance.rebooted(c, c.backup),
}
"""All that machines without a front panel can have."""

HOUR = 3600


def main() -> None:
    """Hold the lab, mend it, and break it."""
    topology = Topology.load(Path(sys.argv[1]))
    lab = RemoteLab(topology, topology.name, allowed=True)
    lab.lock.take()
    lab.heal()
    cluster = FoundCluster(lab, found.look(lab))
    chance = random.Random(int(sys.argv[2]))
    if alone := sys.argv[3:]:
        print(*alone, flush=True)
        with CATALOGUE[alone[0]](cluster):
            print("done", flush=True)
            wait.passing(HOUR)
    names = [*CATALOGUE]
    chance.shuffle(names)
    for name in names:
        print(name, flush=True)
        with CATALOGUE[name](cluster):
            wait.passing(chance.uniform(0, 0.4))


if __name__ == "__main__":
    main()
