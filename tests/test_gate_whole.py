"""The whole gate on a real lab: faults and settings, under today's set-up and the candidate's."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

import pytest

from halab.cluster import Cluster
from halab.gate import host_wide
from halab.gate.gate import COST, Gate
from halab.gate.host_wide import DIRECTORS_CPU, HOST_WIDE, REQUESTS
from halab.gate.judgement import Verdict
from halab.lab.embedded import EmbeddedLab
from halab.set_up import SetUp
from tests.at_the_gate import (
    CANDIDATES,
    TOPOLOGY,
    TRACKED,
    await_as_before,
    gate,
    picture,
    reasons,
)

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
    await_as_before(cluster, before)


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
    await_as_before(cluster, before)


def test_another_place_for_haproxy_is_compared_in_turns(
    cluster: Cluster, lab: EmbeddedLab, tmp_path: Path
) -> None:
    """Two processes, each with its port and its CPU, beside one anywhere; then as it was."""
    (tmp_path / "cluster.yaml").write_text("haproxy_processes: 2\nhaproxy_cpus: [0, 1]\n")
    candidate, before = SetUp.load(tmp_path, lab.topology), picture(cluster)
    rows = host_wide.rows(lab, SetUp(), candidate, print)
    assert [row.what for row in rows] == [REQUESTS, DIRECTORS_CPU]
    assert all("20 pairs" in row.after and float(row.before.split()[0]) > 0 for row in rows)
    await_as_before(cluster, before)


def test_all_kinds_of_change_at_once_are_compared_each(
    cluster: Cluster, lab: EmbeddedLab, tmp_path: Path
) -> None:
    """Both programs' files, the kernel's settings, the cluster's configuration and a build of
    HAProxy, none of them worse; chance may leave the settings undecided. Nothing stays behind."""
    shutil.copy(CANDIDATES / "harmless/haproxy.cfg", tmp_path)
    shutil.copy(TRACKED / "cluster.yaml", tmp_path)
    tracked = (CANDIDATES / "vip-stays/keepalived.conf").read_text()
    (tmp_path / "keepalived.conf").write_text(tracked.replace("haproxy weight -10", "haproxy"))
    (tmp_path / "sysctl.conf").write_text("net.ipv4.tcp_fin_timeout = 30")
    build = base64.b64decode(cluster.backup.node.run("base64 /usr/sbin/haproxy"))
    candidate, before = SetUp.load(tmp_path, lab.topology), picture(cluster)
    judgement = Gate(lab, TOPOLOGY, SetUp(), candidate, build, print).whole()
    assert judgement.verdict in {Verdict.ACCEPT, Verdict.UNDECIDED}, judgement.sentence
    rows = {row.what: row for row in judgement.rows}
    programs = {f"{name}: program" for name in cluster.directors}
    assert rows.keys() >= {COST, REQUESTS, DIRECTORS_CPU, *programs}
    # today's VIP stays where HAProxy is dead, and the candidate's goes
    dead = rows["dead haproxy costs what its tracking promises"]
    assert "lost" in dead.before
    assert dead.verdict is Verdict.ACCEPT
    assert len(rows) > 30
    await_as_before(cluster, before)
