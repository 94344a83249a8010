"""Load on several HAProxy processes at once, each behind a port of its own, and what it costs."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from halab.client import Client
from halab.cluster import Cluster
from halab.errors import InvalidRun
from halab.load import Load, Tally, run
from tests.mutations.breakage import haproxy, node

pytestmark = [pytest.mark.slow, pytest.mark.configuration(haproxy_processes=3)]

LOAD = Load(connections=18, seconds=2.0, keep_alive=True)
ONE_EACH = Load(connections=18, seconds=None, requests=1800, warm_up=0)
"""A new connection for each request."""

SLOW_ASKER = """
import http.client, json, sys, threading, time

def ask():
    connection = http.client.HTTPConnection(host, int(port))
    while time.monotonic() < end:
        connection.request("GET", path)
        answers.append(len(connection.getresponse().read()))
        busy = time.thread_time() + 0.004
        while time.thread_time() < busy:
            pass

host, port, path, connections, seconds = sys.argv[1:]
answers, began = [], time.monotonic()
end = began + float(seconds)
askers = [threading.Thread(target=ask) for _ in range(int(connections))]
for asker in askers:
    asker.start()
for asker in askers:
    asker.join()
print(json.dumps([len(answers), time.monotonic() - began]))
"""


@dataclass(frozen=True)
class Slow:
    """A generator that needs a hundred times the CPU of any other, and never waits for its turn.

    Of its connections one has always been answered: HAProxy would need 60 ms to keep it waiting.
    """

    name: str = "http.client"
    report: str = ""

    def times(self, _load: Load) -> bool:
        return True

    def command(self, load: Load, url: str) -> str:
        where = urlsplit(url)
        words = [where.hostname, where.port, where.path, load.connections, load.seconds]
        return shlex.join(["chrt", "-r", "1", "python3", "-c", SLOW_ASKER, *map(str, words)])

    def tally(self, _load: Load, _status: int, out: str, err: str, _report: str, /) -> Tally:
        if not out:
            return Tally(0, 0, said=err)
        answered, seconds = json.loads(out)
        return Tally(answered, answered, seconds=seconds)


@pytest.fixture
def quick_answer(cluster: Cluster) -> Iterator[int]:
    """A port on which HAProxy itself answers, at once."""
    rule = "http-request return status 200 content-type text/plain string ok"
    with haproxy.cfg(cluster, f"s#( +)default_backend .*#\\1{rule}\\n&#"):
        yield cluster.ports_of(1)[0]


def streams_by_process(cluster: Cluster) -> dict[int, int]:
    """All that each HAProxy has ever begun, by `show info`: its peers' and admins' are among it."""
    return {n: int(cluster.master.haproxy(n).info()["CumReq"]) for n in cluster.processes}


def test_all_ports_and_clients_are_one_figure(cluster: Cluster) -> None:
    """What all processes counted together is what all clients had, and each did its part."""
    measured = run(cluster, LOAD).valid
    print(measured)
    assert measured.succeeded == pytest.approx(measured.haproxy_requests, rel=0.005)
    assert measured.requests_per_second * measured.seconds == pytest.approx(measured.succeeded)
    assert measured.seconds >= 1.95
    assert [*measured.haproxy_cpu] == [1, 2, 3]
    assert min(measured.haproxy_cpu.values()) > 0.3 * max(measured.haproxy_cpu.values())
    assert [*measured.client_cpu] == [*cluster.clients]


def test_requests_are_dealt_out_to_all_ports_alike(cluster: Cluster) -> None:
    """By another counter of HAProxy's: a third of them to each process."""
    before = streams_by_process(cluster)
    measured = run(cluster, ONE_EACH).valid
    after = streams_by_process(cluster)
    assert (measured.succeeded, measured.haproxy_requests) == (1800, 1800)
    begun = {n: after[n] - before[n] for n in after}
    assert begun == pytest.approx(dict.fromkeys(cluster.processes, 600), abs=20)


def test_ports_and_clients_that_are_named_are_the_only_ones(cluster: Cluster) -> None:
    """The others' processes rest, but for their checks."""
    second, client = cluster.ports[1], cluster.first_client
    measured = run(cluster, LOAD, clients=[client], ports=[second]).valid
    assert [*measured.client_cpu] == [client.name]
    rest = [measured.haproxy_cpu[1], measured.haproxy_cpu[3]]
    assert max(rest) < 0.2 * measured.haproxy_cpu[2]


def test_two_of_three_clients(cluster: Cluster) -> None:
    """They are as many as are named."""
    two = [Client(node) for node in cluster.clients.values()][:2]
    assert [*run(cluster, LOAD, clients=two).valid.client_cpu] == [c.name for c in two]


def test_clients_that_start_late_make_no_more_of_it_on_many_ports(cluster: Cluster) -> None:
    """From the first one's start to the last one's end, whichever port they ask."""
    load = Load(connections=9, seconds=1.0, keep_alive=True, warm_up=0)
    measured = run(cluster, load, delays=[0, 1.2, 2.4]).valid
    assert measured.seconds >= 3.3
    assert measured.requests_per_second * 3.3 <= measured.haproxy_requests * 1.005


def test_what_a_process_spent_is_what_the_kernel_charged_it(cluster: Cluster) -> None:
    """By its other account of it, /proc/PID/stat, which counts in ticks of 10 ms."""

    def charged() -> dict[int, float]:
        pids = {n: cluster.master.haproxy(n).pid() for n in cluster.processes}
        read = "; ".join(f"cut -d ' ' -f 14,15 /proc/{pid}/stat" for pid in pids.values())
        lines = cluster.master.node.run(read).splitlines()
        return {n: sum(map(int, line.split())) / 100 for n, line in zip(pids, lines, strict=True)}

    before = charged()
    measured = run(cluster, Load(connections=18, seconds=2.0, keep_alive=True, warm_up=0)).valid
    after = charged()
    for process, spent in measured.haproxy_cpu.items():
        assert spent * measured.seconds == pytest.approx(after[process] - before[process], abs=0.1)


def test_what_else_the_director_does_is_in_the_whole_alone(cluster: Cluster) -> None:
    """In no process's, and the whole is no more than this host saw the machine use."""
    master, lab = cluster.master, cluster.lab
    cpus = len(lab.directors_are.cpus)

    def others() -> float:
        began = lab.cpu_time(master.name)
        measured = run(cluster, LOAD).valid
        whole = measured.director_cpu * cpus
        assert whole * measured.seconds <= lab.cpu_time(master.name) - began
        return whole - sum(measured.haproxy_cpu.values())

    alone = others()
    with node.meanwhile(master.node, "while :; do :; done"):
        beside = others()
    print(f"others: {alone:.2f} s a second, {beside:.2f} beside a loop")
    assert alone >= 0
    assert beside > alone + 0.2


def test_sockets_in_time_wait_are_the_directors_own(cluster: Cluster) -> None:
    """Whoever closes first keeps one; without lingering there is none to keep."""

    def left() -> int:
        measured = run(cluster, ONE_EACH).valid
        told = int(cluster.master.node.run("ss -Htan state time-wait | wc -l"))
        assert told == pytest.approx(measured.time_wait, rel=0.05, abs=20)
        return measured.time_wait

    before = left()
    more = left() - before
    print(f"{before} sockets in TIME_WAIT, {more} more by {ONE_EACH.requests} requests")
    assert more > 1000


def test_packets_that_were_dropped_are_no_more_than_the_machines(cluster: Cluster) -> None:
    """Those of this load are among all that its CPUs dropped from before it to after it."""

    def dropped() -> int:
        rows = cluster.master.node.run("cat /proc/net/softnet_stat").splitlines()
        return sum(int(row.split()[1], 16) for row in rows)

    before = dropped()
    measured = run(cluster, LOAD).valid
    assert 0 <= measured.softnet_drops <= dropped() - before


def test_a_client_at_its_end_makes_a_run_invalid(cluster: Cluster, quick_answer: int) -> None:
    """All was answered, and both sides agree; yet it is the client's speed, and no figure."""
    measured = run(
        cluster,
        Load(connections=16, seconds=2.0, keep_alive=True, warm_up=0),
        generator=Slow(),
        clients=[cluster.first_client],
        ports=[quick_answer],
    )
    print(measured)
    with pytest.raises(InvalidRun, match=r"client1 used \d+% of its CPU, more than 70%$"):
        _ = measured.valid
    assert len(measured.invalid) == 1
    assert not measured.errors
    assert measured.succeeded == measured.haproxy_requests > 100


def test_another_generator_on_the_same_port_has_time_left(
    cluster: Cluster, quick_answer: int
) -> None:
    """So the first one's CPU was the limit, and not the port."""
    load = Load(connections=16, seconds=2.0, keep_alive=True)
    shared = run(cluster, load, ports=[quick_answer]).valid
    assert max(shared.client_cpu.values()) <= 0.7
