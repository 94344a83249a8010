"""Linux namespaces: leave the host's, enter a lab's, and know in which one a thread is."""

from __future__ import annotations

import ctypes
import os

from halab.errors import LabError

CLONE_NEWNS = 0x00020000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 1 << 18
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise LabError(
            f"{what}: {os.strerror(number)}; the embedded lab needs root and a kernel "
            "with network, PID and mount namespaces"
        )


def unshare(flags: int) -> None:
    """Put the calling process into new namespaces (CLONE_NEW* flags, see unshare(2))."""
    _check(_libc.unshare(flags), "unshare")


def enter_network(fd: int) -> None:
    """Move the calling thread into the network namespace behind ``fd`` (setns(2)).

    Threads that exist already stay where they are, so this comes before any thread.
    """
    _check(_libc.setns(fd, CLONE_NEWNET), "setns")


def network() -> int:
    """The inode that identifies the calling thread's network namespace."""
    return os.stat("/proc/thread-self/ns/net").st_ino


def mount(source: str, target: str, kind: str | None, flags: int = 0, data: str = "") -> None:
    """mount(2); raises :class:`LabError` that names source and target."""
    _check(
        _libc.mount(
            source.encode(),
            target.encode(),
            kind.encode() if kind else None,
            ctypes.c_ulong(flags),
            data.encode() if data else None,
        ),
        f"mount {source} on {target}",
    )


def die_with_parent() -> None:
    """Have the kernel send this process SIGKILL when its parent ends (prctl(2))."""
    _check(_libc.prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0), "prctl")
