"""SSH to a node: what cannot be had is told as that, whatever the system calls it."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

import pytest

from halab.errors import Unreachable
from halab.node import Node
from halab.transport import Access


def test_a_lab_that_is_gone_with_its_keys_is_unreachable(tmp_path: Path) -> None:
    """A test's last error is told after the lab was taken down, and looks at its nodes."""
    gone = Access("root", tmp_path / "id_ed25519", tmp_path / "known_hosts")
    with pytest.raises(Unreachable, match=r"web1 .*No such file"):
        Node("web1", IPv4Address("127.0.0.1"), gone).run("true")
