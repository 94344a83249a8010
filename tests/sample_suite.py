"""Tests of a cluster that is not there, for the report of them: copied beside suites/ of a run.

Each puts into its evidence what a test of a real cluster does. Which of them run, ``-k`` says.
"""

from __future__ import annotations

import os

import pytest

from fixtures import performance
from fixtures.evidence import Evidence
from fixtures.nights import Nights
from fixtures.stories import STORY
from halab import story, wait
from halab.budget import Budget
from halab.errors import LabError
from halab.mastership import Span
from halab.outage import Outcome, Request
from halab.service import Lag, Service
from halab.story import Lane, Look, Story, Stretch, Tick
from halab.timeline import Event
from tests import sample_load

MANY = int(os.environ.get("SAMPLES", "2"))
BUDGET = Budget(3.659, "Master_Down_Interval = 3 × 1 s + skew_time 0.609 s, + takeover_work 0.05 s")
HOSTILE = "<script>window.planted = 1</script><img src=x onerror='window.planted = 2'>"
BACKENDS = {f"web{n}": 10.0 for n in range(1, 25)}


def service(outage: float) -> Service:
    """A request every 10 ms for 6 s, with an outage from second 1 on."""
    requests = tuple(
        Request(n / 100, 0.001, Outcome.TIMEOUT if 1 <= n / 100 < 1 + outage else Outcome.OK)
        for n in range(600)
    )
    return Service(
        target="192.168.250.250:8081",
        kind="new",
        cookies=False,
        interval=0.01,
        timeout=0.25,
        started=0.0,
        ended=6.0,
        ended_by="stop",
        requests=requests,
        gaps=(),
        marks={"fault": 1.0},
        lag=Lag(0, 0, 0),
        cpu=0.04,
        retried=0,
    )


def failover(evidence: Evidence, request: pytest.FixtureRequest, outage: float) -> None:
    """A measured outage, and its story."""
    seen = service(outage)
    evidence.notes.append(str(seen))
    evidence.measure("outage", outage, BUDGET, 0.003)
    adverts = tuple(Tick(at / 2, Look.ADVERT, f"lb1, {at / 2:+.3f} s") for at in range(-2, 1))
    lanes = [story.client_lane(f"client{n} new", seen, zero=1.0, finest=0.01) for n in range(1, 5)]
    lanes += [
        Lane("lb1 adverts", (Stretch(Span(-1, 0), Look.MASTER, "lb1"),), adverts),
        Lane("lb2 has the VIP", (Stretch(Span(outage, 5), Look.HOLDER, "lb2"),)),
    ]
    marks = (Event(0.0, "fault: powered off"), Event(4.5, "healed: powered off"))
    band = story.Band(Span(0, BUDGET.value), f"budget: outage {BUDGET.value:.3f} s")
    request.node.stash[STORY] = Story(Span(-1, 5), tuple(lanes), marks, band)


@pytest.mark.parametrize("n", range(MANY))
def test_backup_takes_over(evidence: Evidence, request: pytest.FixtureRequest, n: int) -> None:
    """The whole director is gone at one stroke: clients wait for Master_Down_Interval."""
    failover(evidence, request, 3.42 + n / 10_000)


def test_each_backend_gets_its_share(evidence: Evidence) -> None:
    """With no other traffic, ten turns of the wheel stop ten times at each backend."""
    evidence.share("requests by backend", BACKENDS, 10)


def test_load_is_served(evidence: Evidence, nights: Nights) -> None:
    """A bar of a figure, beside its others: how fast, how long, on which CPUs, and since when."""
    measured = {
        name: sample_load.series(name, rate)
        for name, rate in (("rps-none", 13467.0), ("rps-008c", 23093.0))
    }
    evidence.charts += performance.beside(sample_load.FIGURE, measured, "rps-008c")
    nights.history.append(sample_load.nights(nights.lab))
    nights.remember(sample_load.bar())


def test_takeover_is_too_late(evidence: Evidence, request: pytest.FixtureRequest) -> None:
    """Clients wait for Master_Down_Interval, and no longer."""
    failover(evidence, request, 4.2)
    assert evidence.measurements[0].margin >= 0


@pytest.mark.parametrize("planted", [HOSTILE])
def test_hostile_words(evidence: Evidence, request: pytest.FixtureRequest, planted: str) -> None:
    """A claim may say <script>window.planted = 3</script> too."""
    print(planted)
    evidence.measure(planted, 1.0, Budget(0.5, planted))
    evidence.note(planted)
    evidence.share(planted, {planted: 1.0, "web1": 2.0}, 1)
    lane = Lane(planted, (Stretch(Span(0, 1), Look.LOST, planted),))
    request.node.stash[STORY] = Story(Span(-1, 2), (lane,), (Event(0, planted),))
    raise AssertionError(planted)


@pytest.mark.parametrize("role", ["master", "backup"])
def test_dead_web_server_is_told_by_whoever_looks_at_it_first(role: str) -> None:
    """UP by a check that has been made and passed, as each director sees it."""
    unhealthy = {"web2"}
    assert unhealthy == set(), f"{role} holds them for DOWN"


@pytest.fixture
def no_lab() -> None:
    """A lab that cannot be had."""
    raise LabError("the embedded lab needs root: run it with sudo")


@pytest.mark.usefixtures("no_lab")
def test_lab_is_broken() -> None:
    """What needs a lab is not judged without one."""


def test_the_last_one_leaves_it_broken(request: pytest.FixtureRequest) -> None:
    """What does not come back stops the session."""
    request.session.shouldstop = "lb1 left the cluster broken"


def test_never_run() -> None:
    """The session has stopped before it."""


def test_waits_for_a_takeover() -> None:
    """A wait that is long enough to be told of."""
    over = wait.clock() + 2.3
    wait.until(lambda: wait.clock() > over, what="lb2 takes the VIP", within=5)


def test_needs_queues() -> None:
    """What a lab cannot express is skipped."""
    pytest.skip("the NIC has one queue")
