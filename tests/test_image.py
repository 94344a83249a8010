"""Images: their files are those of which the key was taken, and a killed build leaves nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from halab import wait
from halab.lab import image
from halab.lab.image import Overlay


def test_what_is_laid_over_is_what_the_key_was_taken_of(tmp_path: Path) -> None:
    """A build takes minutes, and another branch may be checked out meanwhile."""
    folder, root = tmp_path / "rootfs", tmp_path / "root"
    script = folder / "usr/local/lib/web-vm"
    script.parent.mkdir(parents=True)
    script.write_text("of today")
    script.chmod(0o755)
    overlay = Overlay.read(folder)

    script.write_text("of another branch")
    (folder / "new").touch()
    overlay.lay_over(root)

    laid = root / "usr/local/lib/web-vm"
    assert laid.read_text() == "of today"
    assert laid.stat().st_mode & 0o7777 == 0o755
    assert not (root / "new").exists()


def test_a_link_in_the_tree_leads_nowhere(tmp_path: Path) -> None:
    folder, root, outside = tmp_path / "rootfs", tmp_path / "root", tmp_path / "outside"
    for place in (folder, root):
        place.mkdir()
    outside.write_text("another's")
    (folder / "file").write_text("ours")
    (root / "file").symlink_to(outside)
    Overlay.read(folder).lay_over(root)
    assert (root / "file").read_text() == "ours"
    assert outside.read_text() == "another's"


def test_the_key_is_of_packages_and_of_each_file_s_content_and_mode(tmp_path: Path) -> None:
    file = tmp_path / "file"

    def key() -> str:
        return image.key(image.LIGHT, Overlay.read(tmp_path))

    keys = [key()]
    file.write_text("a")
    keys.append(key())
    file.write_text("b")
    keys.append(key())
    file.chmod(0o755)
    keys.append(key())
    keys.append(image.key(image.JAVA, Overlay.read(tmp_path)))
    assert len(set(keys)) == len(keys)


@pytest.mark.slow
def test_killed_build_leaves_no_mount_and_no_process(tmp_path: Path) -> None:
    """It has this machine's devices in its tree, and whoever tidies up must not find them there."""
    environment = {**os.environ, "HALAB_CACHE": str(tmp_path)}
    command = [sys.executable, "-m", "halab.lab.image"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as build:
        assert build.stdout is not None
        for line in build.stdout:  # dpkg runs within the tree from this step on
            if "[4/6]" in line:
                break
        inside = at_work_in(tmp_path)
        build.kill()
    wait.until(
        lambda: not at_work_in(tmp_path),
        what="who builds is gone",
        within=10,
        seen=lambda: str(at_work_in(tmp_path)),
    )
    assert inside, "the build was not at work yet"
    assert str(tmp_path) not in Path("/proc/self/mounts").read_text()


def at_work_in(folder: Path) -> list[int]:
    """The processes that name the folder, or are in its tree; none of whom others keep apart."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            said = (process / "cmdline").read_text(errors="replace")
            if str(folder) in f"{said} {os.readlink(process / 'root')}":
                found.append(int(process.name))
    return found
