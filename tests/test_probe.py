"""The probe: the arithmetic of outages, and real runs of the prober against 127.0.0.1."""

from __future__ import annotations

import json
import math
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
from hypothesis import given, settings
from hypothesis import strategies as st

from halab import probe, prober, service, wait
from halab.errors import NodeError
from halab.probe import Probe
from halab.service import Outcome, Request, Service, outages, parse

OK, REFUSED, TIMEOUT = Outcome.OK, Outcome.REFUSED, Outcome.TIMEOUT
CODES = {outcome: prober.OUTCOMES.index(outcome.value) for outcome in Outcome}
PAGE = b"HTTP/1.1 200 OK\r\nx-served-by: web1\r\nContent-Length: 100\r\n\r\n" + b"x" * 100


def status(line: str) -> bytes:
    return f"HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n".encode()


# ---------------------------------------------------------------- records made by hand


def record(
    rows: list[tuple[int, int, Outcome]],
    missed: list[list[int]] | None = None,
    marks: dict[str, float] | None = None,
    ended: float | None = None,
) -> list[str]:
    """What a prober would print that started at 100 s and sent every 10 ms."""
    made = prober.Prober(prober.arguments(["--target", "127.0.0.1:80", "--interval", "0.01"]))
    for number, duration, outcome in rows:
        made.rows.extend((number, duration, CODES[outcome], -1, -1))
    made.missed = missed or []
    made.marks = list((marks or {}).items())
    made.started = 100.0
    last = rows[-1][0] if rows else 0
    made.ended = 100.0 + last * 0.01 if ended is None else ended
    made.ended_by = "stop"
    return made.record()


def seen(pattern: str, **more: object) -> Service:
    """The service of a pattern: ``.`` answered, ``x`` refused, ``t`` timed out, space missed."""
    kinds = {".": OK, "x": REFUSED, "t": TIMEOUT}
    rows = [(n, 1000, kinds[c]) for n, c in enumerate(pattern) if c != " "]
    missed = [[n, 1, prober.LATE] for n, c in enumerate(pattern) if c == " "]
    return parse(record(rows, missed, **more))  # type: ignore[arg-type]


def test_an_outage_lasts_from_the_first_failure_to_the_first_answer() -> None:
    service = seen("..xxt..")
    (outage,) = service.outages
    assert (outage.start, outage.end) == pytest.approx((100.02, 100.05))
    assert service.longest_outage == pytest.approx(0.03)
    assert outage.errors == service.lost == Counter({REFUSED: 2, TIMEOUT: 1})
    assert not outage.open
    assert service.resolution == pytest.approx(0.01)


def test_any_answer_ends_an_outage() -> None:
    assert [outage.lost for outage in seen("x.xx.").outages] == [1, 2]


def test_an_outage_that_never_ends_is_open() -> None:
    outage = seen("..xx").worst
    assert outage is not None
    assert outage.open
    assert outage.duration == pytest.approx(0.02)


def test_no_loss_is_no_outage() -> None:
    service = seen("....")
    assert service.longest_outage == 0.0
    assert service.resolution == pytest.approx(0.01)
    assert service.p50 == service.p99 == pytest.approx(0.001)


@pytest.mark.parametrize(
    ("pattern", "longest", "resolution"),
    [
        ("..  xx..", 0.02, 0.03),  # it may have begun in the gap
        ("..xx  ..", 0.04, 0.03),  # or ended in it
        ("..x  x..", 0.04, 0.01),  # it went on through the gap
        (".x.    .", 0.01, 0.04),  # a longer one may hide in a gap elsewhere
        ("  xx....", 0.02, 0.02),
        ("        ", 0.0, 0.08),
    ],
)
def test_missed_sends_coarsen_the_resolution(
    pattern: str, longest: float, resolution: float
) -> None:
    service = seen(pattern, ended=100.08)
    assert service.longest_outage == pytest.approx(longest)
    assert service.resolution == pytest.approx(resolution)
    assert service.missed == pattern.count(" ")


def test_losses_fall_before_through_and_after_the_fault() -> None:
    service = seen("x..xx.x..tt.", marks={"fault": 100.035, "healed": 100.06})
    assert service.before == Counter({REFUSED: 1})
    assert service.through == Counter({REFUSED: 3})
    assert service.after == Counter({TIMEOUT: 2})
    during = service.during("fault", "healed")
    assert (during.sent, during.lost) == (2, Counter({REFUSED: 1}))
    assert service.during("healed").sent == 5


def test_without_a_fault_mark_there_is_no_before() -> None:
    with pytest.raises(LookupError, match="no mark 'fault'"):
        seen("..x.").before  # noqa: B018


def test_the_summary_says_what_was_lost() -> None:
    text = str(seen("..xxt.. ", marks={"fault": 100.02}))
    assert "3 lost (refused 2, timeout 1) in 1 outage(s)" in text
    assert "the longest 0.030 s" in text
    assert "+0.000 s from the fault" in text
    assert "1 sends missed by the prober itself (late)" in text


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["Traceback (most recent call last):"],
        record([(0, 1, OK)])[:1],
        [record([(0, 1, OK)])[0], "[[0,1,0"],
        [record([(0, 1, OK)])[0], "[]"],
        [record([(0, 1, OK)])[0], "[[0,1,9,-1,-1]]"],
        [record([(0, 1, OK)])[0], "[[0,1,0,-2,-1]]"],
        [record([(0, 1, OK)])[0], "[[0,1,0]]"],
        ['{"record":1}', "[]"],
        ['{"record":2}', "[]"],
    ],
)
def test_a_broken_record_is_the_nodes_error(lines: list[str]) -> None:
    with pytest.raises(NodeError, match="record"):
        parse(lines)


sends = st.lists(
    st.tuples(st.integers(1, 4), st.integers(0, 10**6), st.sampled_from(list(Outcome))), max_size=60
)


@settings(max_examples=60, deadline=None)
@given(sends)
def test_outages_hold_every_loss_once_and_in_order(steps: list[tuple[int, int, Outcome]]) -> None:
    rows, number = [], -1
    for step, duration, outcome in steps:
        number += step
        rows.append((number, duration, outcome))
    service = parse(record(rows))

    assert [(round((r.intended - 100) / 0.01), round(r.duration * 1e6), r.outcome)
            for r in service.requests] == rows  # fmt: skip
    assert sum((o.errors for o in service.outages), Counter()) == service.lost
    assert sum(o.lost for o in service.outages) == service.lost.total()
    for earlier, later in zip(service.outages, service.outages[1:], strict=False):
        assert earlier.end < later.start
    assert all(o.start < o.end and o.blind >= service.interval for o in service.outages)
    assert [o for o in service.outages if o.open] == list(service.outages[-1:]) * (
        bool(rows) and rows[-1][2] is not OK
    )
    assert service.resolution > service.interval * 0.999


def test_no_requests_are_no_outages() -> None:
    assert outages([], 0.01) == ()
    assert math.isnan(service.quantile([], 0.5))
    assert Request(0.0, 0.1, OK).ok


# ---------------------------------------------------------------- real runs


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
            if self.answer is None:
                self.held.append(client)
                continue
            with client, suppress(OSError):  # a prober gives up with a reset
                if self.answer and client.recv(4096):
                    client.sendall(self.answer)

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
    at = tmp_path / "prober.py"
    at.write_text(probe.script())
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
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", OK, set()),
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
        service = probed(put, server.port, timeout=0.1 if answer is None else 0.5)
    assert service.sent >= 50
    assert {request.outcome for request in service.requests} == {outcome}
    assert set(service.details) <= details
    assert service.served == (Counter(web1=service.sent) if answer == PAGE else Counter())
    if answer is None:
        assert all(request.duration >= 0.1 for request in service.requests)


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
