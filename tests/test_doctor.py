"""The doctor's time is the operator's, whatever a node does with its own."""

from __future__ import annotations

import signal
import subprocess
import threading
from pathlib import Path
from types import SimpleNamespace

import paramiko
import pytest

from halab import doctor, wait
from halab.errors import NodeError
from halab.topology import Topology
from tests.answering import Answering, Here

TOPOLOGY = Topology.load(Path("topology.yaml"))
HANGS = 4.0


class Hanging(Answering):
    """A node that lets nobody in for so long, and does not refuse either."""

    def __init__(self, name: str) -> None:
        super().__init__(name, NodeError(f"{name}: too late"))
        self.over = threading.Event()
        self.backend.open_channel = self.open_channel  # type: ignore[method-assign]

    def open_channel(self) -> paramiko.Channel:
        self.over.wait(HANGS)
        raise NodeError(f"{self.name}: too late")


def test_node_that_takes_its_time_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong with the others is told when the time is up, and that it did not answer."""
    monkeypatch.setattr(doctor, "WITHIN", 1.0)
    node = Hanging("lb2")
    began = wait.clock()
    found = doctor.findings(TOPOLOGY, [node])
    took = wait.clock() - began
    node.over.set()
    assert found == {"lb2": ["no answer within 1 s"]}
    assert took < HANGS / 2


@pytest.mark.parametrize("stopped", [True, False])
def test_keepalived_that_was_stopped_by_a_signal_is_not_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped: bool
) -> None:
    """A BACKUP that hangs costs nobody anything yet, and systemd calls it active."""
    node = Here("lb2", tmp_path / "lb2")
    opened = SimpleNamespace(close=lambda: None)
    monkeypatch.setattr(node.backend, "open_channel", lambda: opened)
    with subprocess.Popen(["sleep", "60"]) as keepalived:
        node.program("systemctl", f"[ $1 = show ] && echo {keepalived.pid} || echo active\n")
        if stopped:
            keepalived.send_signal(signal.SIGSTOP)
            stat = Path(f"/proc/{keepalived.pid}/stat")
            wait.until(lambda: " T " in stat.read_text(), what="it is stopped", within=5)
        found = doctor.findings(TOPOLOGY, [node])["lb2"]
        keepalived.kill()
    told = "keepalived.service was stopped by a signal (SIGSTOP): systemctl kill -s CONT"
    assert any(told in line for line in found) is stopped, found
