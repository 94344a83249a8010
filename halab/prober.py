"""The prober: an open-loop HTTP client that runs alone on a client node.

It is copied there and started as ``python3 prober.py --target ADDR:PORT``, so it needs the
standard library only (Python 3.9 or later, Linux) and imports nothing of this project. Every
``--interval`` seconds it sends one GET on a new connection, whatever became of the earlier ones:
a client that waits for answers would ask least just when the service is worst.

It prints one line of JSON when ready, answers ``mark NAME`` on stdin with its own time, and ends
on ``stop``, end of file, SIGTERM or after ``--longest`` seconds. Then it prints its record: a
header line and a line of rows ``[number, duration_us, outcome, backend, detail]``. Send
``number`` was meant for ``started + number * interval`` on this node's CLOCK_MONOTONIC, and its
duration counts from then. The last three columns index the header's tables; -1 is none.
"""

from __future__ import annotations

import argparse
import errno
import gc
import json
import os
import resource
import select
import signal
import socket
import time
from array import array
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

OUTCOMES = ("ok", "refused", "reset", "timeout", "5xx", "other")
OK, REFUSED, RESET, TIMEOUT, SERVER_ERROR, OTHER = range(6)

# Why a send is missing: it came too late, there was no room, this node could not make it, or the
# prober was absent for longer than the request's deadline, so that nobody can tell its outcome.
REASONS = ("late", "full", "local", "absent")
LATE, FULL, LOCAL, ABSENT = range(4)
# A shortage of this node's own ports, files or memory says nothing of the service.
SHORTAGES = frozenset(
    (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.EAGAIN)
)
CLASSES = {
    errno.ECONNREFUSED: REFUSED,
    errno.ECONNRESET: RESET,
    errno.EPIPE: RESET,
    errno.ETIMEDOUT: TIMEOUT,
}

BLOCK = 16384  # bytes a read
LONGEST_HEAD = 65536  # bytes
EDGES = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
GONE = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
ABORT = b"\x01\x00\x00\x00\x00\x00\x00\x00"  # struct linger: on, 0 s

clock = time.monotonic


class Flight:
    """One request under way."""

    __slots__ = ("backend", "decided", "head", "intended", "left", "number", "sent", "sock", "tail")

    def __init__(self, sock: socket.socket, number: int, intended: float) -> None:
        self.sock: socket.socket | None = sock
        self.number = number
        self.intended = intended
        self.sent = False
        self.decided = False
        self.head: bytes | None = b""  # None once it was read
        self.left = -1  # bytes of body to come; -1: until the end of file
        self.tail: bytes | None = None  # last bytes of a chunked body
        self.backend = -1


class Names:
    """A table of names, in the order in which they came up."""

    def __init__(self) -> None:
        self.index: dict[str, int] = {}

    def of(self, name: str) -> int:
        return self.index.setdefault(name, len(self.index))


class Prober:
    """Sends, watches and records; ``options`` are those of :func:`arguments`."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.interval: float = options.interval
        self.timeout: float = options.timeout
        self.family, self.address = options.address
        self.request = (
            f"GET {options.path} HTTP/1.1\r\nHost: {options.target}\r\n"
            "User-Agent: prober\r\nAccept: */*\r\nConnection: close\r\n\r\n"
        ).encode()
        self.backend_field = f"\r\n{options.backend_header}:".lower().encode()
        self.bound = 0
        self.started = self.ended = 0.0
        self.ended_by = ""
        self.cpu = 0.0  # share of one core
        self.rows = array("q")  # five numbers a request
        self.missed: list[list[int]] = []  # [first number, how many, reason]
        self.lags = array("d")
        self.marks: list[tuple[str, float]] = []
        self.backends, self.details = Names(), Names()
        self.pending = b""  # the start of a command line
        self.flights: dict[int, Flight] = {}  # by file descriptor
        self.deadlines: deque[Flight] = deque()  # one timeout for all: oldest first
        self.undecided = 0
        self.lost_at = 0.0  # when a loss was last seen

    def run(self) -> None:
        """Probe until told to stop, then print the record."""
        self.epoll = select.epoll()
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.bound = hard - 32 if hard != resource.RLIM_INFINITY else 1 << 20
        gc.collect()
        gc.freeze()
        gc.disable()  # nothing here makes cycles, and a collection is a pause
        say({"ready": True, "monotonic": clock(), "pid": os.getpid(), "timeout": self.timeout})
        try:
            self.epoll.register(0, select.EPOLLIN)
        except PermissionError:  # a plain file or /dev/null is always readable
            while not self.ended_by:
                self._obey()
        self.started = clock()
        used = time.process_time()
        self._loop()
        self.cpu = (time.process_time() - used) / (clock() - self.started)
        for line in self.record():
            say(line)

    def stop(self, why: str) -> None:
        """Send nothing more; the first reason stands."""
        self.ended_by = self.ended_by or why

    def _loop(self) -> None:
        late: float = self.options.late * self.interval
        last = self.started + self.options.longest
        waiting = [self.epoll.fileno()]
        number, due, wake = 0, self.started, self.started
        while True:
            now = clock()
            if not self.ended:
                if now >= last:
                    self.stop("longest")
                if self.ended_by:
                    self.ended = now
            while due <= now and not self.ended:
                behind = int((now - late - due) / self.interval) + 1 if now - due > late else 0
                if behind:
                    self.missed.append([number, behind, LATE])
                elif len(self.flights) >= self.bound:
                    self.missed.append([number, 1, FULL])
                else:
                    self._send(number, due)
                number += behind or 1
                due = self.started + number * self.interval
            # Answers first: one that lies in the socket came while the prober was not looking.
            for descriptor, events in self.epoll.poll(0):
                if descriptor == 0:
                    self._obey()
                else:
                    self._advance(self.flights[descriptor], events)
            now = clock()
            self._expire(now - self.timeout, absent=now - wake > self.timeout)
            if self.ended and not self.undecided:
                return
            wake = clock() + 0.1 if self.ended else min(due, clock() + 0.1)
            if self.deadlines:
                wake = min(wake, self.deadlines[0].intended + self.timeout)
            wait = wake - clock()
            if wait > 0:
                # epoll waits in whole milliseconds, select in microseconds.
                select.select(waiting, (), (), wait)

    def _send(self, number: int, intended: float) -> None:
        lag = clock() - intended
        try:
            sock = socket.socket(self.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        except OSError:
            self.missed.append([number, 1, LOCAL])
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = sock.connect_ex(self.address)
        if code in SHORTAGES:
            self.missed.append([number, 1, LOCAL])
            sock.close()
            return
        self.lags.append(lag)
        self.undecided += 1
        flight = Flight(sock, number, intended)
        if code not in (0, errno.EINPROGRESS):
            self._fail(flight, code)
            sock.close()
            return
        descriptor = sock.fileno()
        self.flights[descriptor] = flight
        self.deadlines.append(flight)
        self.epoll.register(descriptor, EDGES)

    def _advance(self, flight: Flight, events: int) -> None:
        """Do what a socket is ready for; edge-triggered, so until a short read."""
        sock = flight.sock
        assert sock is not None
        try:
            if not flight.sent:
                sock.send(self.request)
                flight.sent = True
            while events & ~select.EPOLLOUT:
                data = sock.recv(BLOCK)
                if not flight.decided:
                    self._take(flight, data)
                if not data:
                    break
                if len(data) < BLOCK:
                    if not events & GONE:
                        return
                    if flight.decided:
                        break
            else:
                return
        except BlockingIOError:
            return
        except OSError as error:
            if not flight.decided:
                self._fail(flight, error.errno or 0)
        # Only after the server's own end: its side keeps TIME_WAIT. Closing first would use up
        # this node's 28,000 ports within a minute at 500 requests a second.
        self._close(flight)

    def _take(self, flight: Flight, data: bytes) -> None:
        """Judge what came; no data is the end of file."""
        if flight.head is not None:
            if not data:
                return self._decide(flight, RESET, "EOF")
            head, end, data = (flight.head + data).partition(b"\r\n\r\n")
            if not end:
                flight.head = head
                if not b"HTTP/1.".startswith(head[:7]) or len(head) > LONGEST_HEAD:
                    self._decide(flight, OTHER, "not HTTP")
                return None
            flight.head = None
            self._read_head(flight, head)
        elif not data:
            whole = flight.left < 0 if flight.tail is None else flight.tail == b"0\r\n\r\n"
            return self._decide(flight, OK) if whole else self._decide(flight, RESET, "EOF in body")
        if flight.decided:
            return None
        if flight.tail is not None:
            flight.tail = (flight.tail + data)[-5:]
        elif flight.left >= 0:
            flight.left = max(0, flight.left - len(data))
            if not flight.left:
                self._decide(flight, OK)
        return None

    def _read_head(self, flight: Flight, head: bytes) -> None:
        lower = head.lower()
        named = field(head, lower, self.backend_field)
        if named:
            flight.backend = self.backends.of(named.decode("latin-1"))
        status, length = lower[9:12], field(head, lower, b"\r\ncontent-length:")
        if not lower.startswith(b"http/1.") or not status.isdigit():
            self._decide(flight, OTHER, "not HTTP")
        elif not status.startswith(b"2"):
            kind = SERVER_ERROR if status.startswith(b"5") else OTHER
            self._decide(flight, kind, status.decode())
        elif b"chunked" in field(head, lower, b"\r\ntransfer-encoding:").lower():
            flight.tail = b""
        elif length.isdigit() or status == b"204":
            flight.left = int(length or b"0")

    def _expire(self, sent_before: float, *, absent: bool) -> None:
        """Give up what is past its deadline: lost, unless the prober was not there to see."""
        while self.deadlines and self.deadlines[0].intended <= sent_before:
            flight = self.deadlines.popleft()
            if not flight.decided and absent:
                flight.decided = True
                self.undecided -= 1
                self.missed.append([flight.number, 1, ABSENT])
            elif not flight.decided:
                self._decide(flight, TIMEOUT, "no answer" if flight.sent else "no connection")
            if flight.sock is not None:
                # With a reset: no orphan goes on holding a port for a server that is away.
                flight.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
                self._close(flight)

    def _fail(self, flight: Flight, code: int) -> None:
        self._decide(flight, CLASSES.get(code, OTHER), errno.errorcode.get(code, str(code)))

    def _decide(self, flight: Flight, outcome: int, detail: str = "") -> None:
        flight.decided = True
        self.undecided -= 1
        now = clock()
        if outcome != OK:
            self.lost_at = now
        duration = round((now - flight.intended) * 1e6)
        named = self.details.of(detail) if detail else -1
        self.rows.extend((flight.number, duration, outcome, flight.backend, named))

    def _close(self, flight: Flight) -> None:
        if flight.sock is not None:
            del self.flights[flight.sock.fileno()]
            flight.sock.close()
            flight.sock = None

    def _obey(self) -> None:
        """Do what stdin says; one read, for the descriptor may be shared and so must block."""
        data = os.read(0, 4096)
        now = clock()
        if not data:
            self._forget_stdin()
            return self.stop("eof")
        *lines, self.pending = (self.pending + data).split(b"\n")
        for line in lines:
            word, _, name = line.decode("utf-8", "replace").strip().partition(" ")
            if word == "stop":
                self.stop("stop")
            elif word == "mark" and name:
                self.marks.append((name, now))
                say({"mark": name, "at": now})
            elif word == "calm":
                say({"calm": now - max(self.lost_at, self.started or now)})
            elif word:
                say({"error": f"neither 'mark NAME', 'calm' nor 'stop': {word}"})
        return None

    def _forget_stdin(self) -> None:
        """A closed stdin stays readable and would keep the loop awake."""
        with suppress(OSError):
            self.epoll.unregister(0)

    def record(self) -> list[str]:
        """The header line and the line of rows."""
        lags = sorted(self.lags) or [0.0]
        p50, p99 = (round(lags[int(len(lags) * q)], 6) for q in (0.5, 0.99))
        rows = sorted(tuple(self.rows[at : at + 5]) for at in range(0, len(self.rows), 5))
        header = {
            "record": 1,
            "target": self.options.target,
            "interval": self.interval,
            "timeout": self.timeout,
            "started": self.started,
            "ended": self.ended,
            "ended_by": self.ended_by,
            "sent": len(rows),
            "missed": sum(count for _, count, _ in self.missed),
            "gaps": sorted(self.missed),
            "marks": self.marks,
            "lag": {"p50": p50, "p99": p99, "max": round(lags[-1], 6)},
            "resolution": self.interval + p99,
            "cpu": round(self.cpu, 4),
            "reasons": REASONS,
            "outcomes": OUTCOMES,
            "backends": list(self.backends.index),
            "details": list(self.details.index),
        }
        return [json.dumps(part, separators=(",", ":")) for part in (header, rows)]


def field(head: bytes, lower: bytes, name: bytes) -> bytes:
    """The value of the header ``name`` (as ``\\r\\nname:``), or nothing."""
    at = lower.find(name)
    if at < 0:
        return b""
    at += len(name)
    end = head.find(b"\r\n", at)
    return head[at : end if end >= 0 else len(head)].strip()


def say(line: Any) -> None:
    """Write one line to stdout, past any buffer."""
    left = ((line if isinstance(line, str) else json.dumps(line)) + "\n").encode()
    while left:
        left = left[os.write(1, left) :]


def address(target: str) -> tuple[int, tuple[str, int]]:
    """The family and socket address of ``ADDR:PORT`` or ``[ADDR]:PORT``; no names, no DNS."""
    host, _, port = target.rpartition(":")
    found = socket.getaddrinfo(
        host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
    )
    return found[0][0], (str(found[0][4][0]), int(found[0][4][1]))


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The options; a bad one ends the process with status 2 and a usage line."""
    parser = argparse.ArgumentParser(description="open-loop HTTP prober")
    add = parser.add_argument
    add("--target", required=True, metavar="ADDR:PORT")
    add("--path", default="/index.html")
    add("--interval", type=float, default=0.002, help="seconds between sends")
    add("--timeout", type=float, default=0.5, help="seconds; below 1 no SYN is sent twice")
    add("--late", type=float, default=5, help="intervals after which a send is given up")
    add("--longest", type=float, default=600, help="seconds after which it stops by itself")
    add("--backend-header", default="X-Served-By")
    options = parser.parse_args(argv)
    if min(options.interval, options.timeout, options.late, options.longest) <= 0:
        parser.error("--interval, --timeout, --late and --longest must be above 0")
    try:
        options.address = address(options.target)
    except (ValueError, OSError):
        parser.error(f"--target must be ADDR:PORT with a numeric address: {options.target}")
    return options


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


if __name__ == "__main__":
    raise SystemExit(main())
