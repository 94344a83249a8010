"""Load on a real cluster: what it counts, and what does not count."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from halab import facts, wait
from halab.client import Client
from halab.cluster import Cluster
from halab.errors import InvalidRun
from halab.load import GENERATORS, H2LOAD, WRK, Generator, Load, run, volley
from halab.load.volley import Command
from halab.node import each

pytestmark = pytest.mark.slow

DEAD = 9998
"""A port of the MASTER that does not even refuse."""

CLOSED = 9999
"""A port on which nobody listens."""

PAGES = "/var/www/html"
"""Where a web VM has its pages."""


each_generator = pytest.mark.parametrize(
    "generator", GENERATORS.values(), ids=GENERATORS, indirect=True
)


@pytest.fixture(scope="module")
def had(cluster: Cluster) -> frozenset[str]:
    """The generators that clients have; of the node image all but weighttp."""
    return facts.read(cluster).generators


@pytest.fixture
def generator(request: pytest.FixtureRequest, had: frozenset[str]) -> Generator:
    if request.param.name not in had:
        pytest.skip(f"no {request.param.name} on the clients")
    return request.param


@pytest.fixture(scope="module")
def broken_page(cluster: Cluster) -> Iterator[str]:
    """A page of every web VM that answers 500."""
    vms = [cluster.vm(vm.name) for vm in cluster.backends]
    page = f"{PAGES}/broken.php"
    each(vms, lambda vm: vm.put(page, "<?php http_response_code(500);"))
    try:
        yield "broken.php"
    finally:
        each(vms, lambda vm: vm.run("rm -- %s", page))


@pytest.fixture
def dead_port(cluster: Cluster) -> Iterator[int]:
    """The MASTER drops what comes for this port without a word."""
    node = cluster.master.node
    node.run(
        "nft add table ip dead && "
        "nft add chain ip dead input '{ type filter hook input priority 0; }' && "
        f"nft add rule ip dead input tcp dport {DEAD} drop"
    )
    try:
        yield DEAD
    finally:
        node.run("nft delete table ip dead")


def test_clients_have_every_generator_that_debian_has(had: frozenset[str]) -> None:
    """So that none of the tests below is skipped for want of one of these."""
    assert had >= GENERATORS.keys() - {"weighttp"}


@pytest.mark.parametrize("keep_alive", [True, False], ids=["kept", "new"])
@each_generator
def test_the_total_agrees_with_haproxy(
    cluster: Cluster, generator: Generator, keep_alive: bool
) -> None:
    """Three clients at once: both sides counted the same requests, and said what they cost."""
    load = Load(connections=6, seconds=2.0, keep_alive=keep_alive)
    measured = run(cluster, load, generator=generator).valid
    print(measured)
    # how much longer, who else is on the machine decides: it ends when the last client is done
    assert measured.seconds > 1.0
    assert measured.succeeded > 100
    assert measured.succeeded == pytest.approx(measured.haproxy_requests, rel=0.005, abs=6)
    assert measured.bytes > 100 * measured.succeeded
    assert list(measured.client_cpu) == list(cluster.clients)
    assert 0 < measured.cpu_per_request < 0.01
    assert 0 < measured.haproxy_cpu[1] <= 1.05
    assert measured.haproxy_cpu[1] <= measured.director_cpu * 2 * 1.05
    # weighttp 0.4 tells none
    assert not measured.latency or 0 < measured.latency[50] <= measured.latency[99]


def test_a_number_of_requests_is_made_to_the_last(cluster: Cluster) -> None:
    """By requests nothing is cut off: both sides counted exactly the same."""
    load = Load(connections=24, seconds=None, requests=1000, warm_up=0)
    measured = run(cluster, load).valid
    assert (measured.succeeded, measured.haproxy_requests) == (1000, 1000)


SHORT = Load(connections=8, seconds=1.0, warm_up=0, keep_alive=True)


def test_haproxy_is_seen_on_the_cpu_that_it_may_use(cluster: Cluster) -> None:
    """Pinned it is there alone; free it is found wherever it was. Every CPU's time is told."""
    haproxy = cluster.master.haproxy()
    anywhere = cluster.lab.directors_are.cpus
    seen = run(cluster, SHORT).cores
    assert seen is not None
    assert {core.number for core in seen.cores} == anywhere
    assert not any(core.pinned for core in seen.cores)
    assert any(core.visited == {1} for core in seen.cores)
    assert any(core.busy > 0.05 for core in seen.cores)
    last = max(anywhere)
    try:
        haproxy.place(frozenset({last}))
        pinned = run(cluster, SHORT).cores
    finally:
        haproxy.place(anywhere)
    assert pinned is not None
    assert {core.number for core in pinned.cores if core.pinned == {1}} == {last}
    assert not any(core.visited for core in pinned.cores)


def why(cluster: Cluster, load: Load, generator: Generator, port: int | None = None) -> str:
    """What is wrong with such a run from one client."""
    measured = run(
        cluster,
        load,
        generator=generator,
        clients=[cluster.first_client],
        ports=[port or cluster.ports[0]],
    )
    with pytest.raises(InvalidRun) as invalid:
        _ = measured.valid
    return str(invalid.value)


@pytest.mark.parametrize("keep_alive", [True, False], ids=["kept", "new"])
@each_generator
class TestWhatDoesNotCount:
    def test_a_page_that_is_not_there(
        self, cluster: Cluster, generator: Generator, keep_alive: bool
    ) -> None:
        """Thousands of 404s a second are no throughput."""
        load = Load(page="none.html", connections=8, seconds=1, warm_up=0, keep_alive=keep_alive)
        said = why(cluster, load, generator)
        assert "none of" in said
        assert "4xx" in said or "not 2xx" in said

    def test_a_page_that_fails(
        self, cluster: Cluster, generator: Generator, keep_alive: bool, broken_page: str
    ) -> None:
        """Nor are 500s."""
        load = Load(page=broken_page, connections=8, seconds=1, warm_up=0, keep_alive=keep_alive)
        said = why(cluster, load, generator)
        assert "none of" in said
        assert "5xx" in said or "not 2xx" in said

    def test_a_refused_connection(
        self, cluster: Cluster, generator: Generator, keep_alive: bool
    ) -> None:
        """A port that refuses is the fastest of all."""
        load = Load(connections=8, seconds=1, warm_up=0, keep_alive=keep_alive)
        said = why(cluster, load, generator, CLOSED)
        assert "none of" in said


@each_generator
def test_a_dead_port(cluster: Cluster, generator: Generator, dead_port: int) -> None:
    """One that takes no connection and refuses none: only the time goes by."""
    said = why(cluster, SHORT, generator, dead_port)
    assert "none of 0 requests succeeded" in said


def test_what_a_generator_calls_a_success_must_be_one_of_haproxys(cluster: Cluster) -> None:
    """wrk takes Apache's redirection of a folder without its slash for a success."""
    vms = [cluster.vm(vm.name) for vm in cluster.backends]
    each(vms, lambda vm: vm.run(f"mkdir {PAGES}/folder"))
    try:
        load = Load(page="folder", connections=8, seconds=1, warm_up=0, keep_alive=True)
        said = why(cluster, load, WRK)
    finally:
        each(vms, lambda vm: vm.run(f"rmdir {PAGES}/folder"))
    assert "HAProxy gave 0 answers of status 2xx" in said


def test_a_vip_that_is_elsewhere(cluster: Cluster) -> None:
    """The MASTER's counters say nothing about the BACKUP's work."""
    cluster.master.keepalived.stop()
    try:
        cluster.vip_on(cluster.backup).until(within=5)
        said = why(cluster, SHORT, H2LOAD)
    finally:
        cluster.master.keepalived.start()
        cluster.await_steady()
    assert f"the VIP is with {cluster.backup.name}" in said


def test_a_staggered_start_does_not_overstate(cluster: Cluster) -> None:
    """Clients that had the cluster for themselves one after the other: the sum of their averages
    would be three times what it served."""
    load = Load(connections=6, seconds=1.0, keep_alive=True, warm_up=0)
    measured = run(cluster, load, delays=[0, 1.2, 2.4]).valid
    print(measured)
    # a generator's own start takes some milliseconds, and not each time as many
    assert measured.seconds == pytest.approx(3.4, abs=0.1)
    assert measured.requests_per_second * 3.3 <= measured.haproxy_requests * 1.005


def test_clients_start_at_one_moment(cluster: Cluster) -> None:
    """Whatever their clocks say, and however long it took to tell the first of them."""
    clients = [Client(node) for node in cluster.clients.values()]
    began = wait.clock()
    ended = volley.fire({client: [Command("true")] * 2 for client in clients}, longest=5)
    starts = [each.start for each in ended]
    print([f"{start - starts[0]:+.4f}" for start in starts])
    assert [each.client for each in ended] == [c.name for c in clients for _ in range(2)]
    assert began < min(starts) <= max(starts) < wait.clock()
    assert max(starts) - min(starts) < 0.05


def test_cpu_time_is_the_commands_own(cluster: Cluster) -> None:
    """Not the client's: in a lab on one machine every /proc/stat is that machine's."""
    client = cluster.first_client
    busy = "python3 -c 'import time\nwhile time.process_time() < 0.3: pass'"
    idle = "sleep 0.5"
    first, second = volley.fire({client: [Command(busy), Command(idle)]}, longest=10)
    assert 0.3 <= first.cpu < 0.4
    assert second.cpu < 0.05
    assert second.end - second.start >= 0.5


def test_a_generator_that_does_not_end_is_ended(cluster: Cluster) -> None:
    """With what it started, and what it recorded is reported all the same."""
    command = Command('echo 1 > "$RECORD"; sleep 100; true', 'cat "$RECORD"')
    (ended,) = volley.fire({cluster.first_client: [command]}, longest=0.5)
    assert ended.status in (137, -9)
    assert ended.end - ended.start < 5
    assert ended.report == "1\n"
    assert cluster.first_client.node.ask("pgrep -fx 'sleep 100'").rc == 1
