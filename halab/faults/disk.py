"""A full disk: never more of it than a bound, and never this host's."""

from __future__ import annotations

import shlex

from halab.errors import LabError
from halab.faults.fault import Deed, fault
from halab.node import Node, in_turn

MOST = 1 << 30
"""Bytes that are written to fill a filesystem: a lab's disks are in this host's memory."""

ROOM = 256 << 20
"""Bytes of memory that are left to everybody else."""

FILE = ".full"
_LEFT = "df --output=avail -B1 -- %s | tail -n 1"


@fault
def disk_full(node: Node, folder: str) -> Deed:
    """The filesystem of ``/run``, ``/var`` or another folder without a byte to spare.

    A tmpfs with a mount of its own is made as small as what is in it, and given its size again
    when it is undone; any other filesystem is filled by a file. Raises :class:`LabError`, with
    nothing done, where that would take more than MOST, or the memory that others need.
    """
    file = f"{folder.rstrip('/')}/{FILE}"
    kept = f"/dev/shm/halab-size{folder.replace('/', '-')}"

    def do() -> None:
        if _is_tmpfs(node, folder):
            # the size first, once: what is kept is what it was before anything was done; the kernel
            # does not show the one that it gives by itself, half of the memory; with -n, or mount
            # leaves a folder of its own in /run
            node.run(
                "{ test -s %s || { findmnt -n -o OPTIONS %s | grep -oE 'size=[0-9]+k?' "
                "|| echo size=50%%; } > %s; } && "
                "mount -n -o remount,size=$(($(df --output=used -B1K %s | tail -n 1) + 64))k %s",
                kept, folder, kept, folder, folder,
            )  # fmt: skip
        else:
            _refuse_what_has_no_end(node, folder)
        # what fallocate leaves of the last block is written
        node.run(
            f"fallocate -l $({_LEFT}) %s; ! cat /dev/zero 2>&- >> %s",
            folder, file, file, limit=60,
        )  # fmt: skip

    own, size, whole = map(shlex.quote, (file, kept, folder))
    heals = in_turn(
        f"rm -f {own}",
        f"test ! -s {size} || {{ mount -n -o remount,$(cat {size}) {whole} && rm {size}; }}",
    )
    return Deed(node, do, lambda: node.run(heals), heals)


def _is_tmpfs(node: Node, folder: str) -> bool:
    return node.ask("findmnt -n -o FSTYPE --mountpoint %s", folder).stdout.strip() == "tmpfs"


def _refuse_what_has_no_end(node: Node, folder: str) -> None:
    left = int(node.run(_LEFT, folder))
    memory = 1024 * int(node.run("awk '/^MemAvailable/ {print $2}' /proc/meminfo"))
    if left > MOST or left + ROOM > memory:
        raise LabError(
            f"{node.name}: {folder} has {left >> 20} MiB left, and {memory >> 20} MiB of memory "
            f"are free: to fill it is bounded to {MOST >> 20} MiB, with {ROOM >> 20} MiB to spare; "
            "give it a filesystem of its own"
        )
