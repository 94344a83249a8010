"""One node: commands and files on it. Whatever the lab, this is the one path to it."""

from __future__ import annotations

import io
import shlex
import tarfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address
from typing import TypeVar

from testinfra.backend.base import CommandResult
from testinfra.host import Host

from halab.errors import CommandFailed, NodeError, Unreachable
from halab.lab.journal import Writes
from halab.redaction import end_of
from halab.transport import Access, LineChannel, Recording, SshBackend

T = TypeVar("T")


class Node:
    """A machine with SSH; what is done to it on purpose goes to its lab's ``journal``, if any.

    ``host`` is testinfra's view of it, for assertions:

    >>> node.host.service("haproxy@1").is_running
    True
    """

    def __init__(
        self,
        name: str,
        address: IPv4Address,
        access: Access,
        nic: str = "eth0",
        journal: Writes | None = None,
    ) -> None:
        self.name = name
        self.address = address
        self.nic = nic
        self.journal = journal
        self.backend = SshBackend(name, str(address), access)
        self.host = Host(self.backend)

    def __repr__(self) -> str:
        return f"<{self.name} {self.address}>"

    def ask(
        self, command: str, *values: str, stdin: str | bytes = "", limit: float | None = None
    ) -> CommandResult:
        """Run a command whatever its status. ``%s`` in it are the values, quoted for the shell."""
        raw = quoted(command, *values).encode()
        said = stdin.encode() if isinstance(stdin, str) else stdin
        status, out, err = self.backend.execute(raw, stdin=said, limit=limit)
        return self.backend.result(status, raw, out, err)

    def run(
        self, command: str, *values: str, stdin: str | bytes = "", limit: float | None = None
    ) -> str:
        """Run a command and give its stdout; raises :class:`CommandFailed` on any status but 0."""
        result = self.ask(command, *values, stdin=stdin, limit=limit)
        if result.rc != 0:
            said = result.stderr.strip() or result.stdout.strip() or "it said nothing"
            raise CommandFailed(
                f"{self.name}: {result.command.decode()[:200]}: status {result.rc}: "
                f"{end_of(said, 600)}"
            )
        return result.stdout

    def read(self, path: str) -> str:
        """A file's text; raises :class:`CommandFailed` if there is none."""
        return self.run("cat -- %s", path)

    def put(self, path: str, content: str | bytes, mode: int = 0o644) -> None:
        """Write a file whole or not at all; the content travels on stdin, never in argv."""
        self.run(
            "umask 077 && mkdir -p -m 755 -- %s && tee %s > /dev/null && chmod %s %s "
            "&& mv -- %s %s",
            path.rpartition("/")[0] or "/",
            f"{path}.new",
            f"{mode:o}",
            f"{path}.new",
            f"{path}.new",
            path,
            stdin=content,
        )

    def put_all(self, files: Mapping[str, str], mode: int = 0o644) -> None:
        """Write several files in one go, as one archive on stdin; each replaces the old one."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for path, content in files.items():
                data = content.encode()
                entry = tarfile.TarInfo(path.lstrip("/"))
                entry.size, entry.mode = len(data), mode
                tar.addfile(entry, io.BytesIO(data))
        raw = b"tar -C / --no-same-owner --no-overwrite-dir -xf -"
        status, _, err = self.backend.execute(raw, stdin=archive.getvalue())
        if status != 0:
            raise CommandFailed(f"{self.name}: {', '.join(files)}: {err.decode().strip()}")

    def converse(self, command: str) -> LineChannel:
        """Start a program that is spoken with line by line."""
        return LineChannel(self.backend, command)

    def record(self, command: str) -> Recording:
        """Start a program whose output is had at its end."""
        return Recording(self.backend, command)

    def lets_in(self) -> bool:
        """True if its sshd lets us in now."""
        try:
            return self.ask("true").rc == 0
        except Unreachable:  # not yet, or not at all; the caller knows which
            return False

    def close(self) -> None:
        """Close the connection; the next command opens another."""
        self.backend.close()


def quoted(command: str, *values: str) -> str:
    """The command with each ``%s`` a value, quoted for the shell; as it is without values.

    >>> quoted("rm -- %s", "a b; reboot")
    "rm -- 'a b; reboot'"
    """
    return command % tuple(shlex.quote(str(value)) for value in values) if values else command


def in_turn(*commands: str) -> str:
    """Shell that runs each of these, whatever becomes of the others, and fails if any of them did.

    >>> in_turn("rm a", "rm b")
    '(failed=0; { rm a; } || failed=1; { rm b; } || failed=1; exit $failed)'
    """
    tried = "".join(f"{{ {command}; }} || failed=1; " for command in commands)
    return f"(failed=0; {tried}exit $failed)"


def each(nodes: Iterable[Node], action: Callable[[Node], T]) -> dict[str, T]:
    """Do the action on all nodes at once; its results by node name, in the nodes' order.

    Raises :class:`NodeError` with every failure, not only the first.
    """
    nodes = list(nodes)
    if not nodes:
        return {}
    with ThreadPoolExecutor(max_workers=min(len(nodes), 16)) as pool:
        futures = [(node, pool.submit(action, node)) for node in nodes]
    failures = [error for _, future in futures if (error := future.exception()) is not None]
    for error in failures:
        if not isinstance(error, NodeError):
            raise error
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise NodeError("; ".join(str(error) for error in failures)) from failures[0]
    return {node.name: future.result() for node, future in futures}
