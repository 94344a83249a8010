"""What several of the project's own tests stand on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.foreign_lab import Operator, become_well, raised


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """The foreign cluster, raised once, and an operator beside it; it is well."""
    with raised(tmp_path_factory.mktemp("foreign")) as operator:
        become_well(operator)
        yield operator
