"""How much more the load generator could ask for than one HAProxy process can serve.

    ./run pytest benchmarks/test_generator_headroom.py --benchmark-enable

By CPU time for a request, static page, kept connections: with a core for each of them HAProxy
serves 1 / its own, and the generator asks for 1 / its own. The figures are in benchmarks/README.md.
"""

from __future__ import annotations

from statistics import median

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from halab.cluster import Cluster
from halab.load import AB, H2LOAD, WRK, Generator, Load, run

ROUNDS = 5
ASKED_FOR = 1.5


@pytest.mark.parametrize("generator", [H2LOAD, AB, WRK], ids=lambda generator: generator.name)
def test_headroom(benchmark: BenchmarkFixture, cluster: Cluster, generator: Generator) -> None:
    """HAProxy's CPU time for a request over the generator's."""
    load = Load(connections=8, seconds=3.0, keep_alive=True, warm_up=1.0)
    client = cluster.first_client
    headrooms, served = [], []

    def serve() -> None:
        measured = run(cluster, load, generator=generator, clients=[client]).valid
        asking = measured.client_cpu[client.name] * measured.seconds / measured.succeeded
        headrooms.append(measured.cpu_per_request / asking)
        served.append((measured.requests_per_second, measured.cpu_per_request * 1e6, asking * 1e6))

    benchmark.pedantic(serve, rounds=ROUNDS)
    benchmark.extra_info |= {"headroom": headrooms, "rps_haproxy_us_generator_us": served}
    print(f"headroom {median(headrooms):.2f}: {served}")
    assert median(headrooms) >= ASKED_FOR
