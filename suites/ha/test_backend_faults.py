"""Web VMs that fail otherwise than by dying, and many at once: who loses what, and for how long.

Checks are of the thesis's kind, a TCP connection each: what they do not see is asserted to be so,
and test_http_check.py has the remedy. They come every second, which halves the waits, and
budgets follow: suites/backends/test_loss.py has the checks as the topology wants them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial

import pytest

from fixtures.clients import Clients
from fixtures.evidence import Evidence
from halab import wait, webserver
from halab.budget import Budget
from halab.cluster import Cluster
from halab.faults import answering, apache_frozen, apache_killed, each_of, half_of, refusing, slow
from halab.health_check import HealthCheck
from halab.outage import Outcome
from halab.service import FAULT, HEALED, Service, quantile
from halab.topology import VirtualMachine
from halab.wait import Condition

pytestmark = [pytest.mark.disruptive, pytest.mark.configuration(check_inter=1)]

ALL_DOWN = "all of them are DOWN"

HELD = 0.5
"""Seconds for which clients are watched while no backend is there: some hundred requests."""

SLOWER = 0.2
"""Seconds: less than half of a probe's timeout, and far more than others take."""


def check_of(cluster: Cluster, vm: VirtualMachine) -> HealthCheck:
    """The check of this VM that the MASTER's HAProxy is deployed with."""
    return cluster.master.haproxy().deployed().check_of(vm.name)


def most(evidence: Evidence, what: str, measured: float, budget: Budget) -> str:
    """What is over its budget, in words; nothing when it is not."""
    taken = evidence.measure(what, measured, budget)
    return str(taken) if taken.margin < 0 else ""


def share(service: Service, lasted: float, dead: int, backends: int) -> Budget:
    """What goes to these servers in so many seconds: :meth:`Budget.lost_share`, of any cause."""
    return Budget.lost_share(service, Budget(lasted, "the time measured"), dead, backends)


def goes_down(cluster: Cluster, vms: Iterable[VirtualMachine]) -> Condition:
    """A check of one of these VMs has failed, or it is DOWN."""
    names = [vm.name for vm in vms]

    def failed() -> list[str]:
        servers = cluster.master.haproxy().servers(cluster.topology.haproxy.backend)
        return [n for n in names if servers[n].going_down or not servers[n].check_passed]

    return Condition(f"a check of {', '.join(names)} fails", failed)


@pytest.mark.rests_on("web VMs over SSH", "Apache", "TCP checks", "named backends")
def test_tcp_checks_see_neither_a_frozen_apache_nor_errors(
    cluster: Cluster, clients: Clients, inflict: Callable, evidence: Evidence
) -> None:
    """Both VMs stay UP and keep their shares, which are lost for as long as it lasts; no more is.

    The kernel accepts connections for a frozen process, and a status is nothing to a TCP check. So
    it lasts here for longer than HAProxy takes to call a server DOWN that refuses.
    """
    frozen, failing = cluster.backends[2], cluster.backends[9 % len(cluster.backends)]
    check, backends = check_of(cluster, frozen), len(cluster.backends)
    assert math.isinf(Budget.detection_of_frozen(check).value), "the checks are not of TCP alone"
    noticed = Budget.detection(check, silent=False)
    failures = goes_down(cluster, [frozen, failing])

    with clients.probing() as watch:
        heals = [inflict(apache_frozen(cluster, frozen)), inflict(answering(cluster, failing, 500))]
        began = wait.clock()
        wait.passing(noticed.value)
        lasted = wait.clock() - began
        missed = failures.holds()
        for heal in reversed(heals):
            heal()
        watch.healed()

    service = watch.service
    through = service.during(FAULT, HEALED)
    hung = [r for r in through.requests if r.outcome is Outcome.TIMEOUT]
    errors = Counter(r.backend for r in through.requests if r.outcome is Outcome.SERVER_ERROR)
    budget = share(service, through.ended - through.started, 1, backends)
    over = [
        most(evidence, "lost by the frozen one", len(hung), budget),
        most(evidence, "lost by errors", errors.total(), budget),
    ]
    evidence.note(f"both stayed UP, and their shares were lost, for {lasted:.1f} s")
    assert missed == []
    assert list(filter(None, over)) == []
    assert set(errors) == {failing.name}
    assert not {r.backend for r in hung} - {None, frozen.name}
    assert set(service.lost) == {Outcome.TIMEOUT, Outcome.SERVER_ERROR}
    # what a thawed Apache finds waiting for it, a timeout old at most, it still answers
    least = math.floor((lasted - service.timeout) / service.interval / backends) - 1
    assert min(len(hung), errors.total()) >= least, "the faults had not their effect"
    assert watch.lost_after == 0


@pytest.mark.rests_on("web VMs over SSH")
@pytest.mark.parametrize("many", [False, True], ids=["one refusing", "half of all killed"])
def test_refusing_backends_are_down_in_time_and_then_nothing_is_lost(
    cluster: Cluster, clients: Clients, inflict: Callable, evidence: Evidence, many: bool
) -> None:
    """Their share is lost until all are DOWN; the others then serve every request.

    HAProxy tries the same server again, a second apart: clients give up before it does.
    """
    dead = half_of(cluster.backends) if many else [cluster.backends[4]]
    faults = each_of(dead, partial(apache_killed if many else refusing, cluster))
    check, backends = check_of(cluster, dead[0]), len(cluster.backends)
    works = cluster.lab.takeover_works
    detection = Budget.detection(check, silent=False).and_(*works)
    recovery = Budget.recovery(check).and_(*works)

    with clients.probing() as watch:
        heal = inflict(faults)
        down = watch.awaiting(cluster.down(dead))
        watch.mark(ALL_DOWN)
        watch.await_calm()
        heal()
        cluster.serves(dead).until(within=30)
        watch.healed()
        up = watch.awaiting(cluster.up(dead))

    detection = detection.and_(faults.doing)
    lost = Budget.lost_share(watch.service, detection, len(dead), backends)
    evidence.measure("until DOWN", down.after, detection, down.polling)
    evidence.measure("requests lost", watch.through, lost)
    evidence.measure("until UP", up.after, recovery, up.polling)
    assert down.after <= detection.value + down.polling
    assert 0 < watch.through <= lost.value
    assert up.after <= recovery.value + up.polling
    assert watch.lost_after == 0
    lost_later = last_loss(watch.service) - watch.service.at(ALL_DOWN)
    assert lost_later <= watch.resolution, "lost though they are DOWN"


@pytest.mark.rests_on("web VMs over SSH", "round robin")
def test_request_for_a_server_that_refuses_is_held_for_its_retries_and_no_longer(
    cluster: Cluster, inflict: Callable, evidence: Evidence
) -> None:
    """HAProxy tries the same server again, a pause apart, and then says 503: nobody waits for ever.

    A turn of the wheel, one request after the other, while HAProxy holds the server for UP still.
    """
    deployed = cluster.master.haproxy().deployed()
    connecting = deployed.backends[cluster.topology.haproxy.backend].connecting
    budget = Budget.held(connecting, silent=False).and_(*cluster.lab.takeover_works)
    took: dict[int, list[float]] = {200: [], 503: []}

    inflict(refusing(cluster, cluster.backends[4]))
    for _ in cluster.backends:
        asked = wait.clock()
        answer = webserver.get(cluster.vip, cluster.ports[0], within=3 * budget.value)
        took[answer.status].append(wait.clock() - asked)

    held = max(took[503], default=0.0)
    evidence.measure("held", held, budget, max(took[200]))
    assert len(took[503]) == 1, "one of them went to the server that refuses"
    assert held <= budget.value + max(took[200])


def last_loss(service: Service) -> float:
    """When the last outage ended, by the client's clock."""
    return max(outage.end for outage in service.outages)


@pytest.mark.rests_on("web VMs over SSH", "Apache", "slow page", "named backends", "round robin")
def test_slow_backend_costs_nobody_else_his_time(
    cluster: Cluster, clients: Clients, inflict: Callable, evidence: Evidence
) -> None:
    """Its answers come later by as much as it is slow, and nothing is lost below the timeout.

    What others take stays what it was: no answer of theirs waits for one of its. Nor do they get
    its share: round robin looks at turns, not at who is busy, as leastconn would. Judged is while
    it is slow, and not while its Apache begins anew to be so, or to be so no more.
    """
    vm, haproxy = cluster.backends[7 % len(cluster.backends)], cluster.master.haproxy()
    before = haproxy.servers(cluster.topology.haproxy.backend)

    with clients.probing() as watch:
        heal = inflict(slow(cluster, vm, SLOWER))
        watch.mark("slow")
        wait.passing(1.5)  # for its turn to come a dozen times
        watch.mark("slow for long enough")
        heal()
        watch.healed()
    after = haproxy.servers(cluster.topology.haproxy.backend)

    slowed = watch.service.during("slow", "slow for long enough")
    late = [r for r in slowed.requests if r.ok and r.duration >= SLOWER]
    others = [r.duration for r in slowed.requests if r.ok and r.backend != vm.name]
    budget = Budget(SLOWER, "an answer of the slow one")
    evidence.measure("p99 of all others", quantile(others, 0.99), budget)
    assert slowed.lost.total() == 0
    assert {r.backend for r in late} == {vm.name}, "who was late is not who was slowed"
    assert quantile(others, 0.99) < SLOWER
    shares = {v.name: after[v.name].lbtot - before[v.name].lbtot for v in cluster.backends}
    assert max(shares.values()) - min(shares.values()) <= 1, (
        f"not round robin: {vm.name} got {shares[vm.name]} of {sum(shares.values())} requests"
    )


@pytest.mark.rests_on("web VMs over SSH")
def test_without_any_backend_haproxy_answers_503_and_comes_back(
    cluster: Cluster, clients: Clients, inflict: Callable, evidence: Evidence
) -> None:
    """All requests are lost, once all are DOWN as 503 at once; all are served when one is UP."""
    all_of = cluster.backends
    faults = each_of(all_of, partial(apache_killed, cluster))
    check = check_of(cluster, all_of[0])
    works = cluster.lab.takeover_works
    detection = Budget.detection(check, silent=False).and_(*works)
    recovery = Budget.recovery(check).and_(*works)

    with clients.probing() as watch:
        heal = inflict(faults)
        down = watch.awaiting(cluster.down(all_of))
        watch.mark(ALL_DOWN)
        answer = webserver.get(cluster.vip, cluster.ports[0]).status
        wait.passing(HELD)  # for clients to be answered so
        heal()
        cluster.serves(all_of).until(within=30)
        watch.healed()
        up = watch.awaiting(cluster.up(all_of))

    service, detection = watch.service, detection.and_(faults.doing)
    known = service.at(ALL_DOWN)
    then = [r for r in service.requests if known < r.intended < known + HELD]
    back = last_loss(service) - service.at(HEALED)
    evidence.measure("until all DOWN", down.after, detection, down.polling)
    evidence.measure("until clients are served again", back, recovery, watch.resolution)
    evidence.measure("until all UP", up.after, recovery, up.polling)
    assert answer == 503
    assert {r.outcome for r in then} == {Outcome.SERVER_ERROR}
    assert down.after <= detection.value + down.polling
    assert back <= recovery.value + watch.resolution
    assert up.after <= recovery.value + up.polling
