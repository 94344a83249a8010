"""What several of the project's own tests stand on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.terminal import saying
from halab import redaction
from tests.foreign_lab import Operator, become_well, raised
from tests.moments import Moments


@pytest.fixture(autouse=True)
def secrets_of_this_test_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it makes a secret is none to those that follow; the lab's own stay hidden."""
    monkeypatch.setattr(redaction, "_known", set(redaction._known))


@pytest.fixture(scope="session")
def moments(pytestconfig: pytest.Config) -> Iterator[Moments]:
    """All of this session, told at its end."""
    counted = Moments()
    yield counted
    saying(pytestconfig)(str(counted))


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """The foreign cluster, raised once, and an operator beside it; it is well."""
    with raised(tmp_path_factory.mktemp("foreign")) as operator:
        become_well(operator)
        yield operator
