"""One run at a time: who holds the directors of a lab of real machines, and a built lab's name.

On a director it is a flock that a shell there holds for as long as our SSH channel is open and
speaks. It is the kernel's, so that nobody who is dead can keep it: not a killed run, whose channel
closes, and not one whose machine lost power, which falls silent for :data:`LEASE`.
"""

from __future__ import annotations

import getpass
import os
import shlex
import socket
import struct
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType

from halab import wait
from halab.errors import Held, NodeError
from halab.node import Node
from halab.transport import LineChannel

FILE = "/run/lock/halab"
LEASE = 30
"""Seconds of silence after which a lock falls."""
BEAT = 5.0
"""Seconds between signs of life."""

# The file is opened without O_CREAT, which a sticky folder forbids for another user's file
# (fs.protected_regular); what is in it is who holds it, or who held it and never said goodbye.
_HOLD = f"""
[ -e {FILE} ] || (umask 0; : > {FILE})
exec 9< {FILE}
read -r who
if ! flock -n 9; then echo "held $(cat {FILE})"; exit; fi
left=$(cat {FILE})
echo "$who" | dd of={FILE} conv=nocreat status=none
echo "taken $left"
while read -r -t "$1" said; do
    if [ "$said" = bye ]; then echo -n | dd of={FILE} conv=nocreat status=none; exit; fi
done
"""


def whoever() -> str:
    """This run, for somebody who waits for its end."""
    since = datetime.now().astimezone()
    return f"{getpass.getuser()}@{socket.gethostname()}, process {os.getpid()}, since {since:%c %Z}"


class Lock:
    """The directors, held from :meth:`take` to :meth:`release`.

    ``lease`` and ``beat`` are seconds.
    """

    def __init__(
        self, directors: Sequence[Node], *, lease: float = LEASE, beat: float = BEAT
    ) -> None:
        self._lease = lease
        self._who = whoever()
        self._held: dict[Node, LineChannel | None] = dict.fromkeys(directors)
        self._lost: dict[Node, str] = {}
        self._beat = wait.Beat(beat, self._speak)

    def take(self) -> tuple[str, ...]:
        """Hold all of them; says which stale locks were taken over, and whose they were.

        Raises :class:`Held` with who holds one, and then holds none.
        """
        try:
            stale = [self._hold(node) for node in self._held]
        except BaseException:
            self.release()
            raise
        self._beat.start()
        return tuple(filter(None, stale))

    def _hold(self, node: Node) -> str:
        channel = node.converse(shlex.join(["bash", "-c", _HOLD, "bash", f"{self._lease:g}"]))
        try:
            channel.send_line(self._who)
            word, _, other = channel.read_line(10).partition(" ")
        except BaseException:
            channel.close()  # else it may hold the lock, and nobody would speak to it
            raise
        if word == "held":
            channel.close()
            raise Held(f"{node.name} is held by {other or 'somebody'}: wait for its end")
        self._held[node] = channel
        return f"{node.name}: took over the lock of {other}, which is gone" if other else ""

    def _speak(self) -> None:
        for node, channel in self._held.items():
            # a director that is off has no lock, and gets it again when it is back; till then the
            # other one has
            with suppress(NodeError):
                try:
                    if channel is None or channel.channel.closed:
                        raise NodeError(f"{node.name}: it was off")
                    channel.send_line("")
                except NodeError:
                    self._regain(node)

    def _regain(self, node: Node) -> None:
        try:
            self._hold(node)
        except Held as error:
            # a director that was cut off may hold it for us still, until our lease is over
            if self._who not in str(error):
                self._lost[node] = str(error)
        else:
            self._lost.pop(node, None)

    def require(self) -> None:
        """Raise :class:`Held` if another run has this one's directors, all that are there.

        As where this one's machine slept: it must not break what is another's now. Where one alone
        was off, whoever asked for it meanwhile was refused the other.
        """
        lost = dict(self._lost)
        if lost and not any(self._held[node] for node in self._held.keys() - lost.keys()):
            said = "; ".join(lost.values())
            raise Held(f"this run was silent for too long and has lost the lab: {said}")

    def release(self) -> None:
        """Let go of them; does no harm where nothing is held."""
        self._beat.stop()
        for node, channel in self._held.items():
            if channel is None:
                continue
            with suppress(NodeError):
                channel.send_line("bye")
                channel.read_to_end(2)
            channel.close()
            self._held[node] = None


class LocalLock:
    """A built lab's name, held on this machine while the block runs.

    It is a UNIX socket without a file, which goes with its process. It belongs to the network
    namespace that the run was started from, so that what a run itself starts inside of its lab
    shares the lab with it.
    """

    def __init__(self, lab: str) -> None:
        self._lab = lab
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    def __enter__(self) -> LocalLock:
        """Raises :class:`Held` with who holds it."""
        name = f"\0halab-{self._lab}"
        try:
            self._socket.bind(name)
            self._socket.listen()
        except OSError:
            self._socket.close()
            raise Held(
                f"the lab {self._lab!r} is held by {_owner(name)}: wait for its end"
            ) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()


def _owner(name: str) -> str:
    """The process that listens there, and since when it runs."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        try:
            asking.connect(name)
            raw = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            pid, _, _ = struct.unpack("3i", raw)
            since = time.ctime(Path(f"/proc/{pid}").stat().st_mtime)
        except OSError:
            return "a run that is just ending"
    return f"process {pid}, since {since}"
