"""The image's own files are those of which its key was taken, whatever a checkout does then."""

from __future__ import annotations

from pathlib import Path

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
