"""The one host-wide setting that a lab needs: enough inotify instances for its machines.

Debian's 128 stop at about 19 systemd machines. The limit is raised while any lab stands,
and put back by the last that goes.
"""

from __future__ import annotations

from pathlib import Path

LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
NEEDED = 4096


def raise_limit(record: Path) -> None:
    """Raise the limit to NEEDED if it is lower; ``record`` keeps what it was before, or is none."""
    before = int(LIMIT.read_text())
    if before < NEEDED:
        whole = record.with_suffix(".new")
        try:
            whole.write_text(str(before))
            whole.rename(record)
        finally:  # on a full disk
            whole.unlink(missing_ok=True)
        LIMIT.write_text(str(NEEDED))


def restore_limit(record: Path) -> None:
    """Put back what ``record`` says, if there is one; forget it."""
    if record.exists():
        LIMIT.write_text(record.read_text())
        record.unlink()
