"""The measurement measured: outages of known length, made on the MASTER by dropping packets."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from fixtures.clients import Clients
from fixtures.evidence import Evidence
from halab.cluster import Cluster

DROPPER = Path(__file__).with_name("vip_dropper.py")

SHORTEST, LONGEST, DROPS = 0.1, 5.0, 30
CLOSE, FARTHEST = 0.005, 0.010  # seconds
SHARE = 0.95  # of the drops is to be measured that closely


@dataclass(frozen=True)
class Drop:
    """Packets were dropped from a moment in the first pair to one in the second, in seconds."""

    begun: tuple[float, float]
    ended: tuple[float, float]

    @property
    def seconds(self) -> float:
        """How long, from the middle of one commit to that of the other."""
        return (sum(self.ended) - sum(self.begun)) / 2

    @property
    def blur(self) -> float:
        """Seconds by which that may be off."""
        return (self.ended[1] - self.ended[0] + self.begun[1] - self.begun[0]) / 2


def times() -> list[float]:
    """Evenly spread on a logarithmic scale, in an order that is the same in each run."""
    spread = [SHORTEST * (LONGEST / SHORTEST) ** (n / (DROPS - 1)) for n in range(DROPS)]
    random.Random(7).shuffle(spread)
    return spread


@pytest.mark.slow
@pytest.mark.disruptive
def test_known_outages_are_measured_within_milliseconds(
    cluster: Cluster, clients: Clients, steady: None, evidence: Evidence
) -> None:
    """Within 5 ms in 95 of 100, and within 10 ms in all: what the suite's ± is worth."""
    interval = cluster.lab.probe_interval
    if interval > CLOSE:
        pytest.skip(f"this lab's clients send every {interval * 1e3:g} ms: nothing is that close")
    with clients.probing() as watch:
        said = cluster.master.node.run(
            "nice -n -15 python3 -I - " + " ".join(["%s"] * (1 + DROPS)),
            str(cluster.vip),
            *(f"{seconds:.6f}" for seconds in times()),
            stdin=DROPPER.read_text(),
            limit=150,
        )
    drops = [Drop((a, b), (c, d)) for a, b, c, d in json.loads(said)]
    outages = watch.service.outages
    assert len(outages) == len(drops)
    sharp = [(d, o) for d, o in zip(drops, outages, strict=True) if d.blur <= 0.001]
    assert len(sharp) >= DROPS
    errors = sorted(outage.duration - drop.seconds for drop, outage in sharp)
    for drop, outage in sharp:
        evidence.note(
            f"dropped for {drop.seconds:.4f} s ± {drop.blur:.4f}, seen {outage.duration:.4f} s: "
            f"{(outage.duration - drop.seconds) * 1e3:+.2f} ms"
        )
    middle = errors[len(errors) // 2]
    evidence.note(
        f"{len(sharp)} of {len(drops)} drops with sharp edges; error {errors[0] * 1e3:+.2f} to "
        f"{errors[-1] * 1e3:+.2f} ms, median {middle * 1e3:+.2f} ms"
    )
    assert max(map(abs, errors)) <= FARTHEST
    assert sum(abs(error) <= CLOSE for error in errors) >= SHARE * len(errors)
