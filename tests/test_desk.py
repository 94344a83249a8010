"""The operator's machine: what is left on it is seen, and its power is really gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desk import Desk, Running
from tests.foreign_lab import differing

LEAVING = """
import os, socket, subprocess, sys, time
open("/run/left", "w").close()
open("/tmp/left", "w").close()
subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/mnt"], check=True)
subprocess.run(["ip", "link", "add", "left", "type", "bridge"], check=True)
subprocess.run(["sysctl", "-qw", "net.ipv4.ip_forward=1"], check=True)
open("/proc/sys/fs/inotify/max_user_instances", "w").write("4096\\n")
listening = socket.socket(socket.AF_UNIX)
listening.bind("\\0left")
print("left all of it", flush=True)
time.sleep(60)
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    (tmp_path / "leaving.py").write_text(LEAVING)
    with Desk.booted(tmp_path) as machine:
        yield machine


def leaving(desk: Desk, folder: Path) -> Running:
    """Something that leaves one of each."""
    run = desk.start("leaving", environment={"PYTHONPATH": str(folder)})
    assert run.until_said("left all of it"), run.said
    return run


def test_whatever_is_left_is_seen(desk: Desk, tmp_path: Path) -> None:
    """Processes, mounts, links, files, sockets without a file, and settings."""
    before = desk.picture()
    assert desk.picture() == before
    run = leaving(desk, tmp_path)
    seen = "\n".join(differing({"desk": before}, {"desk": desk.picture()}))
    for one in (
        "+ python", "/mnt rw", "left: <BROADCAST", "/run/left", "/tmp/left", "@left",
        "ip_forward = 1", "+ 4096",
    ):  # fmt: skip
        assert one in seen, seen
    desk.end_all()
    assert run.end(10) is not None
    assert "python" not in "\n".join(differing({"desk": before}, {"desk": desk.picture()}))


def test_full_disk_has_no_room(desk: Desk) -> None:
    """For the block, and none of it after."""
    before = desk.picture()
    with desk.full(), pytest.raises(OSError, match="No space left"):
        (desk.root / "run/more").write_bytes(bytes(1 << 20))
    (desk.root / "run/more").unlink()
    assert desk.picture() == before
