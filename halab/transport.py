"""SSH to a node: testinfra's paramiko backend, with what an operator needs of a transport.

Host keys are verified, every step has a time limit, output of any size is drained, and
small commands are not held back (TCP_NODELAY).
"""

from __future__ import annotations

import functools
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import paramiko
from testinfra.backend.paramiko import ParamikoBackend

from halab.drain import Drain
from halab.errors import CommandTimeout, NodeError, Unreachable
from halab.host_key import UnknownHost
from halab.redaction import end_of

NO_STATUS = -1
"""What paramiko gives when a session ends and the node has said no status."""


@dataclass(frozen=True)
class Access:
    """How to get into a lab's nodes. ``connect`` and ``command`` are time limits in seconds.

    ``before`` is shell that every command there begins with, ``sudo`` are the commands that are
    run by sudo in it.
    """

    user: str
    key: Path
    known_hosts: Path
    port: int = 22
    connect: float = 3.0
    command: float = 20.0
    before: str = ""
    sudo: tuple[str, ...] = ()


class SshBackend(ParamikoBackend):
    """One node's connection, shared by all threads that talk to it."""

    NAME = "halab"

    def __init__(self, name: str, address: str, access: Access) -> None:
        super().__init__(address)
        self.name = name
        self.access = access
        self.limit = access.command
        self.opening = threading.Lock()
        # a lab's nodes speak UTF-8; asking each for its encoding costs two commands
        self._encoding = "utf-8"

    def get_pytest_id(self) -> str:
        """What testinfra calls the node in a test's id."""
        return self.name

    @functools.cached_property
    def client(self) -> paramiko.SSHClient:
        """The connection; raises :class:`Unreachable` when it cannot be had in time."""
        access = self.access
        client = paramiko.SSHClient()
        where = f"{self.name} ({self.host.name}:{access.port})"
        client.set_missing_host_key_policy(UnknownHost(where, access.known_hosts))
        try:
            client.load_host_keys(str(access.known_hosts))
            sock = socket.create_connection((self.host.name, access.port), access.connect)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.connect(
                self.host.name,
                access.port,
                access.user,
                key_filename=str(access.key),
                sock=sock,
                timeout=access.connect,
                banner_timeout=access.connect,
                auth_timeout=access.connect,
                channel_timeout=access.connect,
                allow_agent=False,
                look_for_keys=False,
            )
        except paramiko.BadHostKeyException as error:
            client.close()
            known_as = self.host.name if access.port == 22 else f"[{self.host.name}]:{access.port}"
            raise Unreachable(
                f"{where} shows another host key than {access.known_hosts} has; if the node was "
                f"reinstalled, ssh-keygen -R {known_as} -f {access.known_hosts} and add the "
                "new one, else somebody is in between"
            ) from error
        except Unreachable:
            client.close()
            raise
        except (OSError, paramiko.SSHException, EOFError) as error:
            client.close()
            raise Unreachable(f"{where}: {str(error) or type(error).__name__}") from error
        return client

    def open_channel(self) -> paramiko.Channel:
        """A new session on the connection, which is made anew once if it has gone."""
        with self.opening:
            for attempt in (1, 2):
                transport = self.client.get_transport()
                try:
                    if transport is None or not transport.is_active():
                        raise paramiko.SSHException("the connection was lost")
                    return transport.open_session(timeout=self.access.connect)
                except (paramiko.SSHException, OSError, EOFError) as error:
                    self.close()
                    if attempt == 2:
                        raise Unreachable(f"{self.name}: {error}") from error
        raise AssertionError("unreachable")

    @property
    def connected(self) -> bool:
        """True while there is a connection, as far as is known."""
        return "client" in self.__dict__

    def close(self) -> None:
        """Close the connection, if there is one; the next command opens another."""
        client = self.__dict__.pop("client", None)
        if client is not None:
            client.close()

    def _exec_command(self, command: bytes) -> tuple[int, bytes, bytes]:
        return self.execute(command)

    def execute(
        self, command: bytes, *, stdin: bytes = b"", limit: float | None = None
    ) -> tuple[int, bytes, bytes]:
        """Run a command and give its status, stdout and stderr.

        Raises :class:`CommandTimeout` after ``limit`` seconds (the access's, if not given), and
        :class:`NodeError` when the command ends without a status.
        """
        limit = self.limit if limit is None else limit
        deadline = time.monotonic() + limit
        channel = self.open_channel()
        try:
            channel.exec_command(self.access.before.encode() + command)
            status, streams = self._ended(channel, stdin, deadline)
            if status is None:
                raise CommandTimeout(f"{self.name}: not done within {limit:g} s: {_shown(command)}")
            if status == NO_STATUS:
                raise NodeError(
                    f"{self.name}: killed, or cut off from us, before its end: {_shown(command)}"
                )
            return status, bytes(streams.out), bytes(streams.err)
        except (paramiko.SSHException, OSError, EOFError) as error:
            broken = "session" if channel.get_transport().is_active() else "connection"
            why = str(error) or type(error).__name__
            raise NodeError(
                f"{self.name}: the {broken} broke during a command: {why}: {_shown(command)}"
            ) from error
        finally:
            _close(channel)

    def _ended(
        self, channel: paramiko.Channel, stdin: bytes, deadline: float
    ) -> tuple[int | None, Drain]:
        """Wait for a command that was begun; an interrupt waits for it too, for a moment.

        For what comes after an interrupt undoes what was done, and must not overtake it.
        """
        streams = Drain(channel)
        try:
            self._send(channel, stdin)
            return streams.until(deadline), streams
        except KeyboardInterrupt:
            streams.until(min(deadline, time.monotonic() + self.access.connect))
            raise

    def _send(self, channel: paramiko.Channel, stdin: bytes) -> None:
        """All of its stdin and then its end; a command that ended without it says why itself."""
        try:
            channel.sendall(stdin)
            channel.shutdown_write()
        except OSError:
            if not channel.get_transport().is_active():
                raise


def _shown(command: bytes) -> str:
    return command.decode(errors="replace")[:200]


def _begin(backend: SshBackend, channel: paramiko.Channel, command: str) -> None:
    """Start a program; raises :class:`NodeError` where the connection goes just then."""
    try:
        channel.exec_command((backend.access.before + command).encode())
    except (paramiko.SSHException, OSError, EOFError) as error:
        _close(channel)
        raise NodeError(f"{backend.name}: cut off as a program began: {error!r}") from error


def _close(channel: paramiko.Channel) -> None:
    """Close a session; on a connection that has gone there is nobody to be told of it."""
    with suppress(EOFError):
        channel.close()


class LineChannel:
    """A program on a node that is spoken with line by line."""

    def __init__(self, backend: SshBackend, command: str) -> None:
        self.name = backend.name
        self.channel = backend.open_channel()
        _begin(backend, self.channel, command)
        self._lines = self.channel.makefile("r")

    def send_line(self, line: str) -> None:
        """Send one line; raises :class:`NodeError` when the program is gone."""
        try:
            self.channel.sendall(line.encode() + b"\n")
        except OSError as error:
            raise NodeError(f"{self.name}: the program has ended: {error}") from error

    def read_line(self, timeout: float) -> str:
        """The next line without its end.

        Raises :class:`CommandTimeout` when none comes within ``timeout`` seconds, and
        :class:`NodeError` when the program has ended.
        """
        self.channel.settimeout(timeout)
        try:
            line = str(self._lines.readline())
        except TimeoutError as error:
            raise CommandTimeout(f"{self.name}: no line within {timeout:g} s") from error
        if not line:
            said = self.errors().strip() or "it said nothing"
            raise NodeError(f"{self.name}: the program has ended: {end_of(said)}")
        return line.rstrip("\n")

    def read_to_end(self, timeout: float) -> None:
        """Wait until the program has ended, ``timeout`` seconds at most for each line."""
        self.channel.settimeout(timeout)
        with suppress(TimeoutError):
            while self._lines.readline():
                pass

    def errors(self) -> str:
        """What the program has written to stderr so far."""
        said = b""
        while self.channel.recv_stderr_ready():
            said += self.channel.recv_stderr(1 << 16)
        return said.decode(errors="replace")

    def close(self) -> None:
        """End the conversation; the program sees its stdin end."""
        _close(self.channel)


class Recording:
    """A program on a node that writes until its stdin ends; what it wrote is had at the end."""

    def __init__(self, backend: SshBackend, command: str) -> None:
        self.name = backend.name
        self.channel = backend.open_channel()
        # the shell stands between, so that the end of stdin ends the program in good order
        # by sudo itself where it takes sudo: of a function a shell would be killed, and not it
        become = "sudo -n " if command.partition(" ")[0] in backend.access.sudo else ""
        ended = f"{become}{command} & command cat >/dev/null; {become}kill $!; wait $!"
        _begin(backend, self.channel, ended)
        self._streams = Drain(self.channel)

    def await_said(self, text: str, within: float) -> None:
        """Wait until the program has said ``text`` on stderr; seconds."""
        deadline = time.monotonic() + within
        while text.encode() not in self._streams.err:
            if self._streams.once(deadline):
                said = self.errors()
                raise NodeError(f"{self.name}: {text!r} was not said within {within:g} s: {said}")

    def so_far(self) -> bytearray:
        """What it has written to stdout; raises :class:`NodeError` if the connection has gone."""
        self._streams.once(time.monotonic())
        if self._streams.ended():
            raise NodeError(f"{self.name}: a recording ended by itself: {self.errors()}")
        return self._streams.out

    def errors(self) -> str:
        """The end of what it has written to stderr."""
        return end_of(self._streams.err.decode(errors="replace").strip())

    def finish(self, within: float = 10) -> bytes:
        """End the program and give all that it wrote to stdout."""
        try:
            self.channel.shutdown_write()
            if self._streams.until(time.monotonic() + within) is None:
                raise CommandTimeout(f"{self.name}: a recording did not end within {within:g} s")
            return bytes(self._streams.out)
        finally:
            _close(self.channel)
