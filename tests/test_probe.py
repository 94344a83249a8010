"""The probe: real runs of the prober against 127.0.0.1."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halab import probe, wait
from halab.errors import NodeError
from halab.outage import Outcome
from halab.probe import Probe
from halab.prober import outcome as codes
from halab.prober.response import Response
from halab.service import Service

OK, REFUSED, TIMEOUT = Outcome.OK, Outcome.REFUSED, Outcome.TIMEOUT
PAGE = b"HTTP/1.1 200 OK\r\nx-served-by: web1\r\nContent-Length: 100\r\n\r\n" + b"x" * 100
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"


def status(line: str) -> bytes:
    return f"HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n".encode()


class Server:
    """A web server on 127.0.0.1 that says ``answer``; None: nothing, ever; empty: it hangs up."""

    def __init__(self, answer: bytes | None) -> None:
        self.answer = answer
        self.held: list[socket.socket] = []
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.open()

    def open(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", self.port), backlog=512)
        self.ending, self.tell = os.pipe()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        while True:
            ready, _, _ = select.select([self.socket, self.ending], [], [])
            if self.ending in ready:
                return
            client, _ = self.socket.accept()
            client.settimeout(1.0)
            answer = self.answer  # a test may change it at any moment
            if answer is None:
                self.held.append(client)
                continue
            with client, suppress(OSError):  # a prober gives up with a reset
                if answer and client.recv(4096):
                    client.sendall(answer)

    def close(self) -> None:
        os.close(self.tell) if not self.thread.is_alive() else os.write(self.tell, b".")
        self.thread.join()
        for held in (self.socket, *self.held):
            held.close()


class Pipe:
    """A prober as a child process."""

    def __init__(self, command: list[str]) -> None:
        self.child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        self.stdin, self.stdout = self.child.stdin, self.child.stdout
        self.unread = b""

    def send_line(self, line: str) -> None:
        try:
            self.stdin.write(line.encode() + b"\n")
            self.stdin.flush()
        except BrokenPipeError:
            raise NodeError("the prober is gone") from None

    def read_line(self, timeout: float) -> str:
        until = time.monotonic() + timeout
        while b"\n" not in self.unread:
            left = max(0.0, until - time.monotonic())
            if not select.select([self.stdout], [], [], left)[0]:
                raise NodeError(f"no line within {timeout:g} s")
            data = os.read(self.stdout.fileno(), 1 << 16)
            if not data:
                raise NodeError("the prober ended its output")
            self.unread += data
        line, _, self.unread = self.unread.partition(b"\n")
        return line.decode()

    def close(self) -> None:
        try:
            self.errors = self.child.communicate(timeout=5)[1]
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.errors = self.child.communicate()[1]


@pytest.fixture
def put(tmp_path: Path) -> str:
    """The prober where a node would have it: alone in a directory."""
    at = tmp_path / "prober.pyz"
    at.write_bytes(probe.program())
    return str(at)


def started(put: str, port: int, **options: float) -> tuple[Probe, Pipe]:
    command = probe.command(f"127.0.0.1:{port}", at=put, **options)  # type: ignore[arg-type]
    pipe = Pipe([sys.executable, *command[1:]])
    driver = Probe(pipe)
    driver.start()
    return driver, pipe


def probed(put: str, port: int, seconds: float = 0.15, **options: float) -> Service:
    driver, pipe = started(put, port, **options)
    wait.passing(seconds)
    service = driver.stop()
    assert pipe.errors == b""
    assert pipe.child.returncode == 0
    return service


@pytest.mark.parametrize(
    ("answer", "outcome", "details"),
    [
        (PAGE, OK, set()),
        (status("204 No Content"), OK, set()),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", OK, set()),
        (CHUNKED, OK, set()),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", OK, set()),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nx", Outcome.RESET,
         {"EOF in body"}),
        (PAGE[:-1], Outcome.RESET, {"EOF in body"}),
        (PAGE[:30], Outcome.RESET, {"EOF"}),
        (b"", Outcome.RESET, {"EOF", "ECONNRESET", "EPIPE"}),
        (None, TIMEOUT, {"no answer"}),
        (status("503 Service Unavailable"), Outcome.SERVER_ERROR, {"503"}),
        (status("404 Not Found"), Outcome.OTHER, {"404"}),
        (b"SSH-2.0-OpenSSH\r\n", Outcome.OTHER, {"not HTTP"}),
    ],
)  # fmt: skip
def test_every_answer_has_its_class(
    put: str, answer: bytes | None, outcome: Outcome, details: set[str]
) -> None:
    with closing(Server(answer)) as server:
        service = probed(put, server.port, timeout=0.1 if answer is None else 5)
    assert service.sent >= 10  # enough to judge by, however busy the machine
    assert {request.outcome for request in service.requests} == {outcome}
    assert set(service.details) <= details
    assert service.served == (Counter(web1=service.sent) if answer == PAGE else Counter())
    if answer is None:
        assert all(request.duration >= 0.1 for request in service.requests)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (PAGE, (codes.OK, "")),
        (PAGE[:-1], (codes.RESET, "EOF in body")),
        (CHUNKED, (codes.OK, "")),
        (CHUNKED[:-1], (codes.RESET, "EOF in body")),
        (status("503 Service Unavailable"), (codes.SERVER_ERROR, "503")),
    ],
)
@given(data=st.data())
def test_an_answer_may_come_in_any_pieces(
    answer: bytes, verdict: tuple[int, str], data: st.DataObject
) -> None:
    response, judged, left = Response(), None, answer
    while left and judged is None:
        size = data.draw(st.integers(1, len(left)))
        judged, left = response.take(left[:size]), left[size:]
    assert (judged or response.take(b"")) == verdict


def test_nothing_that_listens_refuses(put: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    service = probed(put, port)
    assert set(service.details) == {"ECONNREFUSED"}
    assert service.lost == Counter({REFUSED: service.sent})
    assert service.worst is not None
    assert service.worst.open


def test_a_known_outage_is_measured(put: str) -> None:
    with closing(Server(PAGE)) as server:
        driver, _ = started(put, server.port)
        wait.passing(0.3)
        driver.mark("fault")
        closing_began = time.monotonic()
        server.close()
        closed = time.monotonic()
        wait.passing(0.3)
        opening_began = time.monotonic()
        server.open()
        opened = time.monotonic()
        driver.mark("healed")
        wait.passing(0.3)
        service = driver.stop()

    # A few intervals more than the resolution: its lag is a percentile, on a host that may pause.
    blur = service.resolution + 4 * service.interval
    assert opening_began - closed - blur <= service.longest_outage <= opened - closing_began + blur
    assert service.through.total() == service.lost.total() > 100
    assert service.lost[REFUSED] > 100
    assert service.before.total() == service.after.total() == 0


def test_sends_keep_their_schedule_while_nothing_answers(put: str) -> None:
    """Open loop: 0.5 s of silence holds back no send."""
    with closing(Server(None)) as server:
        service = probed(put, server.port, 0.5, timeout=0.4)
    due = int((service.ended - service.started) / service.interval) + 1
    assert service.sent + service.missed == pytest.approx(due, abs=1)


def test_what_the_prober_slept_through_is_missed_not_lost(put: str) -> None:
    with closing(Server(PAGE)) as server:
        driver, pipe = started(put, server.port, timeout=0.1)
        wait.passing(0.1)
        pipe.child.send_signal(signal.SIGSTOP)
        wait.passing(0.3)
        pipe.child.send_signal(signal.SIGCONT)
        wait.passing(0.1)
        service = driver.stop()
    assert service.lost.total() == 0
    assert service.missed > 100
    assert service.resolution > 0.25


def test_it_ends_by_itself_and_that_is_said(put: str) -> None:
    with closing(Server(PAGE)) as server:
        driver, pipe = started(put, server.port, longest=0.1)
        pipe.child.wait(5)
        with pytest.raises(NodeError):
            driver.mark("fault")
        with pytest.raises(NodeError, match="by longest"):
            driver.stop()


def test_sigterm_and_end_of_file_end_it_with_a_record(put: str) -> None:
    with closing(Server(PAGE)) as server:
        _, killed = started(put, server.port)
        _, left = started(put, server.port)
        killed.child.terminate()
        left.stdin.close()
        for pipe, why in ((killed, "signal"), (left, "eof")):
            header = json.loads(pipe.read_line(5))
            assert header["ended_by"] == why
            assert len(json.loads(pipe.read_line(5))) == header["sent"]
            pipe.stdin = None  # type: ignore[assignment]
            assert pipe.child.stdin is not None
            pipe.child.stdin.close()
            pipe.child.stdin = None
            pipe.close()
            assert pipe.child.returncode == 0


def test_a_mark_needs_a_name_of_its_own(put: str) -> None:
    with closing(Server(PAGE)) as server:
        driver, _ = started(put, server.port)
        now = time.monotonic()
        assert driver.mark("fault") == pytest.approx(now, abs=0.2)
        for name in ("fault", "", "two\nlines"):
            with pytest.raises(ValueError, match="a name of its own"):
                driver.mark(name)
        assert list(driver.stop().marks) == ["fault"]


def test_a_prober_that_cannot_start_is_the_nodes_error(tmp_path: Path) -> None:
    pipe = Pipe([sys.executable, str(tmp_path / "absent.py")])
    with pytest.raises(NodeError):
        Probe(pipe).start()
    assert pipe.child.returncode == 2
