"""A guest's initrd: the few files that bring its disks together and hand over to its init."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# ext4 and the serial console are built into Debian's kernel.
MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "overlay")
BONDING = ("bonding",)
"""Loaded by guests with two NICs only."""

INIT = Path(__file__).with_name("guest-init")


@dataclass(frozen=True)
class Entry:
    """A file or, without content, a folder of an archive; ``path`` is relative to its root."""

    path: str
    content: bytes | None = None
    mode: int = 0o755


def archive(entries: Iterable[Entry]) -> bytes:
    """A cpio archive of the kind that Linux unpacks ("newc", see the kernel's
    Documentation/driver-api/early-userspace/buffer-format.rst); all of it is root's."""
    parts = []
    for number, entry in enumerate((*entries, Entry("TRAILER!!!", b"", 0)), 1):
        kind = stat.S_IFDIR if entry.content is None else stat.S_IFREG
        name, content = entry.path.encode() + b"\0", entry.content or b""
        mode = 0 if entry.path == "TRAILER!!!" else kind | entry.mode
        # inode, mode, uid, gid, links, mtime, size, device × 4, length of the name, checksum
        fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0)
        parts.append(_padded(b"070701" + b"".join(b"%08x" % field for field in fields) + name))
        parts.append(_padded(content))
    return b"".join(parts)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def load_order(dependencies: str, modules: Iterable[str] = MODULES) -> list[str]:
    """The paths of these modules and of all that they need, each after what it needs.

    ``dependencies`` is a modules.dep: in it the farthest need of a module is its line's last.
    """
    needs = dict(line.split(":") for line in dependencies.splitlines())
    order: dict[str, None] = {}
    for name in modules:
        (path,) = (path for path in needs if path.endswith(f"/{name}.ko"))
        order.update(dict.fromkeys([*reversed(needs[path].split()), path]))
    return list(order)


def build(root: Path, kernel: str) -> bytes:
    """The initrd for the kernel of that version in the image ``root``."""
    modules = root / "usr/lib/modules" / kernel
    folders = ("bin", "dev", "modules", "bonding", "own", "proc", "root", "shared")
    dependencies = (modules / "modules.dep").read_text()
    return archive(
        [
            *(Entry(folder) for folder in folders),
            Entry("init", INIT.read_bytes()),
            Entry("bin/busybox", (root / "usr/bin/busybox").read_bytes()),
            *(
                Entry(f"{folder}/{number:02}.ko", (modules / path).read_bytes(), 0o644)
                for folder, names in (("modules", MODULES), ("bonding", BONDING))
                for number, path in enumerate(load_order(dependencies, names))
            ),
        ]
    )
