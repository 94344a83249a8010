"""What directors' own programs say of a candidate's files, on a real lab."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from halab.cluster import Cluster
from halab.errors import CommandFailed
from halab.gate.gate import Gate
from halab.gate.judgement import Verdict
from halab.lab.embedded import EmbeddedLab
from halab.set_up import HAPROXY, PATHS, SetUp
from tests.at_the_gate import TOPOLOGY, picture, reasons

pytestmark = pytest.mark.slow

MISTAKE = ("balance roundrobin", "balance roundrobbin")
SAID = r"parsing \[\S+haproxy-1.cfg:\d+\] : balance only supports 'roundrobin', "


def test_what_haproxy_refuses_is_rejected_and_nothing_else_is_tried(
    cluster: Cluster, lab: EmbeddedLab, tmp_path: Path
) -> None:
    """By each director's own, in its own words; the service keeps what it has."""
    before = picture(cluster)
    for director in lab.topology.directors:
        text = SetUp().deployed(director, lab.topology, lab.secrets)[PATHS[HAPROXY]]
        (tmp_path / director).mkdir()
        (tmp_path / director / HAPROXY).write_text(text.replace(*MISTAKE))
    candidate = SetUp.load(tmp_path, lab.topology)
    judgement = Gate(lab, TOPOLOGY, SetUp(), candidate, None, print).whole()
    assert judgement.verdict is Verdict.REJECT, judgement.table()
    refused = reasons(judgement)
    assert refused.keys() == {f"{director}: {HAPROXY}" for director in lab.topology.directors}
    assert all(re.search(SAID, why) for why in refused.values()), refused
    assert len(judgement.rows) == 4, "no more than the syntax of two files on two directors"
    assert lab.secrets.vrrp not in str(judgement)
    assert lab.secrets.stats not in str(judgement)
    assert picture(cluster) == before


def test_what_is_deployed_and_refused_is_told_and_changes_nothing(
    cluster: Cluster, lab: EmbeddedLab
) -> None:
    """As by a topology that nobody has tried yet."""
    director, path = cluster.backup, PATHS[HAPROXY]
    text = SetUp().deployed(director.name, lab.topology, lab.secrets)[path]
    before = director.node.read(path)
    with pytest.raises(CommandFailed, match=SAID):
        director.deploy({path: text.replace(*MISTAKE)})
    assert director.node.read(path) == before


def test_a_program_that_is_no_haproxy_is_rejected(cluster: Cluster, lab: EmbeddedLab) -> None:
    program = Path("/bin/true").read_bytes()
    judgement = Gate(lab, TOPOLOGY, SetUp(), SetUp(), program, print).quick()
    assert set(reasons(judgement).values()) == {"it is no HAProxy"}
