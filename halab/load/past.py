"""Load on the web VMs themselves, past the directors."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from halab.client import Client
from halab.cluster import Cluster
from halab.load.crew import Crew
from halab.load.generator import Generator
from halab.load.h2load import H2LOAD
from halab.load.load import Load
from halab.load.run import served
from halab.load.throughput import Served


def run(
    cluster: Cluster,
    load: Load,
    *,
    generator: Generator = H2LOAD,
    clients: Sequence[Client] | None = None,
) -> Served:
    """The load from all clients on every backend at once.

    Nobody else counts it: what a generator takes for a success is one. Raises
    :class:`halab.errors.NodeError` when a client cannot do its part.
    """
    clients = clients or [Client(node) for node in cluster.clients.values()]
    port = cluster.topology.webserver.port
    crew = Crew(
        generator, product(clients, [f"http://{vm.address}:{port}" for vm in cluster.backends])
    )
    shares = crew.ready(load)
    ended = crew.fire(shares)
    return served(load, generator, ended, crew.tallies(shares, ended))
