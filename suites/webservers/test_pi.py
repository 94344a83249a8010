"""The cost of a page, annex A.11: its time goes by the number of intervals, and pi is right."""

from __future__ import annotations

from itertools import pairwise

import pytest

from fixtures.evidence import Evidence
from halab import page, webserver
from halab.cluster import Cluster
from halab.quickest import quickest
from halab.webserver import Answer

INTERVALS = (100_000, 1_000_000, 10_000_000)
THESIS = {100_000: 50.017, 1_000_000: 505.188, 10_000_000: 5151.370}
"""Milliseconds of annex A.11, by intervals."""
SLACK = 0.1
"""The share by which ten times the intervals may miss ten times the time."""

pytestmark = [
    pytest.mark.observe,
    pytest.mark.rests_on("pages", "Apache or nginx"),
    pytest.mark.configuration(web_server="apache"),
    pytest.mark.configuration(web_server="nginx"),
]


def asked(cluster: Cluster, n: int) -> Answer:
    vm, port = cluster.backends[0], cluster.topology.webserver.port
    return webserver.get(vm.address, port, f"/pi.php?n={n}", within=60)


@pytest.mark.parametrize("n", INTERVALS)
def test_pi_is_right_to_what_n_gives(cluster: Cluster, n: int) -> None:
    """The midpoint rule's own error is 1/(12 n²); beyond it only doubles are rounded."""
    value, within = page.pi(n)
    assert asked(cluster, n).pi == pytest.approx(value, rel=0, abs=within)


@pytest.mark.rests_on("hypervisor")
def test_time_is_linear_in_n(cluster: Cluster, evidence: Evidence) -> None:
    """Ten times the intervals take ten times PHP's CPU time, by the quickest of each."""
    seconds = quickest(lambda: {n: asked(cluster, n).cpu for n in INTERVALS})
    for n, taken in seconds.items():
        evidence.figures.append(f"n = {n:,}: {taken * 1e3:.2f} ms (thesis {THESIS[n]:.1f} ms)")
    for few, many in pairwise(INTERVALS):
        assert seconds[many] / seconds[few] == pytest.approx(many / few, rel=SLACK)
