"""In the run that is to fail: break the cluster once it stands, mend it before teardown."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack

import pytest

from tests.mutations.catalogue import MUTATIONS

broken = ExitStack()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--mutation", required=True)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """The cluster, or platforms, have just been brought to health: from here they are broken."""
    value = yield
    if fixturedef.argname in ("cluster", "platforms"):
        wanted = request.config.getoption("--mutation")
        (mutation,) = (m for m in MUTATIONS if m.name == wanted)
        broken.enter_context(mutation.breaks(value))  # type: ignore[arg-type]
    return value


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown() -> Generator[None]:
    """Mended before the fixtures look whether the cluster is steady."""
    broken.close()
    return (yield)
