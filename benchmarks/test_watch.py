"""What the watch on the LAN costs each test of suites/ha.

    ./run pytest benchmarks/test_watch.py --benchmark-enable

The figures are in benchmarks/README.md.
"""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture

from halab import wait
from halab.lan import Lan, Listening

ROUNDS = 20
HEARD = 30.0
"""Seconds of adverts and questions that are judged: as much as a long test hears."""


def test_judging_what_a_test_heard(benchmark: BenchmarkFixture, listening: Listening) -> None:
    """A look at the client's clock, a judgement of all that the module heard, and its summary."""
    wait.passing(HEARD)

    def judged() -> None:
        lan = Lan(listening)
        assert lan.unforgiven() == ()
        lan.summary()

    benchmark.pedantic(judged, rounds=ROUNDS)
