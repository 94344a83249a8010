"""What can become of a request, as the record numbers it."""

from __future__ import annotations

import errno

OUTCOMES = ("ok", "refused", "reset", "timeout", "5xx", "other")
OK, REFUSED, RESET, TIMEOUT, SERVER_ERROR, OTHER = range(6)

# Why a send is missing: it came too late, there was no room, this node could not make it, or the
# prober was absent for longer than the request's deadline, so that nobody can tell its outcome.
REASONS = ("late", "full", "local", "absent")
LATE, FULL, LOCAL, ABSENT = range(4)
# A shortage of this node's own ports, files or memory says nothing of the service.
SHORTAGES = frozenset(
    (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.EAGAIN)
)
CLASSES = {
    errno.ECONNREFUSED: REFUSED,
    errno.ECONNRESET: RESET,
    errno.EPIPE: RESET,
    errno.ETIMEDOUT: TIMEOUT,
}


def of_errno(code: int) -> tuple[int, str]:
    """The outcome and the detail of a socket's error."""
    return CLASSES.get(code, OTHER), errno.errorcode.get(code, str(code))
