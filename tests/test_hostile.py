"""The program of the hostile client, against a server on this machine's loopback."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from halab import hostile

PROGRAM = Path(hostile.__file__)
Row = list[object]


@contextmanager
def server(*answers: bytes | None) -> Iterator[int]:
    """A port on which one connection after the other gets its answer; None resets it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for answer in answers:
                connection, _ = listening.accept()
                with connection:
                    if answer is None:
                        reset = bytes([1, 0, 0, 0, 0, 0, 0, 0])  # linger, for no time
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                    else:
                        head = b""
                        while not head.endswith(b"\r\n\r\n"):
                            head += connection.recv(4096)
                        connection.sendall(answer)

        serving = threading.Thread(target=serve)
        serving.start()
        yield listening.getsockname()[1]
        serving.join()


def attack(port: int, groups: list[dict[str, object]], lasting: float) -> tuple[int, list[Row]]:
    """How many connections stood, and what became of them."""
    job = {"do": "connect", "target": ["127.0.0.1", port], "groups": groups}
    said = json.dumps({**job, "every": 0.05, "lasting": lasting})
    with subprocess.Popen(
        [sys.executable, "-I", str(PROGRAM)], stdin=-1, stdout=-1, text=True
    ) as run:
        assert run.stdin is not None
        assert run.stdout is not None
        run.stdin.write(said + "\n")
        run.stdin.flush()
        standing = json.loads(run.stdout.readline())["standing"]
        rows = json.loads(run.stdout.readline())["rows"]
    return standing, rows


def group(count: int, opening: bytes = b"", drip: bytes = b"") -> dict[str, object]:
    return {"count": count, "opening": opening.hex(), "drip": drip.hex()}


def test_connections_are_told_by_their_end() -> None:
    """Closed with an answer, reset, and refused where nobody listens."""
    with server(b"HTTP/1.1 200 OK\r\n\r\n", None) as port:
        standing, rows = attack(port, [group(2, b"GET / HTTP/1.1\r\n\r\n")], lasting=10)
    assert standing == 2
    assert sorted((row[1], row[3]) for row in rows) == [
        ("closed", "HTTP/1.1 200 OK\r\n\r\n"),
        ("reset", ""),
    ]
    standing, rows = attack(port, [group(3)], lasting=10)
    assert (standing, [row[1] for row in rows]) == (0, ["refused"] * 3)


def test_drips_come_until_the_end() -> None:
    """The server answers once it has a whole head, which comes drop by drop."""
    with server(b"done") as port:
        groups = [group(1, b"GET / HTTP/1.1\r\nX: 1", b"\r\n")]
        _, (row,) = attack(port, groups, lasting=10)
    assert row[1:2] + row[3:] == ["closed", "done"]
    assert isinstance(row[2], float)
    assert row[2] >= 0.05


def test_what_still_stands_is_told_when_time_is_up() -> None:
    """Nobody ends it: it lasts as long as it may."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        standing, rows = attack(listening.getsockname()[1], [group(2)], lasting=0.3)
    assert standing == 2
    assert [row[1] for row in rows] == ["standing", "standing"]
