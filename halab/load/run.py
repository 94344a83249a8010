"""One run of a load: every client and port at one moment, counted by both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from itertools import product

from halab.client import Client
from halab.cluster import Cluster
from halab.load import cores, meter, validity
from halab.load.crew import Crew
from halab.load.generator import Generator, Tally
from halab.load.h2load import H2LOAD
from halab.load.load import Load
from halab.load.throughput import Served, Throughput
from halab.load.volley import Ended


def run(
    cluster: Cluster,
    load: Load,
    *,
    generator: Generator = H2LOAD,
    clients: Sequence[Client] | None = None,
    ports: Sequence[int] | None = None,
    delays: Sequence[float] = (),
) -> Throughput:
    """The load from all clients on all ports of the VIP, unless others are named.

    The figure is all successes ÷ (last end less first start). What makes it no figure is in
    ``invalid``, and raised by ``valid``. ``delays`` are seconds by which clients start later.
    Raises :class:`halab.errors.NodeError` when a client or the MASTER cannot do its part.
    """
    clients = clients or [Client(node) for node in cluster.clients.values()]
    urls = [f"http://{cluster.vip}:{port}" for port in ports or cluster.ports]
    crew = Crew(generator, product(clients, urls))
    shares = crew.ready(load)
    rested = cores.read(cluster.master, cluster.processes)
    before = meter.read(cluster.master, cluster.processes)
    ended = crew.fire(shares, delays)
    after = meter.read(cluster.master, cluster.processes)
    worked = cores.read(cluster.master, cluster.processes)
    tallies = crew.tallies(shares, ended)
    master = after.since(before)
    seen = served(load, generator, ended, tallies)
    requests = sum(master.requests.values())
    return Throughput(
        **{each.name: getattr(seen, each.name) for each in fields(seen) if each.name != "invalid"},
        director_cpu=master.cpu / seen.seconds / master.cpus,
        haproxy_cpu={number: spent / seen.seconds for number, spent in master.haproxy.items()},
        cpu_per_request=sum(master.haproxy.values()) / requests if requests else 0.0,
        haproxy_requests=requests,
        softnet_drops=master.drops,
        time_wait=master.time_wait,
        cores=cores.through(cluster.master.name, rested, worked, seen.seconds),
        invalid=(
            *seen.invalid,
            *validity.disagreement(tallies, master),
            *validity.elsewhere(cluster),
        ),
    )


def served(
    load: Load, generator: Generator, ended: Sequence[Ended], tallies: Sequence[Tally]
) -> Served:
    """What all generators together had, from their first start to their last end."""
    # a program's own seconds leave out the time that it needs to be loaded
    first = min(
        each.end - tally.seconds if tally.seconds else each.start
        for each, tally in zip(ended, tallies, strict=True)
    )
    seconds = max(each.end for each in ended) - first
    succeeded = sum(tally.succeeded for tally in tallies)
    client_cpu = _client_cpu(ended, load.threads, seconds)
    return Served(
        load=load,
        generator=generator.name,
        requests_per_second=succeeded / seconds,
        seconds=seconds,
        succeeded=succeeded,
        errors=validity.errors(tallies),
        bytes=sum(tally.bytes for tally in tallies),
        latency=_latency(tallies),
        client_cpu=client_cpu,
        invalid=(*validity.unfinished(tallies), *validity.overworked(client_cpu)),
    )


def _client_cpu(ended: Sequence[Ended], threads: int, seconds: float) -> dict[str, float]:
    shares = {}
    for name in dict.fromkeys(each.client for each in ended):
        mine = [each for each in ended if each.client == name]
        usable = min(threads * len(mine), mine[0].cpus)
        shares[name] = sum(each.cpu for each in mine) / (seconds * usable)
    return shares


def _latency(tallies: Sequence[Tally]) -> dict[int, float]:
    """The worst of the generators': no percentile of all requests together is beyond it."""
    told = [tally.latency for tally in tallies if tally.latency is not None]
    if len(told) < len(tallies):
        return {}
    return {p: max(latency[p] for latency in told) for p in told[0]}
