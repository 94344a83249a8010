"""The mutations: for each assertion of the suites a way to break the cluster that it notices."""

from __future__ import annotations

from tests.mutations.catalogue import (
    backends,
    directors,
    failover,
    gate,
    interrupts,
    layer4,
    network,
    placement,
    planned_work,
    platforms,
    processes,
    security,
    service,
    sessions,
    webservers,
)

MUTATIONS = (
    *backends.MUTATIONS,
    *service.MUTATIONS,
    *failover.MUTATIONS,
    *directors.MUTATIONS,
    *layer4.MUTATIONS,
    *network.MUTATIONS,
    *sessions.MUTATIONS,
    *planned_work.MUTATIONS,
    *processes.MUTATIONS,
    *interrupts.MUTATIONS,
    *placement.MUTATIONS,
    *webservers.MUTATIONS,
    *gate.MUTATIONS,
    *security.MUTATIONS,
    *platforms.MUTATIONS,
)
