"""The whole gate on a real lab: faults and settings, under today's set-up and the candidate's."""

from __future__ import annotations

from pathlib import Path

import pytest

from halab.cluster import Cluster
from halab.gate.gate import DIRECTORS_CPU, HOST_WIDE, REQUESTS, Gate
from halab.gate.judgement import Verdict
from halab.lab.embedded import EmbeddedLab
from halab.set_up import SetUp
from tests.at_the_gate import TOPOLOGY, TRACKED, gate, picture, reasons

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


@pytest.mark.parametrize(
    ("value", "verdict"), [("30", {Verdict.ACCEPT, Verdict.UNDECIDED}), ("x", {Verdict.REJECT})]
)
def test_kernel_settings_are_compared_in_turns_by_the_whole_gate(
    cluster: Cluster, lab: EmbeddedLab, tmp_path: Path, value: str, verdict: set[Verdict]
) -> None:
    """A harmless one is never rejected; chance may leave it undecided. A refused one is."""
    (tmp_path / "sysctl.conf").write_text(f"net.ipv4.tcp_fin_timeout = {value}")
    candidate, before = SetUp.load(tmp_path, lab.topology), picture(cluster)
    judgement = Gate(lab, TOPOLOGY, SetUp(), candidate, None, print).whole()
    assert judgement.verdict in verdict, judgement.sentence
    compared = {row.what: row.after for row in judgement.rows}
    if value == "30":
        assert "20 pairs" in compared[REQUESTS]
        assert "20 pairs" in compared[DIRECTORS_CPU]
        assert len(compared) > 25
    else:
        assert "Invalid argument" in reasons(judgement)[HOST_WIDE]
    assert picture(cluster) == before
