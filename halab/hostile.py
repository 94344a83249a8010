"""What a hostile client sends. It runs alone on a client node of a lab, as the prober does.

``python3 -I hostile.py`` reads one line of JSON on stdin that says what to do, prints a line when
that stands, and its result when stdin ends, when all is over, or after ``lasting`` seconds. It
needs the standard library only. There are three things to do:

``connect``    to ``target``, for each of ``groups`` as many connections as its ``count``. Each
               sends its ``opening`` at once and its ``drip`` every ``every`` seconds (both hex,
               both may be empty). Then it waits for what becomes of it. The result has a row for
               each connection: ``[group, how, seconds, answer]``, of which ``how`` is one of closed
               (in good order), reset, refused or standing, and ``answer`` its first 4,096 bytes.
``half_open``  ``count`` SYNs to ``target`` as if from ``source``, an address that nobody has, so
               that nobody answers what comes back. At the end each is taken back by a RST.
``repeat``     ``payload`` (hex) of IP protocol ``protocol`` every ``every`` seconds, multicast to
               ``group`` from the NIC with the address ``source``, with the TTL of VRRP.
"""

from __future__ import annotations

import errno
import json
import resource
import select
import selectors
import socket
import struct
import sys
import time
from typing import Any

MOST_OF_AN_ANSWER = 4096
RETRIED = 64  # SYNs between two looks at the clock: no burst that the NIC's queue would drop


def main() -> None:
    """Do what stdin says."""
    job = json.loads(sys.stdin.readline())
    todo: dict[str, Any] = {"connect": Connections, "half_open": HalfOpen, "repeat": Repeated}
    todo[job.pop("do")](**job).run()


def tell(**facts: object) -> None:
    """One line to whoever started this."""
    print(json.dumps(facts), flush=True)


def told_to_end(within: float) -> bool:
    """True once stdin has ended; waits for it so many seconds."""
    ready, _, _ = select.select([sys.stdin], [], [], max(within, 0))
    return bool(ready) and not sys.stdin.readline()


class Connection:
    """One TCP connection and what became of it."""

    def __init__(self, target: tuple[str, int], group: int, opening: bytes) -> None:
        self.group = group
        self.unsent = opening
        self.answer = b""
        self.began = time.monotonic()
        self.ended: float | None = None
        self.how = "standing"
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        self.socket.connect_ex(target)
        self.connected = False

    def send(self) -> None:
        """As much as the kernel takes; the connection may have ended meanwhile."""
        try:
            while self.unsent:
                self.unsent = self.unsent[self.socket.send(self.unsent) :]
        except BlockingIOError:
            return
        except OSError:  # what came before the end is still to be read
            self.unsent = b""

    def receive(self) -> None:
        """Take what has come, the end included."""
        try:
            while got := self.socket.recv(65536):
                self.answer = (self.answer + got)[:MOST_OF_AN_ANSWER]
            self.over("closed")
        except BlockingIOError:
            return
        except ConnectionRefusedError:
            self.over("refused")
        except OSError:
            self.over("reset")

    def over(self, how: str) -> None:
        """It has ended so, now."""
        self.how, self.ended = how, time.monotonic()

    def row(self) -> list[object]:
        """For the result."""
        lasted = (self.ended or time.monotonic()) - self.began
        return [self.group, self.how, round(lasted, 3), self.answer.decode("latin-1")]


class Connections:
    """Many connections at once, all in one thread."""

    def __init__(
        self, target: list[Any], groups: list[dict[str, Any]], every: float, lasting: float
    ) -> None:
        self.target = (str(target[0]), int(target[1]))
        self.groups = [
            (int(g["count"]), bytes.fromhex(g["opening"]), bytes.fromhex(g["drip"])) for g in groups
        ]
        self.every, self.until = every, time.monotonic() + lasting
        self.selector = selectors.DefaultSelector()
        self.selector.register(sys.stdin, selectors.EVENT_READ)
        self.all: list[Connection] = []

    def run(self) -> None:
        """Open them, tend them to the end, and tell of each."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = sum(count for count, _, _ in self.groups) + 64
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(wanted, hard)), hard))
        for group, (count, opening, _) in enumerate(self.groups):
            for _ in range(count):
                self.open(group, opening)
        settled = time.monotonic() + 3
        while time.monotonic() < settled and not all(c.connected or c.ended for c in self.all):
            self.tend(0.05)
        tell(standing=sum(connection.connected for connection in self.all))
        dripped = time.monotonic()
        while time.monotonic() < self.until and not all(c.ended for c in self.all):
            if not self.tend(min(0.1, self.every)):
                break
            if time.monotonic() - dripped >= self.every:
                dripped = time.monotonic()
                self.drip()
        tell(rows=[connection.row() for connection in self.all])

    def open(self, group: int, opening: bytes) -> None:
        """One more."""
        connection = Connection(self.target, group, opening)
        self.all.append(connection)
        both = selectors.EVENT_READ | selectors.EVENT_WRITE
        self.selector.register(connection.socket, both, connection)

    def drip(self) -> None:
        """A little more on each that is to have it."""
        for connection in self.all:
            if connection.connected and not connection.ended:
                connection.unsent += self.groups[connection.group][2]
                connection.send()

    def tend(self, within: float) -> bool:
        """Whatever happens in the seconds given; False once stdin has ended."""
        for key, events in self.selector.select(within):
            connection = key.data
            if connection is None:
                if not sys.stdin.readline():
                    return False
                continue
            if events & selectors.EVENT_WRITE:
                error = connection.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                connection.connected = error in (0, errno.ECONNRESET)  # the latter: for a moment
                if error:
                    connection.over("reset" if connection.connected else "refused")
                else:
                    connection.send()
                    if not connection.unsent:
                        self.selector.modify(connection.socket, selectors.EVENT_READ, connection)
            if events & selectors.EVENT_READ and not connection.ended:
                connection.receive()
            if connection.ended:
                self.selector.unregister(connection.socket)
                connection.socket.close()
        return True


class HalfOpen:
    """SYNs whose answers go to nobody."""

    def __init__(self, target: list[Any], source: str, count: int, lasting: float) -> None:
        self.address, self.port = target
        self.source, self.count, self.lasting = source, count, lasting
        self.raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def run(self) -> None:
        """Send them, wait, and take them back."""
        try:
            self.send(sequence=1, flags=0x02, window=64240)
            tell(standing=self.count)
            told_to_end(self.lasting)
        finally:
            self.send(sequence=2, flags=0x04, window=0)
        tell(rows=[])

    def send(self, sequence: int, flags: int, window: int) -> None:
        """The same segment from each port."""
        ends = socket.inet_aton(self.source) + socket.inet_aton(self.address)
        for n in range(self.count):
            tcp = struct.pack(
                "!HHIIBBHHH", 20000 + n, self.port, sequence, 0, 5 << 4, flags, window, 0, 0
            )
            pseudo = ends + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(tcp))
            tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
            ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, socket.IPPROTO_TCP, 0)
            self.raw.sendto(ip + ends + tcp, (self.address, 0))  # the kernel sums up the IP header
            if n % RETRIED == 0:
                select.select([], [], [], 0.001)


class Repeated:
    """One packet, again and again."""

    def __init__(
        self, protocol: int, payload: str, group: str, source: str, every: float, lasting: float
    ) -> None:
        self.payload, self.group = bytes.fromhex(payload), group
        self.every, self.until = every, time.monotonic() + lasting
        self.raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol)
        self.raw.bind((source, 0))
        nic = socket.inet_aton(source)
        self.raw.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, nic)
        self.raw.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
        self.raw.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)

    def run(self) -> None:
        """Send it until the end."""
        sent = 0
        while time.monotonic() < self.until:
            self.raw.sendto(self.payload, (self.group, 0))
            sent += 1
            if sent == 1:
                tell(standing=1)
            if told_to_end(self.every):
                break
        tell(rows=[], sent=sent)


def checksum(data: bytes) -> int:
    """Of RFC 1071, over 16-bit words."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


if __name__ == "__main__":
    main()
