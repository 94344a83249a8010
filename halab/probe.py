"""The open-loop probe: drives :mod:`halab.prober` on a client node over a line channel."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any, Protocol

from halab.errors import NodeError
from halab.service import RECORD, Service, parse


def script() -> str:
    """The source of the prober, to be put on the client node."""
    return Path(__file__).with_name("prober.py").read_text(encoding="utf-8")


def command(
    target: str,
    interval: float = 0.002,
    *,
    path: str = "/index.html",
    timeout: float = 0.5,
    longest: float = 600.0,
    backend_header: str = "X-Served-By",
    at: str = "prober.py",
) -> list[str]:
    """The command that runs the script ``at`` this path on the node against ``ADDR:PORT``.

    ``interval``, ``timeout`` (of a request, from its intended send; below 1 s, so that no
    retransmitted SYN rescues it) and ``longest`` (of the probing) are seconds.
    """
    options = {
        "--target": target,
        "--path": path,
        "--interval": interval,
        "--timeout": timeout,
        "--longest": longest,
        "--backend-header": backend_header,
    }
    return ["python3", "-I", at, *(f"{name}={value}" for name, value in options.items())]


class Channel(Protocol):
    """Lines to and from a prober, without their newlines.

    All but ``close`` raise :class:`NodeError` when the other side is gone; so does ``read_line``
    when no line comes within ``timeout`` seconds.
    """

    def send_line(self, line: str) -> None: ...
    def read_line(self, timeout: float) -> str: ...
    def close(self) -> None: ...


class Probe:
    """A prober at work on a node. ``patience`` is the seconds that any answer may take."""

    def __init__(self, channel: Channel, *, patience: float = 10.0) -> None:
        self._channel = channel
        self._patience = patience
        self.timeout = 0.0
        self._marks: set[str] = set()
        self._record: list[str] = []

    def start(self) -> None:
        """Wait until it probes. Raises :class:`NodeError`, and closes the channel, if not."""
        try:
            self.timeout = float(self._answer("ready")["timeout"])
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

    def calm(self) -> float:
        """Seconds since it last saw a request lost, or since it began.

        A request may still be undecided for its timeout: only a calm longer than that says
        that the service answers again.
        """
        self._channel.send_line("calm")
        return float(self._answer("calm")["calm"])

    def stop(self) -> Service:
        """End the probing and judge it; the channel is closed whatever happens.

        Raises :class:`NodeError` when the record does not come, or covers only a part of the
        time because the prober had ended by itself.
        """
        lines = self._record
        try:
            with contextlib.suppress(NodeError):  # it may have ended, its record still to be read
                self._channel.send_line("stop")
            while not lines or not lines[-1].startswith(RECORD):
                lines.append(self._channel.read_line(self._patience + self.timeout))
            lines.append(self._channel.read_line(self._patience))
        finally:
            self._channel.close()
        service = parse(lines)
        if service.ended_by not in ("stop", "eof"):
            length = service.ended - service.started
            raise NodeError(f"the prober had ended after {length:g} s, by {service.ended_by}")
        return service

    def _answer(self, key: str) -> dict[str, Any]:
        line = self._channel.read_line(self._patience)
        if line.startswith(RECORD):
            self._record.append(line)
            raise NodeError("the prober has ended by itself; stop() has its record")
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or key not in answer:
            raise NodeError(f"the prober answered no {key!r}: {line[:200]}")
        return answer
