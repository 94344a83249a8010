"""The gate on a real lab: its verdict on each of the examples, and nothing left behind."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

from halab import sysctl, wait
from halab.changed_cluster import ChangedCluster
from halab.cluster import Cluster
from halab.configuration import Configuration
from halab.errors import LabError, NodeError
from halab.gate import command as gate_command
from halab.gate.gate import COST, Gate
from halab.gate.judgement import Verdict
from halab.gate.stage import SLICE, Contender, staged
from halab.lab import journal, rack
from halab.lab.embedded import EmbeddedLab
from halab.lab.journal import Entry
from halab.lab.lock import LocalLock
from halab.node import each
from halab.set_up import HAPROXY, PATHS, SetUp
from tests.at_the_gate import TOPOLOGY, await_as_before, gate, picture, reasons


@pytest.mark.slow
def test_harmless_edit_is_accepted_quickly_and_nothing_stays_behind(
    cluster: Cluster, lab: EmbeddedLab
) -> None:
    """No session of a few seconds is without chance; this one errs less than once in a hundred."""
    before = picture(cluster)
    judgement = gate(lab, "harmless").quick()
    assert judgement.verdict is Verdict.ACCEPT, judgement.sentence
    assert any(row.what == COST for row in judgement.rows)
    await_as_before(cluster, before)


@pytest.mark.slow
def test_seven_percent_are_rejected_by_the_duet(cluster: Cluster, lab: EmbeddedLab) -> None:
    judgement = gate(lab, "costs-seven-percent").quick()
    assert judgement.verdict is Verdict.REJECT, judgement.sentence
    assert reasons(judgement).keys() == {COST}


@pytest.mark.slow
def test_mistyped_timers_are_rejected_with_their_lines(cluster: Cluster, lab: EmbeddedLab) -> None:
    """HAProxy and keepalived take them; the whole gate puts them on no cluster."""
    judgement = gate(lab, "mistyped-timers").whole()
    assert judgement.verdict is Verdict.REJECT
    assert all(row.verdict is Verdict.ACCEPT for row in judgement.rows[:4]), "not its syntax"
    assert any(where.startswith("haproxy.cfg:") for where in reasons(judgement))
    assert any(where.startswith("lb2/keepalived.conf:") for where in reasons(judgement))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "verdict", "why"),
    [
        ("net.ipv4.tcp_fin_timeout = 30", Verdict.ACCEPT, ""),
        ("net.ipv4.no_such_thing = 1", Verdict.REJECT, "there is no net.ipv4.no_such_thing"),
        # this host's, and not a director's to change
        ("vm.swappiness = 1", Verdict.UNDECIDED, "vm.swappiness cannot be set here"),
    ],
)
def test_kernel_settings_are_looked_for_on_the_director(
    cluster: Cluster, lab: EmbeddedLab, tmp_path: Path, setting: str, verdict: Verdict, why: str
) -> None:
    """Nothing of HAProxy changes, so there is no duet."""
    (tmp_path / "sysctl.conf").write_text(setting)
    candidate = SetUp.load(tmp_path, lab.topology)
    judgement = Gate(lab, TOPOLOGY, SetUp(), candidate, None, print).quick()
    assert judgement.verdict is verdict
    assert why in judgement.sentence


@pytest.mark.slow
@pytest.mark.nightly
def test_the_same_build_of_haproxy_is_accepted(cluster: Cluster, lab: EmbeddedLab) -> None:
    same = base64.b64decode(cluster.backup.node.run("base64 /usr/sbin/haproxy"))
    before = picture(cluster)
    judgement = Gate(lab, TOPOLOGY, SetUp(), SetUp(), same, print).quick()
    assert judgement.verdict is Verdict.ACCEPT, judgement.sentence
    await_as_before(cluster, before)


@pytest.mark.slow
def test_a_set_up_is_deployed_and_taken_back(
    cluster: Cluster, lab: EmbeddedLab, tmp_path: Path
) -> None:
    """Another program, kernel settings and files: all of it is gone with the next configuration."""
    node = cluster.master.node
    (tmp_path / "sysctl.conf").write_text("net.ipv4.tcp_fin_timeout = 31\n")
    set_up = SetUp.load(tmp_path, lab.topology)
    before, other = picture(cluster), "/usr/local/sbin/another-haproxy"

    def running() -> tuple[str, str]:
        return (
            node.run("sysctl -n net.ipv4.tcp_fin_timeout").strip(),
            node.run(f"readlink /proc/{cluster.master.haproxy().pid()}/exe").strip(),
        )

    usual = running()
    directors = [director.node for director in cluster.directors.values()]
    try:
        each(directors, lambda node: node.run("cp /usr/sbin/haproxy %s", other))
        ChangedCluster(lab, set_up, other).bring_to(Configuration())
        assert running() == ("31", other)
    finally:
        cluster.bring_to(Configuration())
        each(directors, lambda node: node.run("rm -f %s", other))
    assert running() == usual
    await_as_before(cluster, before)


@pytest.mark.slow
def test_kernel_settings_take_the_place_of_others(
    cluster: Cluster, lab: EmbeddedLab, tmp_path: Path
) -> None:
    """Deployed, or for a block: what the others changed is the kernel's own again."""
    node = cluster.master.node
    fin, keepalive = "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_time"

    def are() -> list[str]:
        return node.run(f"sysctl -n {fin} {keepalive}").split()

    def set_up(text: str) -> SetUp:
        (tmp_path / "sysctl.conf").write_text(text)
        return SetUp.load(tmp_path, lab.topology)

    own = are()
    try:
        ChangedCluster(lab, set_up(f"{fin} = 31")).bring_to(Configuration())
        assert are() == ["31", own[1]]
        ChangedCluster(lab, set_up(f"{keepalive} = 7001")).bring_to(Configuration())
        assert are() == [own[0], "7001"]
        with sysctl.applied(node, f"{fin} = 32\n"):
            assert are() == ["32", own[1]]
        assert are() == [own[0], "7001"]
        with pytest.raises(NodeError, match="Invalid argument"), sysctl.applied(node, f"{fin} = x"):
            pytest.fail("the kernel took it")
        assert are() == [own[0], "7001"]
    finally:
        cluster.bring_to(Configuration())
    assert are() == own


@pytest.mark.slow
def test_stage_ends_with_whoever_asked_for_it(cluster: Cluster, lab: EmbeddedLab) -> None:
    """Its connection is cut, as when the gate is killed: no process and no password stays."""
    node = cluster.backup.node
    text = SetUp().deployed(node.name, lab.topology, lab.secrets)[PATHS[HAPROXY]]

    def processes() -> str:
        return node.run("ps -eo args= | grep -E 'haproxy|arena' | grep -v grep | sort")

    before = processes()
    with staged(node) as stage:
        stage.enter("one", Contender(text))
        assert "arena" in processes()
        assert lab.secrets.stats not in processes()
        node.close()
        wait.until(lambda: processes() == before, what="all of it has ended", within=5)
    assert node.run("ls -A /run | grep halab-arena || true") == ""


@pytest.mark.slow
def test_two_of_a_duet_have_one_cpu_at_the_same_time(cluster: Cluster, lab: EmbeddedLab) -> None:
    """Both are bound to it, and together they spend no more of it than there is."""
    node = cluster.backup.node
    text = SetUp().deployed(node.name, lab.topology, lab.secrets)[PATHS[HAPROXY]]
    with staged(node) as stage:
        for name in ("one", "the other"):
            stage.enter(name, Contender(text))
        costs = stage.together("one", "the other")
        bound = node.run(
            "for pid in $(pgrep -f 'halab-arena/[0-9]*/haproxy.cfg'); do "
            "sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/$pid/task/*/status; done"
        ).split()
    assert len(bound) >= 2
    assert len({*bound}) == 1
    assert bound[0].isdecimal()
    spent = {name: cost.requests * cost.cpu for name, cost in costs.items()}
    assert sum(spent.values()) <= 1.2 * SLICE, spent
    assert max(spent.values()) < 2 * min(spent.values()), spent


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "halab.gate.command", *arguments],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.nightly
@pytest.mark.parametrize(
    ("name", "verdict", "says"),
    [
        ("mistyped-timers", Verdict.REJECT, "timeout connect 5 is 5 ms"),
        ("harmless", Verdict.ACCEPT, COST),
    ],
    ids=["rejects", "accepts"],
)
def test_command_builds_a_lab_judges_and_takes_it_down(
    name: str, verdict: Verdict, says: str
) -> None:
    """All of it from a shell: the status is the verdict, and no word of it a password."""
    run = command("--quick", "--name", "gate-shell", "--candidate", f"examples/candidates/{name}")
    assert run.returncode == verdict, run.stdout + run.stderr
    assert says in run.stdout
    assert f"{name} is {verdict.word}" in run.stdout.splitlines()[-1]
    assert "auth" not in run.stdout + run.stderr
    assert not rack.state("gate-shell").exists()


@pytest.mark.slow
@pytest.mark.nightly
def test_command_that_can_decide_nothing_ends_with_a_status_of_its_own(tmp_path: Path) -> None:
    """A setting that no director of this lab may change is neither accepted nor rejected."""
    (tmp_path / "sysctl.conf").write_text("vm.swappiness = 1\n")
    run = command("--quick", "--name", "gate-shell", "--candidate", str(tmp_path))
    assert run.returncode == Verdict.UNDECIDED == 2, run.stdout + run.stderr
    assert "is undecided" in run.stdout.splitlines()[-1]


def test_a_lab_that_a_run_holds_is_not_judged_on() -> None:
    """Two at once would take each other's faults for the candidate's."""
    with LocalLock("gate-held"):
        run = command(
            "--name", "gate-held", "--candidate", "examples/candidates/harmless", "--quick"
        )
    assert run.returncode == Verdict.COULD_NOT_RUN
    assert run.stderr.startswith("gate: the lab 'gate-held' is held by process")


def test_a_lab_with_a_dead_run_s_fault_is_not_judged_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It would be today's set-up's and the candidate's alike, and hide what is worse."""
    left = Entry(journal.DONE, "1.1", "cpu_starved", "lb1", "lb1, 0.05")
    lab = SimpleNamespace(standing=True, journal=SimpleNamespace(unmended=lambda: [left]))
    kind = SimpleNamespace(find=lambda *_: lab)
    monkeypatch.setattr(gate_command.kinds, "built", lambda *_: kind)
    options = SimpleNamespace(name="gate-left", lab=None)
    with (
        ExitStack() as undone,
        pytest.raises(LabError, match=r"left cpu_starved\(lb1, 0\.05\) on lb1: \./run lab down"),
    ):
        gate_command._lab(options, None, undone)  # type: ignore[arg-type]


def test_what_nobody_foresaw_is_no_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python ends with 1 for it, which would be "rejected"."""
    monkeypatch.setattr(gate_command.ending, "listen", lambda: None)  # pytest's own stays
    monkeypatch.setattr(gate_command, "_judged", lambda _: {}["missing"])
    assert gate_command.main(["--candidate", "x"]) == Verdict.COULD_NOT_RUN
    assert "KeyError" in capsys.readouterr().err


def test_no_verdict_is_told_where_nobody_reads_any_more() -> None:
    """As by ``2>&1 | head -1``: neither "rejected" nor any other."""
    read, write = os.pipe()
    os.close(read)
    run = subprocess.run(
        [sys.executable, "-m", "halab.gate.command", "--candidate", "no/such"],
        stdout=subprocess.PIPE, stderr=write, check=False, timeout=60,
    )  # fmt: skip
    os.close(write)
    assert run.returncode == Verdict.COULD_NOT_RUN


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Another one, set up, with ./run and a Python of its own: it does what ``does`` says."""
    for name in ("run", "requirements.txt", "requirements-alone.txt"):
        shutil.copy(Path(__file__).parents[1] / name, tmp_path)
    (tmp_path / "image-0123456789ab").mkdir()
    (tmp_path / ".venv/bin").mkdir(parents=True)
    python = tmp_path / ".venv/bin/python"
    python.write_text('#!/bin/bash\n. "${0%/*}/does"\n')
    python.chmod(0o755)
    key = subprocess.run(
        'echo "$PWD $(readlink -f /usr/bin/python3) $(cat requirements*.txt | sha256sum)"',
        shell=True, cwd=tmp_path, stdout=subprocess.PIPE, check=True,
    ).stdout  # fmt: skip
    (tmp_path / ".venv/stamp").write_bytes(key)
    return tmp_path


@pytest.mark.parametrize(
    ("does", "status"),
    [
        ("exit 1", Verdict.COULD_NOT_RUN),
        ("[[ $1 == -m ]] && exit 1; exit 0", Verdict.REJECT),
        ("[[ $1 == -m ]] && exit 2; exit 0", Verdict.UNDECIDED),
        ("exit 0", Verdict.ACCEPT),
    ],
    ids=["cannot begin", "rejects", "does not know", "accepts"],
)
def test_a_gate_that_cannot_begin_has_rejected_nothing(
    checkout: Path, does: str, status: Verdict
) -> None:
    """Python says 1 for a package that is missing, and bash for a command that fails."""
    (checkout / ".venv/bin/does").write_text(does)
    run = ["./run", "gate", "--candidate", "x"]
    cache = {**os.environ, "HALAB_CACHE": str(checkout)}
    assert subprocess.run(run, cwd=checkout, env=cache, check=False).returncode == status


def test_a_gate_whose_machine_cannot_be_set_up_has_rejected_nothing(checkout: Path) -> None:
    (checkout / ".venv/bin/does").write_text("exit 0")
    (checkout / "requirements.txt").unlink()
    run = ["./run", "gate", "--candidate", "x"]
    cache = {**os.environ, "HALAB_CACHE": str(checkout)}
    status = subprocess.run(run, cwd=checkout, env=cache, check=False).returncode
    assert status == Verdict.COULD_NOT_RUN


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give --candidate DIR, or --candidate-haproxy BINARY"),
        (("--candidate", "no/such"), "no/such: there is no such folder"),
        (("--candidate", "{empty}"), "it is empty; known are haproxy.cfg"),
        (("--candidate", "{stray}"), "haproxy.conf: it is none of"),
        (("--candidate-haproxy", "/no/such"), "/no/such: it cannot be read"),
        (("--candidate-haproxy", "topology.yaml"), "topology.yaml: it is no program"),
        (("--quik",), "unrecognized arguments: --quik"),
        (("--candidate", "examples/candidates/harmless", "--topology", "x"), "x"),
    ],
)
def test_what_cannot_be_judged_is_a_line_and_status_3(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    """Before any lab is looked for."""
    empty, stray = tmp_path / "empty", tmp_path / "stray"
    empty.mkdir()
    stray.mkdir()
    (stray / "haproxy.conf").write_text("x\n")
    run = command(*(a.format(empty=empty, stray=stray) for a in arguments))
    assert run.returncode == 3
    assert len(run.stderr.splitlines()) == 1
    assert said in run.stderr
    assert run.stdout == ""
