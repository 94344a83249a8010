"""Runs of which a test is to end in an error: the cluster is broken before the test, or after it.

As those of tests/mutations, each has the likely cause that must be told.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass

import pytest

from halab.cluster import Cluster
from halab.faults import answering, apache_frozen, apache_killed, powered_off, vm_off
from halab.topology import VirtualMachine

FAILOVER = "suites/ha/test_failover.py::test_stopped_master_hands_the_vip_over_within_skew_time"
CHECKED = "suites/ha/test_http_check.py::test_frozen_apache_and_errors_are_found"

Fault = Callable[[Cluster, VirtualMachine], AbstractContextManager[None]]


@dataclass(frozen=True)
class Around:
    """What is broken: a web VM once the fixture ``after`` is there, or when the test has ended.

    Without a ``fault`` it is the BACKUP's power.
    """

    after: str
    cause: str
    fault: Fault | None = None
    test: str = FAILOVER

    @property
    def phase(self) -> str:
        """The one that ends in an error."""
        return "setup" if self.after else "teardown"

    def breaks(self, cluster: Cluster, mended: ExitStack) -> None:
        """And waits until it is noticed."""
        if self.fault is None:
            mended.enter_context(powered_off(cluster, cluster.backup))
            return
        vm = cluster.backends[3]
        mended.enter_context(self.fault(cluster, vm))
        cluster.down([vm]).until(within=30)


AROUND = {
    "no power when it is brought": Around("standing_cluster", "lb2 does not answer"),
    "refuses before": Around(
        "cluster",
        "web4 refuses connections: Apache is dead, its machine lives (L4CON)",
        apache_killed,
    ),
    "refuses after": Around(
        "", "web4 refuses connections: Apache is dead, its machine lives (L4CON)", apache_killed
    ),
    "no power before": Around(
        "cluster",
        "web4 does not answer at all: its machine, its server or the way there is down (L4TOUT)",
        vm_off,
    ),
    "errors before": Around(
        "cluster",
        "web4 answers the check with an error: its page is broken (L7STS)",
        answering,
        CHECKED,
    ),
    "hangs before": Around(
        "cluster",
        "web4 takes connections and does not answer: Apache hangs (L7TOUT)",
        apache_frozen,
        CHECKED,
    ),
}

mended = ExitStack()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--around", required=True, choices=AROUND)


def _wanted(config: pytest.Config) -> Around:
    return AROUND[config.getoption("--around")]


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    value = yield
    wanted = _wanted(request.config)
    if fixturedef.argname == wanted.after:
        assert isinstance(value, Cluster)
        wanted.breaks(value, mended)
    return value


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """What was to fail in set-up has failed: mended before the lab is let go."""
    wanted = _wanted(item.config)
    if wanted.after:
        mended.close()
    else:
        wanted.breaks(item.funcargs["cluster"], mended)  # type: ignore[attr-defined]
    return (yield)


def pytest_fixture_post_finalizer(fixturedef: pytest.FixtureDef[object]) -> None:
    """The fixture that looks whether the cluster came back has looked."""
    if fixturedef.argname == "steady":
        mended.close()
