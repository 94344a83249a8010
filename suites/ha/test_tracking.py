"""HAProxy dies where keepalived looks after it: the VIP moves, and comes back with HAProxy."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from fixtures.budgets import Budgets
from fixtures.clients import Clients
from fixtures.evidence import Evidence
from fixtures.round_trip import Travels
from halab.cluster import Cluster
from halab.faults import haproxy_frozen, haproxy_held_dead, haproxy_stopped
from halab.haproxy import HAProxy
from halab.lan import Lan

pytestmark = [
    pytest.mark.disruptive,
    pytest.mark.configuration(tracking="process"),
    pytest.mark.configuration(tracking="script"),
]


def tracked_by(cluster: Cluster) -> str:
    """What this module's test is run with."""
    assert cluster.configuration is not None
    return cluster.configuration.tracking


@pytest.mark.parametrize(
    ("fault", "hanging"),
    [
        pytest.param(haproxy_stopped, False, id="stopped"),
        pytest.param(haproxy_held_dead, False, id="held dead"),
        pytest.param(haproxy_frozen, True, id="frozen"),
    ],
)
def test_vip_leaves_a_dead_haproxy_and_comes_back(
    cluster: Cluster,
    round_trip: Travels,
    budgets: Budgets,
    lan: Lan,
    fault: Callable[[HAProxy], AbstractContextManager[None]],
    hanging: bool,
) -> None:
    """The MASTER resigns as soon as the check has found it: detection and skew_time.

    With HAProxy back it is better than the BACKUP again, and preempts.
    """
    if hanging and tracked_by(cluster) == "process":
        pytest.skip("a frozen process is there: test_frozen_haproxy_is_a_process_all_the_same")
    detection, recovery = budgets.detection(hanging=hanging), budgets.recovery
    budget, preemption = budgets.given_away(detection), budgets.preemption

    trip = round_trip(
        fault(cluster.master.haproxy()), cluster.vip_reaches(cluster.backup), waiting=hanging
    )

    assert lan.resigned(cluster.master)
    trip.keeps(taken=budget, outage=budget, returned=recovery, back=preemption)


def test_frozen_haproxy_is_a_process_all_the_same(
    cluster: Cluster, clients: Clients, inflict: Callable, evidence: Evidence, lan: Lan
) -> None:
    """track_process does not see a hang: the VIP stays, and the service is gone while it lasts."""
    if tracked_by(cluster) != "process":
        pytest.skip("a script asks HAProxy and finds that it hangs")
    adverts = cluster.backup.keepalived.instance().timers.adverts_outlasted

    with clients.probing() as service:
        heal = inflict(haproxy_frozen(cluster.master.haproxy()))
        lan.only(cluster.master, adverts).until(within=2 * adverts)
        assert cluster.holders() == [cluster.master]
        heal()
        service.healed()

    evidence.note(f"the service was gone for {service.longest_outage:.3f} s")
    assert not lan.resigned(cluster.master)
    assert service.through > 0
