"""Which parts of a candidate the gate compares, without a lab: directors may differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from halab.configuration import Configuration
from halab.errors import LabError
from halab.gate import host_wide, session
from halab.gate.alternation import Alternation, Turns
from halab.gate.gate import COST, Gate
from halab.gate.judgement import Row, Verdict
from halab.gate.matrix import Run, Seen
from halab.gate.slowdown import Pair
from halab.gate.stage import Contender, Failing
from halab.lab.plan import Secrets
from halab.set_up import SetUp
from halab.topology import Topology

TOPOLOGY = Topology.load(Path("topology.yaml"))
LAB = SimpleNamespace(
    topology=TOPOLOGY,
    secrets=Secrets("abcd1234", "hidden"),
    nodes=dict.fromkeys(TOPOLOGY.directors, "the stage"),
)
HAPROXY = Path("examples/candidates/harmless/haproxy.cfg").read_text()


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The texts that were dueted; every candidate costs as much as today's."""
    texts = []

    def hold(_node: object, today: Contender, candidate: Contender, _progress: object) -> object:
        texts.append((today.text, candidate.text))
        same = [Pair(1.0, 1.0 + number / 1000) for number in range(10)]
        slower = [Pair(1.0, 1.1 + number / 1000) for number in range(10)]
        pairs = {session.CANDIDATE: same, session.AGAIN: same, session.SLOWED: slower}
        return session.Session(session.Duets(pairs))

    monkeypatch.setattr(session, "hold", hold)
    return texts


def gate(tmp_path: Path, files: dict[str, str]) -> Gate:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(text)
    candidate = SetUp.load(tmp_path, TOPOLOGY)
    return Gate(LAB, Path("topology.yaml"), SetUp(), candidate, None, print)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("files", "whats"),
    [
        ({"haproxy.cfg": HAPROXY}, [COST]),
        ({"lb1/haproxy.cfg": HAPROXY}, [COST]),
        ({"lb2/haproxy.cfg": HAPROXY}, [COST]),
        (
            {"lb1/haproxy.cfg": HAPROXY, "lb2/haproxy.cfg": HAPROXY.replace("10s", "11s")},
            [f"{COST}, as on lb2", f"{COST}, as on lb1"],
        ),
    ],
    ids=["both", "the MASTER", "the BACKUP", "each its own"],
)
def test_a_change_of_haproxy_is_dueted_once_whichever_director_has_it(
    tmp_path: Path, held: list[tuple[str, str]], files: dict[str, str], whats: list[str]
) -> None:
    rows = gate(tmp_path, files).duet()
    assert [row.what for row in rows] == whats
    assert [row.verdict for row in rows] == [Verdict.ACCEPT] * len(whats)
    for before, after in held:
        assert "stats refresh 5s" in before
        assert "stats refresh 1" in after
    assert len(held) == len({after for _, after in held}) == len(whats)


def test_what_leaves_haproxy_alone_is_not_dueted(
    tmp_path: Path, held: list[tuple[str, str]]
) -> None:
    (row,) = gate(tmp_path, {"sysctl.conf": "net.ipv4.tcp_fin_timeout = 30"}).duet()
    assert (row.what, row.after, held) == (COST, "as before: nothing of HAProxy changes", [])


@pytest.mark.parametrize(
    ("fails", "verdict", "held_again"),
    [([], Verdict.ACCEPT, False), ([1], Verdict.UNDECIDED, True), ([1, 2], Verdict.REJECT, True)],
    ids=["serves", "fails once", "fails again"],
)
def test_a_candidate_that_does_not_serve_is_asked_again(
    tmp_path: Path,
    held: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    fails: list[int],
    verdict: Verdict,
    held_again: bool,
) -> None:
    """It may have been its load that failed, which is no fault of the candidate's."""
    serving, times = session.hold, 0

    def hold(*asked: object) -> object:
        nonlocal times
        times += 1
        if times in fails:
            raise Failing(session.CANDIDATE, "its load has ended by itself")
        return serving(*asked)

    monkeypatch.setattr(session, "hold", hold)
    (row,) = gate(tmp_path, {"haproxy.cfg": HAPROXY}).duet()
    assert row.verdict is verdict
    assert times == 1 + held_again
    assert ("its load has ended" in row.why) is bool(fails)


@pytest.mark.parametrize("again", ["failed", "passed"])
def test_a_matrix_of_which_nothing_holds_today_judges_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: str
) -> None:
    """On a lab that is broken nothing can be worse, and all would be accepted."""
    outcomes = iter(["failed", again])

    def run(_options: object, _log: object, _tests: object = ()) -> Run:
        seen = {"a::test_x": Seen(next(outcomes), "no answer"), "a::test_y": Seen("skipped")}
        return Run(seen)

    judging = gate(tmp_path, {"haproxy.cfg": HAPROXY})
    monkeypatch.setattr(judging, "_run", run)
    if again == "passed":
        assert judging._settled([], "before").seen["a::test_x"].outcome == "passed"
        return
    with pytest.raises(LabError, match=r"nothing of the matrix holds under .*: no answer"):
        judging._settled([], "before")


TRACKED = "vrrp_track_process haproxy {\n    process haproxy\n}\nvrrp_instance VI_1 {\n}\n"


@pytest.mark.parametrize(
    ("kernel", "verdict"), [(True, Verdict.ACCEPT), (False, Verdict.UNDECIDED)]
)
def test_tracked_processes_take_a_restart_and_a_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel: bool, verdict: Verdict
) -> None:
    """keepalived is told of processes only if it tracked some at its start; a container never."""
    monkeypatch.setattr(LAB, "directors_have_a_kernel", kernel, raising=False)
    monkeypatch.setattr(LAB, "kind", "any", raising=False)
    (row,) = gate(tmp_path, {"lb1/keepalived.conf": TRACKED}).tracked_processes()
    assert (row.what, row.verdict) == ("lb1: vrrp_track_process", verdict)


def test_keepalived_that_tracks_no_process_has_no_row(tmp_path: Path) -> None:
    without = TRACKED.replace("vrrp_track_process", "# vrrp_track_process")
    assert not gate(tmp_path, {"keepalived.conf": without}).tracked_processes()


def compared(tmp_path: Path, files: dict[str, str]) -> list[Row]:
    other = gate(tmp_path, files).candidate_set_up
    return host_wide.rows(LAB, SetUp(), other, print)  # type: ignore[arg-type]


def test_kernel_settings_of_the_backup_alone_are_undecided(tmp_path: Path) -> None:
    """Clients ask the MASTER: nobody could tell what the BACKUP's cost."""
    (row,) = compared(tmp_path, {"lb2/sysctl.conf": "net.ipv4.tcp_fin_timeout = 30"})
    assert (row.what, row.verdict) == ("kernel settings of lb2", Verdict.UNDECIDED)
    assert (
        compared(tmp_path / "none", {"haproxy.cfg": HAPROXY, "cluster.yaml": "check_inter: 1"})
        == []
    )


class Cluster:
    """Stands for one that is changed: notes what is done to it, in its order."""

    def __init__(self, _lab: object, _set_up: object) -> None:
        self.done: list[str] = []
        self.master = SimpleNamespace(node="the MASTER")

    def bring_to(self, configuration: Configuration) -> None:
        self.done.append(f"{configuration.haproxy_processes} on {configuration.haproxy_cpus}")

    @contextmanager
    def steered(self, _steering: object) -> Iterator[None]:
        yield


def test_what_differs_is_changed_for_the_candidates_turns_and_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processes and their CPUs, the NIC, the kernel; nothing of what is no matter of a director."""
    seen: list[list[str]] = []

    def alternate(cluster: Cluster, changed: Callable) -> Alternation:
        cluster.done.clear()
        with changed():
            cluster.done.append("a slice")
        seen.append([*cluster.done])
        pairs = [Pair(0.001, 0.0011 + n / 1e6) for n in range(20)]
        slowed = [Pair(1.0, 1.2 + n / 1e3) for n in range(10)]
        same = [Pair(1e-4, 1e-4)] * 20
        return Alternation(Turns(pairs, slowed), Turns(same, slowed), [(0, 0)] * 20)

    @contextmanager
    def noted(*what: object) -> Iterator[None]:
        seen.append([str(part) for part in what])
        yield

    monkeypatch.setattr(host_wide, "ChangedCluster", Cluster)
    monkeypatch.setattr(host_wide, "alternate", alternate)
    monkeypatch.setattr(host_wide, "nic", SimpleNamespace(steered=noted))
    monkeypatch.setattr(host_wide, "Nic", str)
    monkeypatch.setattr(host_wide, "sysctl", SimpleNamespace(applied=noted))
    cluster = "haproxy_processes: 2\nhaproxy_cpus: [0, 1]\nrps_mask: '2'\ntracking: script\n"
    rows = compared(tmp_path, {"cluster.yaml": cluster, "sysctl.conf": "a.b = 1"})
    assert seen[-1] == ["2 on (0, 1)", "a slice", "1 on ()"]
    assert ["['the MASTER']", "rps=0002"] in seen
    assert ["the MASTER", "a.b = 1\n"] in seen
    assert [row.verdict for row in rows] == [Verdict.REJECT, Verdict.ACCEPT]
    assert rows[0].before == "1000"
    assert rows[0].after.startswith("901, worse by +10.9%")
    assert rows[1].before == "100.0 µs of all its CPUs"
