"""The open-loop probe: drives :mod:`halab.prober` on a client node over a line channel."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from halab import record
from halab.errors import NodeError
from halab.service import Service

KINDS = ("new", "keepalive", "slow")
"""What a client asks with; see :mod:`halab.prober`."""

TAKES = 0.25
"""Seconds that the slow page takes by itself, unless it is said otherwise."""

START = "from halab.prober.loop import main\nraise SystemExit(main())\n"


@cache
def program() -> bytes:
    """The prober as one zip file that python3 runs, to be put on the client node."""
    here = Path(__file__).parent
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("__main__.py", START)
        for source in (here / "__init__.py", *sorted((here / "prober").glob("*.py"))):
            archive.write(source, source.relative_to(here.parent))
    return packed.getvalue()


def command(
    target: str,
    interval: float = 0.002,
    *,
    kind: str = "new",
    path: str | None = None,
    takes: float = TAKES,
    cookies: bool = False,
    timeout: float = 0.5,
    longest: float = 600.0,
    backend_header: str = "X-Served-By",
    at: str = "prober.pyz",
) -> list[str]:
    """The command that runs the program ``at`` this path on the node against ``ADDR:PORT``.

    ``kind`` is one of :data:`KINDS`; ``path`` is its page if it is to be another than usual.
    ``interval``, ``timeout`` (of a request, from its intended send; below 1 s, so that no
    retransmitted SYN rescues it), ``takes`` (of the slow page, on top of the timeout) and
    ``longest`` (of the probing) are seconds.
    """
    options = {
        "--target": target,
        "--kind": kind,
        "--takes": takes,
        "--interval": interval,
        "--timeout": timeout,
        "--longest": longest,
        "--backend-header": backend_header,
    }
    words = [f"{name}={value}" for name, value in options.items()]
    if path is not None:
        words.append(f"--path={path}")
    if cookies:
        words.append("--cookies")
    return ["python3", "-I", at, *words]


@dataclass(frozen=True)
class Calm:
    """Every request of ``lasted`` seconds was answered, up to one ``undecided`` seconds ago."""

    lasted: float
    undecided: float


class Channel(Protocol):
    """Lines to and from a prober, without their newlines.

    All but ``close`` raise :class:`NodeError` when the other side is gone; so does ``read_line``
    when no line comes within ``timeout`` seconds.
    """

    def send_line(self, line: str) -> None:
        """Send a line; its end is added."""

    def read_line(self, timeout: float) -> str:
        """The next line, waited for so many seconds."""

    def close(self) -> None:
        """End the program's input."""


class Probe:
    """A prober at work on a node. ``patience`` is the seconds that any answer may take."""

    def __init__(self, channel: Channel, *, patience: float = 10.0) -> None:
        self._channel = channel
        self._patience = patience
        self.timeout = self.interval = 0.0
        self._marks: set[str] = set()
        self._record: list[str] = []

    def start(self) -> None:
        """Wait until it probes. Raises :class:`NodeError`, and closes the channel, if not."""
        try:
            ready = self._answer("ready")
            self.timeout, self.interval = float(ready["timeout"]), float(ready["interval"])
        except NodeError:
            self._channel.close()
            raise

    def mark(self, name: str) -> float:
        """Name this moment in the record; its time on the client's clock."""
        if not name.strip() or name != " ".join(name.split()) or name in self._marks:
            raise ValueError(f"a mark needs a name of its own, on one line: {name!r}")
        self._channel.send_line(f"mark {name}")
        at = float(self._answer("mark")["at"])
        self._marks.add(name)
        return at

    def calm(self) -> Calm:
        """The calm up to now, from the last request that was lost, or from its beginning.

        Times are of sends: a request that waits for its answer ends the calm, as long as it does.
        """
        self._channel.send_line("calm")
        told = self._answer("calm")
        return Calm(float(told["calm"]), float(told["undecided"]))

    def stop(self) -> Service:
        """End the probing and judge it; the channel is closed whatever happens.

        Raises :class:`NodeError` when the record does not come, or covers only a part of the
        time because the prober had ended by itself.
        """
        lines = self._record
        try:
            with contextlib.suppress(NodeError):  # it may have ended, its record still to be read
                self._channel.send_line("stop")
            while not lines or not lines[-1].startswith(record.BEGINNING):
                lines.append(self._channel.read_line(self._patience + self.timeout))
            lines.append(self._channel.read_line(self._patience))
        finally:
            self._channel.close()
        service = record.parse(lines)
        if service.ended_by not in ("stop", "eof"):
            length = service.ended - service.started
            raise NodeError(f"the prober had ended after {length:g} s, by {service.ended_by}")
        return service

    def _answer(self, key: str) -> dict[str, Any]:
        line = self._channel.read_line(self._patience)
        if line.startswith(record.BEGINNING):
            self._record.append(line)
            raise NodeError("the prober has ended by itself; stop() has its record")
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or key not in answer:
            raise NodeError(f"the prober answered no {key!r}: {line[:200]}")
        return answer
