"""The whole gate on a real lab: faults and settings, under today's set-up and the candidate's."""

from __future__ import annotations

from pathlib import Path

import pytest

from halab.cluster import Cluster
from halab.gate.judgement import Verdict
from halab.lab.embedded import EmbeddedLab
from tests.at_the_gate import TRACKED, gate, picture, reasons

pytestmark = [pytest.mark.slow, pytest.mark.nightly, pytest.mark.timeout(1200)]


@pytest.mark.parametrize(
    ("name", "today", "grounds"),
    [
        ("loses-requests-on-reload", None, {"reloads of haproxy cost no request"}),
        ("vip-stays", TRACKED, {"dead haproxy costs what its tracking promises"}),
    ],
)
def test_what_only_a_fault_shows_is_rejected_by_the_matrix(
    cluster: Cluster, lab: EmbeddedLab, name: str, today: Path | None, grounds: set[str]
) -> None:
    before = picture(cluster)
    judgement = gate(lab, name, today).whole()
    assert judgement.verdict is Verdict.REJECT, judgement.sentence
    assert reasons(judgement).keys() >= grounds
    assert picture(cluster) == before


def test_harmless_edit_is_accepted_by_the_whole_gate(cluster: Cluster, lab: EmbeddedLab) -> None:
    judgement = gate(lab, "harmless").whole()
    assert judgement.verdict is Verdict.ACCEPT, judgement.sentence
    assert len(judgement.rows) > 20
