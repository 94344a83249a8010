"""The service under load, as a figure to be put beside that of another set-up."""

from __future__ import annotations

import pytest

from fixtures.evidence import Evidence
from halab import load
from halab.budget import Budget
from halab.cluster import Cluster

pytestmark = [pytest.mark.gate]

LOAD = load.Load(connections=24, seconds=3.0, keep_alive=True)


def test_every_request_of_a_load_is_served(
    cluster: Cluster, steady: None, evidence: Evidence
) -> None:
    """Not one fails. Requests a second are told, and judge nothing: a duet says what is slower."""
    seen = load.run(cluster, LOAD)
    if seen.latency:
        evidence.note(
            f"{seen.requests_per_second:.0f} requests/s, p99 {seen.latency[99] * 1e3:.1f} ms, "
            f"HAProxy's CPU {seen.cpu_per_request * 1e6:.1f} µs a request"
        )
    failed = sum(seen.errors.values())
    evidence.measure("requests that failed", failed, Budget(0, "none may", unit="requests"))
    assert failed == 0
    assert seen.succeeded > 0
