"""The loop that sends, watches and records."""

from __future__ import annotations

import argparse
import errno
import gc
import os
import resource
import select
import signal
import socket
import time
from collections import deque
from contextlib import suppress

from halab.prober.calm import calm
from halab.prober.commands import Commands, say
from halab.prober.connection import KINDS, Connection, Flight
from halab.prober.options import arguments
from halab.prober.outcome import (
    ABSENT,
    FULL,
    LATE,
    LOCAL,
    OK,
    RESET,
    SHORTAGES,
    TIMEOUT,
    of_errno,
)
from halab.prober.record import Record
from halab.prober.session import Session

BLOCK = 16384  # bytes a read
EDGES = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
GONE = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR

clock = time.monotonic


class Prober:
    """Sends, watches and records; ``options`` are those of the command line."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.interval: float = options.interval
        self.timeout: float = options.timeout
        self.family, self.address = options.address
        self.record = Record(options)
        self.session = Session(options)
        self.idle = KINDS[options.kind]()
        self.commands = Commands()
        self.bound = 0  # of connections
        self.number = 0  # of the next send
        self.connections: dict[int, Connection] = {}  # by file descriptor
        self.deadlines: deque[Flight] = deque()  # one timeout for all: oldest first
        self.undecided = 0
        self.lost = 0.0  # when the last one lost was meant to go out

    def run(self) -> None:
        """Probe until told to stop, then print the record."""
        self.epoll = select.epoll()
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.bound = hard - 32 if hard != resource.RLIM_INFINITY else 1 << 20
        gc.collect()
        gc.freeze()
        gc.disable()  # the few cycles here are undone by hand, and a collection is a pause
        facts = {"pid": os.getpid(), "timeout": self.timeout, "interval": self.interval}
        say({"ready": True, "monotonic": clock(), **facts})
        try:
            self.epoll.register(0, select.EPOLLIN)
        except PermissionError:  # a plain file or /dev/null is always readable
            while not self.record.ended_by:
                self._obey()
        self.record.started = clock()
        used = time.process_time()
        self._loop()
        spent = time.process_time() - used
        self.record.cpu = spent / (clock() - self.record.started)
        for line in self.record.lines():
            say(line)

    def stop(self, why: str) -> None:
        """Send nothing more; the first reason stands."""
        self.record.ended_by = self.record.ended_by or why

    def _loop(self) -> None:
        record = self.record
        last = record.started + self.options.longest
        wake = record.started
        while self.undecided or not record.ended:
            self._wait(wake)
            now = clock()
            if now >= last:
                self.stop("longest")
            if record.ended_by:
                record.ended = record.ended or now
            else:
                self._send_due(now)
            # Answers first: one that lies in the socket came while the prober was not looking.
            for descriptor, events in self.epoll.poll(0):
                if descriptor == 0:
                    self._obey()
                else:
                    self._advance(self.connections[descriptor], events)
            now = clock()
            self._expire(now - self.timeout, absent=now - wake > self.timeout)
            wake = clock() + 0.1
            if not record.ended:
                wake = min(wake, self.due)
            if self.deadlines:
                wake = min(wake, self.deadlines[0].intended + self.timeout)

    def _wait(self, until: float) -> None:
        """Until then, or until a socket or stdin has something."""
        left = until - clock()
        if left > 0:
            # epoll waits in whole milliseconds, select in microseconds.
            select.select((self.epoll,), (), (), left)

    @property
    def due(self) -> float:
        """When the next send is meant to go out."""
        return self.record.started + self.number * self.interval

    def _send_due(self, now: float) -> None:
        late: float = self.options.late * self.interval
        while self.due <= now:
            overdue, count = now - late - self.due, 1
            if overdue > 0:
                count += int(overdue / self.interval)
                self.record.miss(self.number, count, LATE)
            else:
                self._send(self.number, self.due)
            self.number += count

    def _send(self, number: int, intended: float) -> None:
        flight = Flight(number, intended, clock() - intended)
        self.undecided += 1
        self.deadlines.append(flight)
        connection = self.idle.take()
        if connection is None:
            self._open(flight)
            return
        connection.carry(flight)
        # Now, for nothing will happen on its socket before.
        self._advance(connection, select.EPOLLOUT)

    def _open(self, flight: Flight) -> None:
        """Have a new connection carry the request."""
        if len(self.connections) >= self.bound:
            self._miss(flight, FULL)
            return
        try:
            sock = socket.socket(self.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        except OSError:
            self._miss(flight, LOCAL)
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = sock.connect_ex(self.address)
        if code in (0, errno.EINPROGRESS):
            connection = Connection(sock)
            connection.carry(flight)
            self.connections[sock.fileno()] = connection
            self.epoll.register(sock.fileno(), EDGES)
            return
        sock.close()
        if code in SHORTAGES:
            self._miss(flight, LOCAL)
        else:
            self._decide(flight, *of_errno(code))

    def _advance(self, connection: Connection, events: int) -> None:
        """Do what a socket is ready for; it is closed once it is of no more use."""
        flight = connection.flight
        if flight is None:
            if events & ~select.EPOLLOUT:  # the server has ended it
                self._close(connection)
            return
        try:
            if not connection.sent:
                connection.sock.send(self.session.request)
                connection.sent = True
                flight.session = self.session.number
            if not events & ~select.EPOLLOUT or not self._read(connection, flight, events):
                return
        except BlockingIOError:
            return
        except OSError as error:
            self._break(flight, *of_errno(error.errno or 0))
        # Only after the server's own end: its side keeps TIME_WAIT. Closing first would use up
        # this node's 28,000 ports within a minute at 500 requests a second.
        self._close(connection)

    def _read(self, connection: Connection, flight: Flight, events: int) -> bool:
        """Take what has come; edge-triggered, so until a short read. True: of no more use."""
        while True:
            data = connection.sock.recv(BLOCK)
            verdict = None if flight.decided else flight.response.take(data)
            if verdict:
                self._break(flight, *verdict)
                usable = flight.response.leaves_open and not events & GONE
                if usable and self.idle.keep(connection):
                    return False
            if not data:
                return True
            if len(data) < BLOCK:
                if not events & GONE:
                    return False
                if flight.decided:  # its end has come too: one call less
                    return True

    def _expire(self, sent_before: float, *, absent: bool) -> None:
        """Give up what is past its deadline: lost, unless the prober was not there to see."""
        while self.deadlines:
            flight = self.deadlines[0]
            connection = flight.connection
            over = flight.decided and connection is None
            if not over and flight.intended > sent_before:
                return
            self.deadlines.popleft()
            if not flight.decided and absent:
                self._miss(flight, ABSENT)
            elif not flight.decided:
                sent = connection is not None and connection.sent
                self._decide(flight, TIMEOUT, "no answer" if sent else "no connection")
            if connection is not None:
                connection.abort()
                self._close(connection)

    def _break(self, flight: Flight, outcome: int, detail: str = "") -> None:
        """What a connection's end, or its answer, means for the request on it."""
        if flight.decided:
            return
        if outcome == RESET and self.idle.retries(flight):
            assert flight.connection is not None
            flight.connection.let_go()
            self.record.retried += 1
            self._open(flight)
        else:
            self._decide(flight, outcome, detail)

    def _decide(self, flight: Flight, outcome: int, detail: str = "") -> None:
        flight.decided = True
        self.undecided -= 1
        now = clock()
        if outcome == OK:
            self.session.answered(flight.session, flight.response)
        else:
            self.lost = max(self.lost, flight.intended)
        self.record.add(flight, now, outcome, detail)

    def _miss(self, flight: Flight, reason: int) -> None:
        flight.decided = True
        self.undecided -= 1
        self.record.miss(flight.number, 1, reason)

    def _close(self, connection: Connection) -> None:
        connection.let_go()
        self.idle.drop(connection)
        del self.connections[connection.sock.fileno()]
        connection.sock.close()

    def _obey(self) -> None:
        """Do what stdin says."""
        lines = self.commands.read()
        now = clock()
        if lines is None:
            with suppress(OSError):  # a closed stdin stays readable and would keep the loop awake
                self.epoll.unregister(0)
            self.stop("eof")
            return
        for word, name in lines:
            if word == "stop":
                self.stop("stop")
            elif word == "mark" and name:
                self.record.marks.append((name, now))
                say({"mark": name, "at": now})
            elif word == "calm":
                since = max(self.lost, self.record.started or now)
                say(calm(self.deadlines, since, now))
            elif word:
                say({"error": f"neither 'mark NAME', 'calm' nor 'stop': {word}"})


def main() -> int:
    """Run, and say nothing of a reader that has gone away."""
    options = arguments()
    prober = Prober(options)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: prober.stop("signal"))
    # Whatever hangs, a reader that never reads above all: the kernel ends it.
    signal.alarm(int(options.longest + options.timeout) + 60)
    try:
        prober.run()
    except BrokenPipeError:
        return 1
    return 0
