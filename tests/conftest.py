"""What several of the project's own tests stand on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from halab import redaction
from tests.foreign_lab import Operator, become_well, raised
from tests.moments import Moments, summary


@pytest.fixture(autouse=True)
def secrets_of_this_test_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it makes a secret is none to those that follow; the lab's own stay hidden."""
    monkeypatch.setattr(redaction, "_known", set(redaction._known))


@pytest.fixture
def moments(request: pytest.FixtureRequest) -> Moments:
    """Those of this test; all of a run are told at its end."""
    return Moments(request.node)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How many runs were ended, and after how many something differed."""
    reports = [
        one for outcome in ("passed", "failed") for one in terminalreporter.getreports(outcome)
    ]
    if lines := summary(reports):
        terminalreporter.section("runs that were ended", sep="-")
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """The foreign cluster, raised once, and an operator beside it; it is well."""
    with raised(tmp_path_factory.mktemp("foreign")) as operator:
        become_well(operator)
        yield operator
