"""Every test here runs with the LAN under watch."""

from __future__ import annotations

import pytest

from halab.lan import Lan


@pytest.fixture(autouse=True)
def watched(lan: Lan) -> None:
    """Fails the test in which an invariant is broken that it does not expect to break."""
