"""SSH to a node: what cannot be had is told as that, whatever the system calls it."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

import paramiko
import pytest

from halab.errors import NodeError, Unreachable
from halab.node import Node
from halab.transport import Access


def test_a_lab_that_is_gone_with_its_keys_is_unreachable(tmp_path: Path) -> None:
    """A test's last error is told after the lab was taken down, and looks at its nodes."""
    gone = Access("root", tmp_path / "id_ed25519", tmp_path / "known_hosts")
    with pytest.raises(Unreachable, match=r"web1 .*No such file"):
        Node("web1", IPv4Address("127.0.0.1"), gone).run("true")


class Breaking(paramiko.Channel):
    """A session on a connection that goes as soon as anything is asked of it."""

    def __init__(self, error: Exception) -> None:
        super().__init__(1)
        self.error = error

    def exec_command(self, _command: str | bytes) -> None:
        raise self.error

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("error", [paramiko.SSHException("Channel closed."), EOFError(), OSError()])
@pytest.mark.parametrize("begun", ["converse", "record"])
def test_connection_that_goes_at_a_programs_start_is_the_nodes_error(
    monkeypatch: pytest.MonkeyPatch, begun: str, error: Exception
) -> None:
    """Who gives signs of life goes on to the next node; no session stays open."""
    node = Node("web1", IPv4Address("127.0.0.1"), Access("root", Path("/no"), Path("/no")))
    channel = Breaking(error)
    monkeypatch.setattr(node.backend, "open_channel", lambda: channel)
    with pytest.raises(NodeError, match="web1: cut off as a program began"):
        getattr(node, begun)("true")
    assert channel.closed
