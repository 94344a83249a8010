"""What a director needs to take the VIP over, once its timer has run out: ``takeover_work``.

    ./run pytest benchmarks/test_takeover.py --benchmark-enable

Timed on the wire, from the advert that started the timer to the first gratuitous ARP, less the
timer, so that no client's resolution is in it. The figures are in benchmarks/README.md.
"""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from fixtures.clients import Clients
from halab import wait
from halab.capture import Arp
from halab.cluster import Cluster
from halab.faults import keepalived_killed, keepalived_stopped

TAKEOVERS = 20
SNAPLEN = 128


@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", [keepalived_stopped, keepalived_killed])
def test_takeover_work(benchmark: BenchmarkFixture, cluster: Cluster, fault) -> None:  # type: ignore[no-untyped-def]
    """Seconds from the end of skew_time, or of Master_Down_Interval, to the first announcement."""
    timers = cluster.backup.keepalived.instance().timers
    resigned = fault is keepalived_stopped
    timer = timers.skew_time if resigned else timers.master_down_interval
    works = []

    def take_over() -> None:
        with cluster.first_client.capturing("vrrp or arp", SNAPLEN) as heard:
            wait.passing(timers.advert_int)  # the last advert before the fault must be among them
            with fault(cluster.master):
                cluster.vip_reaches(cluster.backup).until(within=10)
        mac = cluster.backup.mac()
        arps = (Arp.decode(at, frame) for at, frame in heard.frames)
        taken = next(a.at for a in arps if a and a.gratuitous and a.sender_mac == mac)
        last = [a for a in heard.adverts if a.source == cluster.master.node.address][-1]
        assert last.resigns == resigned
        works.append(taken - last.at - timer)

    benchmark.pedantic(take_over, setup=cluster.await_steady, rounds=TAKEOVERS)
    benchmark.extra_info |= {"takeover_work_ms": [round(work * 1000, 2) for work in sorted(works)]}


@pytest.mark.timeout(600)
def test_outage_beyond_skew_time(
    benchmark: BenchmarkFixture, cluster: Cluster, clients: Clients
) -> None:
    """What a stopped MASTER costs clients beyond skew_time: both directors' work, and a request's.

    An outage is known to one interval of the prober.
    """
    timers = cluster.backup.keepalived.instance().timers
    beyond = []

    def stop() -> None:
        moved = cluster.vip_on(cluster.backup)
        with ExitStack() as healed, clients.probing(until=moved) as service:
            healed.enter_context(keepalived_stopped(cluster.master))
        beyond.append(service.longest_outage - timers.skew_time)

    benchmark.pedantic(stop, setup=cluster.await_steady, rounds=TAKEOVERS)
    benchmark.extra_info |= {"beyond_skew_time_ms": [round(s * 1000) for s in sorted(beyond)]}
