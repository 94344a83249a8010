"""The clues of a cluster that is not there, for the failures of tests/sample_suite.py."""

from __future__ import annotations

import pytest
from pytest_html import extras

from fixtures import failures
from halab import causes
from halab.clues import Clues
from halab.portrait import DirectorSeen, Portrait

SERVERS = {f"server{n}": tuple(f"web{8 * n - 8 + vm}" for vm in range(1, 5)) for n in range(1, 7)}


def director(name: str, address: str, state: str) -> DirectorSeen:
    """One that holds web2 for DOWN."""
    names = [vm for vms in SERVERS.values() for vm in vms]
    backends = {vm: "DOWN (L4CON)" if vm == "web2" else "UP" for vm in names}
    return DirectorSeen(
        name,
        address,
        state,
        keepalived_runs=True,
        holds=state == "MASTER",
        processes=frozenset({1}),
        backends=backends,
    )


DIRECTORS = (
    director("lb1", "192.168.250.121", "MASTER"),
    director("lb2", "192.168.250.111", "BACKUP"),
)
SEEN = Clues(
    Portrait(
        "192.168.250.250", "default", DIRECTORS, SERVERS, ("client1", "client2"), ("client4",)
    ),
    processes=frozenset({1}),
)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    """What is looked at when a test of a real cluster fails."""
    report = yield
    if report.failed and "dead_web_server" in report.nodeid:
        likely = causes.likely(SEEN)
        report.causes = [cause.text for cause in likely]
        shown = failures.told_of(SEEN, likely, report.nodeid)
        report.extras = [*report.extras, extras.html(f'<section class="failure">{shown}</section>')]
    return report
