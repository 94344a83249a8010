"""What directors' own programs say of a candidate's files, on a real lab."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from halab.cluster import Cluster
from halab.configuration import Configuration
from halab.errors import CommandFailed
from halab.gate.gate import Gate
from halab.gate.judgement import Verdict
from halab.lab.embedded import EmbeddedLab
from halab.set_up import HAPROXY, KEEPALIVED, PATHS, SetUp
from tests.at_the_gate import TOPOLOGY, await_as_before, picture, reasons

pytestmark = pytest.mark.slow

MISTAKE = ("balance roundrobin", "balance roundrobbin")
SAID = r"parsing \[\S+haproxy-1.cfg:\d+\] : balance only supports 'roundrobin', "
NO_ID = ("virtual_router_id 11", "virtual_router_id 300")
NO_ID_SAID = r"keepalived\.conf: Line \d+\) number '300' outside range \[1, 255\]"


@pytest.mark.parametrize(
    ("name", "mistake", "said", "settings"),
    [
        (HAPROXY, MISTAKE, SAID, {}),
        (KEEPALIVED, NO_ID, NO_ID_SAID, {}),
        (KEEPALIVED, NO_ID, NO_ID_SAID, {"tracking": "script"}),
    ],
    ids=[HAPROXY, KEEPALIVED, f"{KEEPALIVED} with a script"],
)
def test_what_its_program_refuses_is_rejected_and_nothing_else_is_tried(
    cluster: Cluster, lab: EmbeddedLab, tmp_path: Path, name: str, mistake: tuple[str, str],
    said: str, settings: dict[str, str],
) -> None:  # fmt: skip
    """By each director's own, in its own words; the service keeps what it has."""
    today = SetUp(configuration=Configuration.declared(**settings))
    before = picture(cluster)
    for director in lab.topology.directors:
        text = today.deployed(director, lab.topology, lab.secrets)[PATHS[name]]
        assert mistake[0] in text
        (tmp_path / director).mkdir()
        (tmp_path / director / name).write_text(text.replace(*mistake))
    candidate = SetUp.load(tmp_path, lab.topology, today)
    judgement = Gate(lab, TOPOLOGY, today, candidate, None, print).whole()
    assert judgement.verdict is Verdict.REJECT, judgement.table()
    refused = reasons(judgement)
    assert refused.keys() == {f"{director}: {name}" for director in lab.topology.directors}
    assert all(re.search(said, why) for why in refused.values()), refused
    assert len(judgement.rows) == 4, "no more than the syntax of two files on two directors"
    assert lab.secrets.vrrp not in str(judgement)
    assert lab.secrets.stats not in str(judgement)
    await_as_before(cluster, before)


def test_a_script_whose_user_is_not_there_yet_is_no_mistake(
    cluster: Cluster, lab: EmbeddedLab, tmp_path: Path
) -> None:
    """It is made where the set-up is deployed, and for the check alone before."""
    node = cluster.backup.node
    before = node.run("sha256sum /etc/passwd")
    (tmp_path / "cluster.yaml").write_text("tracking: script\n")
    candidate = SetUp.load(tmp_path, lab.topology)
    judgement = Gate(lab, TOPOLOGY, SetUp(), candidate, None, print).quick()
    assert judgement.verdict is Verdict.ACCEPT, judgement.table()
    assert node.run("sha256sum /etc/passwd") == before


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
