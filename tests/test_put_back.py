"""What a change keeps, to be put back: the very thing that was there, or nothing is changed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from testinfra.backend.base import CommandResult

from halab.errors import CommandFailed
from halab.faults import disk_full
from halab.keepalived import Keepalived
from tests.answering import Here

CONFIG = "vrrp_instance web {\n    priority 150\n    auth_pass secret\n}\n" * 40


@pytest.fixture
def node(tmp_path: Path) -> Here:
    """With a keepalived.conf, and nobody who reads it."""
    node = Here("lb1", tmp_path / "lb1", etc="/etc/keepalived")
    node.program("systemctl", "")
    (node.place / "etc").mkdir()
    (node.place / "etc/keepalived.conf").write_text(CONFIG)
    return node


def test_priority_is_put_back(node: Here) -> None:
    """Once or twice; and a copy of the operator's own stays as it is."""
    etc = node.place / "etc"
    (etc / "keepalived.conf.before").write_text("his own")
    keepalived = Keepalived(node)
    keepalived.set_priority(10)
    assert "priority 10\n" in (etc / "keepalived.conf").read_text()
    for _ in range(2):
        keepalived.put_priority_back()
        assert (etc / "keepalived.conf").read_text() == CONFIG
    assert (etc / "keepalived.conf.before").read_text() == "his own"
    assert len([*etc.iterdir()]) == 2


def test_full_disk_costs_nobody_his_configuration(node: Here) -> None:
    """The copy that is to be put back was cut: it is none, and what is there stays."""

    class Full(Here):
        """With room for half of the file."""

        def __init__(self) -> None:
            vars(self).update(vars(node))

        def ask(self, command: str, *values: str, **how: object) -> CommandResult:
            limited = f"ulimit -f {len(CONFIG) // 1024}; trap '' XFSZ; {command}"
            return super().ask(limited, *values, **how)  # type: ignore[arg-type]

    with pytest.raises(CommandFailed):
        Keepalived(Full()).set_priority(10)
    Keepalived(node).put_priority_back()
    assert (node.place / "etc/keepalived.conf").read_text() == CONFIG
    assert [path.name for path in (node.place / "etc").iterdir()] == ["keepalived.conf"]


@pytest.fixture
def apart() -> Iterator[list[str]]:
    """What puts a command into a place with filesystems of its own, at /mnt and /dev/shm."""
    if os.geteuid() != 0:
        pytest.skip("who is not root may not mount anything")
    mounts = "mount -t tmpfs none /dev/shm && mount -t tmpfs none /mnt && echo up && read -r _"
    with subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", mounts],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as place:  # fmt: skip
        assert place.stdout is not None
        assert place.stdout.readline() == "up\n"
        yield ["nsenter", f"--target={place.pid}", "--mount"]
        place.communicate("")


@pytest.mark.parametrize("size", ["", "size=8192k"], ids=["as the kernel gives it", "given"])
def test_filesystem_in_memory_has_its_size_back(
    tmp_path: Path, apart: list[str], size: str
) -> None:
    """Also one that was given none, of which the kernel shows none."""
    node = Here("lb1", tmp_path / "lb1", apart)
    if size:
        node.run("mount -o remount,%s /mnt", size)
    node.run("echo is there > /mnt/file")
    before = node.run("findmnt -n /mnt; df -k /mnt | tail -n 1; ls -A /mnt /dev/shm")
    fault = disk_full(node, "/mnt")
    with fault:
        assert node.ask("echo more > /mnt/more").rc != 0
    fault.undo()
    node.run("rm -f /mnt/more")
    assert node.run("findmnt -n /mnt; df -k /mnt | tail -n 1; ls -A /mnt /dev/shm") == before
