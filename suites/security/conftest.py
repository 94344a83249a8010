"""The client that means harm, beside those that are served."""

from __future__ import annotations

import pytest

from fixtures.clients import Clients
from halab.hostile_client import HostileClient


@pytest.fixture
def hostile(clients: Clients) -> HostileClient:
    """The second client: the first is served meanwhile, the last listens to the LAN."""
    return HostileClient(clients.second)
