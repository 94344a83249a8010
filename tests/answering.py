"""A machine that is not there, and answers all the same: for who asks machines and decides.

And one that is a folder of this machine, for who tells machines what to do in words of their shell.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from ipaddress import IPv4Address
from pathlib import Path

from testinfra.backend.base import CommandResult

from halab.errors import NodeError
from halab.node import Node, quoted
from halab.transport import Access

NOWHERE = Path("/nowhere")


class Answering(Node):
    """Whose every command says the same, or fails so; ``asked`` are the commands."""

    def __init__(self, name: str, said: str | NodeError, status: int = 0) -> None:
        super().__init__(name, IPv4Address("127.0.0.1"), Access("root", NOWHERE, NOWHERE))
        self.said, self.status = said, status
        self.asked: list[str] = []

    def ask(
        self, command: str, *values: str, stdin: str | bytes = "", limit: float | None = None
    ) -> CommandResult:
        self.asked.append(quoted(command, *values))
        if isinstance(self.said, NodeError):
            raise self.said
        return self.backend.result(self.status, b"", self.said.encode(), b"")


class Here(Answering):
    """Whose commands are run by this machine's shell; ``moved`` are folders that are elsewhere.

    Programs in ``place``/bin go before this machine's; ``enters`` is what puts a command there.
    """

    def __init__(self, name: str, place: Path, enters: Sequence[str] = (), **moved: str) -> None:
        super().__init__(name, "")
        self.place, self.enters, self.moved = place, enters, moved
        (place / "bin").mkdir(parents=True)

    def program(self, name: str, text: str) -> None:
        """Put a program in the place of this machine's."""
        path = self.place / "bin" / name
        path.write_text(f"#!/bin/sh\n{text}")
        path.chmod(0o755)

    def ask(
        self, command: str, *values: str, stdin: str | bytes = "", limit: float | None = None
    ) -> CommandResult:
        """Run it."""
        script = quoted(command, *values)
        for place, folder in self.moved.items():
            script = script.replace(folder, f"{self.place}/{place}")
        ran = subprocess.run(
            [*self.enters, "sh", "-c", script],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            timeout=limit or 20,
            env={**os.environ, "PATH": f"{self.place}/bin:{os.environ['PATH']}"},
        )
        return self.backend.result(ran.returncode, script.encode(), ran.stdout, ran.stderr)
