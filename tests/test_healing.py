"""Healing machines that are not ours: what is told, when it is refused, and what stops it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from testinfra.backend.base import CommandResult

from halab import remote_cli
from halab.errors import Held, NodeError, NotAllowed, NotMended
from halab.hostile_client import unused_address
from halab.lab import intent
from halab.lab.keys import KeyPair
from halab.topology import Topology
from tests.answering import Answering
from tests.test_disruption import DISPOSABLE, PRODUCTION

TOPOLOGY = Topology.load(Path("topology.yaml"))


class Locked:
    """A lock that is somebody's, nobody's, or on a machine that is dead."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.taken = False

    def take(self) -> tuple[str, ...]:
        self.taken = True
        if self.error is not None:
            raise self.error
        return ("lb1: took over the lock of somebody, which is gone",)


class Machines:
    """What healing is asked of, and no machine."""

    def __init__(self, lock: Exception | None = None, failing: bool = False) -> None:
        self.described = DISPOSABLE
        self.lock = Locked(lock)
        self.failing = failing
        self.healed = False

    def heal(self, *, dry_run: bool) -> dict[str, list[str]]:
        self.healed = not dry_run
        if self.failing:
            raise NotMended("lb2 (192.0.2.2:22): timed out", {"lb1": ["haproxy_stopped(lb1)"]})
        return {"lb1": ["haproxy_stopped(lb1)"]}


def test_who_was_not_asked_is_not_said_to_be_well(capsys: pytest.CaptureFixture[str]) -> None:
    """A lab that is disposable no longer may have been broken while it was."""
    lab = Machines()
    lab.described = PRODUCTION
    for dry_run in (True, False):
        with pytest.raises(NotAllowed, match="nothing was looked for"):
            heal(lab, dry_run=dry_run)
    assert not lab.healed
    assert not lab.lock.taken
    assert capsys.readouterr().out == ""


def heal(lab: Machines, *, dry_run: bool = False) -> int:
    return remote_cli.heal(lab, dry_run=dry_run)  # type: ignore[arg-type]


def test_a_live_run_is_left_alone() -> None:
    """What it has broken is its own to mend; to look does no harm."""
    lab = Machines(lock=Held("lb1 is held by root@desk"))
    with pytest.raises(Held, match="root@desk"):
        heal(lab)
    assert not lab.healed
    assert heal(lab, dry_run=True) == 1


def test_a_live_run_is_told_by_a_status_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As when a second run begins."""
    lab = Machines(lock=Held("lb1 is held by root@desk"))
    lab.close = lambda: None  # type: ignore[attr-defined]
    monkeypatch.setattr(remote_cli, "RemoteLab", lambda *_: lab)
    assert remote_cli.main(["heal", "--topology=topology.yaml"]) == os.EX_TEMPFAIL
    assert "root@desk" in capsys.readouterr().err


def test_dead_director_keeps_nobody_from_healing(capsys: pytest.CaptureFixture[str]) -> None:
    """It has no lock that anybody could hold."""
    lab = Machines(lock=NodeError("lb2 (192.0.2.2:22): timed out"))
    assert heal(lab) == 0
    assert lab.healed
    assert "mending without the lock: lb2" in capsys.readouterr().out


def test_what_was_mended_is_told_beside_what_could_not_be(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And the status says that not all of it was."""
    with pytest.raises(NodeError, match="lb2"):
        heal(Machines(failing=True))
    assert "lb1: mended: haproxy_stopped(lb1)" in capsys.readouterr().out


def test_every_machine_is_healed_before_one_that_is_dead_is_told() -> None:
    """Its error names it, and carries what was mended on the others."""
    dead = Answering("lb2", NodeError("lb2: timed out"))
    with pytest.raises(NotMended, match="lb2: timed out") as told:
        intent.heal([dead, Answering("lb1", "nic_down(lb1)\n"), Answering("client1", "")])
    assert told.value.mended == {"lb1": ["nic_down(lb1)"]}


def test_nobodys_address_is_spoofed() -> None:
    """Nor that of a machine which the topology does not know and which answers ARP."""
    free = unused_address(Answering("client1", "[]"), TOPOLOGY)
    taken = {machine.address for machine in (*TOPOLOGY.nodes.values(), *TOPOLOGY.vms)}
    assert free not in taken | {TOPOLOGY.vip}
    assert free == TOPOLOGY.network.broadcast_address - 1

    class Beside(Answering):
        """With a router at the highest address."""

        def ask(self, _command: str, *values: str, **__: object) -> CommandResult:
            known = '[{"lladdr":"52:54:00:12:34:56"}]' if values[0] == str(free) else "[]"
            return self.backend.result(0, b"", known.encode(), b"")

    assert unused_address(Beside("client1", ""), TOPOLOGY) == free - 1


def test_run_against_dead_machines_says_all_that_is_wrong(tmp_path: Path) -> None:
    """Not only the first that it came to; its status is that of a lab that is not there."""
    text = (Path(__file__).parent / "foreign_lab/topology.yaml").read_text()
    (tmp_path / "key").write_text(KeyPair.generate().private)
    (tmp_path / "known_hosts").touch()
    topology = tmp_path / "topology.yaml"
    topology.touch(mode=0o600)
    text = text.replace("10.77.0.", "127.77.0.").replace("@DIR@", str(tmp_path))
    topology.write_text(f"{text}    port: 1\n")
    run = subprocess.run(
        [
            sys.executable, "-m", "pytest", "suites/ha", "-m", "observe", "--lab=remote",
            f"--topology={topology}", f"--html={tmp_path}/report.html",
            f"--junitxml={tmp_path}/junit.xml",
        ],
        cwd=Path(__file__).parents[1], capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    said = run.stdout + run.stderr
    assert run.returncode == 3, said
    for name in ("edge1", "edge2", "host1", "host2", "gen1", "gen2", "gen3"):
        assert f"not well: {name}: not reached: {name} (127.77.0." in said
