"""What a command on a node says, taken as it comes."""

from __future__ import annotations

import threading
import time

import paramiko


class Drain:
    """Takes both streams of a channel as they come, so that neither can block the other."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self.channel = channel
        self.out = bytearray()
        self.err = bytearray()
        self.arrived = threading.Event()
        # paramiko sets it whenever anything arrives or the stream ends
        channel.in_buffer.set_event(self.arrived)
        channel.in_stderr_buffer.set_event(self.arrived)

    def until(self, deadline: float) -> int | None:
        """Drain to the end; the exit status, or None when the deadline passes first."""
        while not self.once(deadline):
            pass
        left = max(deadline - time.monotonic(), 0)
        if not self.ended() or not self.channel.status_event.wait(left):
            return None
        return self.channel.recv_exit_status()

    def once(self, deadline: float) -> bool:
        """Take what is there, or wait for it; True at the end of the stream or the deadline."""
        self.arrived.clear()
        ended, had = self.ended(), len(self.out) + len(self.err)
        while self.channel.recv_ready():
            self.out += self.channel.recv(1 << 16)
        while self.channel.recv_stderr_ready():
            self.err += self.channel.recv_stderr(1 << 16)
        left = deadline - time.monotonic()
        if ended or left <= 0:
            return True
        if len(self.out) + len(self.err) == had:
            self.arrived.wait(left)
        return False

    def ended(self) -> bool:
        """True once nothing more will come."""
        return bool(self.channel.eof_received or self.channel.closed)
