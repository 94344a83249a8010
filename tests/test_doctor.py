"""The doctor's time is the operator's, whatever a node does with its own."""

from __future__ import annotations

import threading
from pathlib import Path

import paramiko
import pytest

from halab import doctor, wait
from halab.errors import NodeError
from halab.topology import Topology
from tests.answering import Answering

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
