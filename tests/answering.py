"""A machine that is not there, and answers all the same: for who asks machines and decides."""

from __future__ import annotations

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
