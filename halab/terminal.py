"""This terminal on a node: OpenSSH's client where it is installed, else paramiko's channel."""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import termios
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import paramiko

from halab.errors import Unreachable
from halab.node import Node

# A node that falls silent ends the shell after about this many seconds.
SILENCE = 15


def openssh(node: Node, line: str, with_terminal: bool) -> int:
    """Become OpenSSH's client, which is in the lab's namespace as this process is."""
    access = node.backend.access
    options = {
        "BatchMode": "yes",
        "ConnectTimeout": f"{access.connect:.0f}",
        "GlobalKnownHostsFile": "/dev/null",
        "IdentitiesOnly": "yes",
        "LogLevel": "ERROR",
        "ServerAliveCountMax": "3",
        "ServerAliveInterval": f"{SILENCE // 3}",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": str(access.known_hosts),
    }
    arguments = ["ssh", "-F", "/dev/null", "-i", str(access.key), "-p", str(access.port)]
    arguments += [f"-o{key}={value}" for key, value in options.items()]
    arguments += ["-t" if with_terminal else "-T", f"{access.user}@{node.address}"]
    sys.stdout.flush()
    os.execvp("ssh", [*arguments, *([line] if line else [])])


def paramiko_shell(node: Node, line: str, with_terminal: bool) -> int:
    """The same without OpenSSH: the node's terminal is this one, raw, and of its size."""
    channel = node.backend.open_channel()
    transport = channel.get_transport()
    transport.set_keepalive(SILENCE // 3)
    assert isinstance(transport.sock, socket.socket)
    transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE * 1000)
    if with_terminal:
        channel.get_pty(os.environ.get("TERM", "vt100"), *os.get_terminal_size())
    if line:
        channel.exec_command(line.encode())
    else:
        channel.invoke_shell()
    with _resizes() as resized, _raw(with_terminal):
        threading.Thread(target=_feed, args=(channel,), daemon=True).start()
        try:
            _show(channel, resized)
        except BrokenPipeError:  # whoever read our stdout has had enough
            return 128 + signal.SIGPIPE
    if channel.exit_status < 0:
        transport.join(1)  # it lets go of its channels before it is known to have ended
        if not transport.is_active():
            raise Unreachable(f"{node.name}: the connection was lost")
        return 255  # a signal ended the command; OpenSSH says the same
    return channel.exit_status


@contextmanager
def _raw(wanted: bool) -> Iterator[None]:
    """This terminal passes every key on while it lasts, and is as it was afterwards."""
    if not wanted:
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setraw(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


@contextmanager
def _resizes() -> Iterator[int]:
    """A descriptor that becomes readable when the terminal changes its size."""
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    handler = signal.signal(signal.SIGWINCH, lambda _number, _frame: None)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield reader
    finally:
        signal.set_wakeup_fd(before)
        signal.signal(signal.SIGWINCH, handler)
        os.close(reader)
        os.close(writer)


def _feed(channel: paramiko.Channel) -> None:
    """This process's stdin to the node, to its end."""
    with suppress(OSError):  # the node's side has ended first
        while data := os.read(0, 1 << 15):
            channel.sendall(data)
        channel.shutdown_write()


def _show(channel: paramiko.Channel, resized: int) -> None:
    """What the node says to stdout and stderr, until it ends."""
    sources: list[Any] = [channel, resized]
    while True:
        ready, _, _ = select.select(sources, [], [])
        if resized in ready:
            os.read(resized, 4096)
            with suppress(OSError):  # no terminal, or the node's side has ended
                channel.resize_pty(*os.get_terminal_size())
        if channel not in ready:
            continue
        # before the streams are drained: what it said last has arrived by now
        ended = channel.eof_received or channel.closed
        while channel.recv_ready():
            _write(1, channel.recv(1 << 16))
        while channel.recv_stderr_ready():
            _write(2, channel.recv_stderr(1 << 16))
        if ended:
            channel.status_event.wait(SILENCE)
            return


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
