"""The kinds of client, cookies and sessions: real runs of the prober against 127.0.0.1."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

import pytest

from halab import wait
from halab.outage import Outcome
from tests.test_probe import probed, put, started

__all__ = ["put"]  # a fixture

Say = Callable[[socket.socket, int, bytes], bool]


def page(*fields: str, body: bytes = b"x" * 10) -> bytes:
    head = "".join(f"{line}\r\n" for line in ("HTTP/1.1 200 OK", *fields))
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@dataclass
class KeepAliveServer:
    """Has a thread for each connection, and asks ``say`` what to do with each request on it.

    ``say`` is given the socket, the request's number on its connection, from 0, and its head;
    it answers, and says whether the connection stays.
    """

    say: Say
    heads: list[bytes] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self.socket.getsockname()[1]
        self.threads = [threading.Thread(target=self.accept)]
        self.threads[0].start()

    def accept(self) -> None:
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            client.settimeout(2)
            self.threads.append(threading.Thread(target=self.converse, args=[client]))
            self.threads[-1].start()

    def converse(self, client: socket.socket) -> None:
        number, unread = 0, b""
        with client, suppress(OSError):
            while True:
                head, end, rest = unread.partition(b"\r\n\r\n")
                if not end:
                    data = client.recv(4096)
                    if not data:
                        return
                    unread += data
                    continue
                unread = rest
                self.heads.append(head)
                if not self.say(client, number, head):
                    return
                number += 1

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for thread in self.threads:
            thread.join(5)


@pytest.fixture
def serving() -> Iterator[Callable[[Say], KeepAliveServer]]:
    """Starts servers, which are closed when the test ends."""
    with ExitStack() as closed:

        def serve(say: Say) -> KeepAliveServer:
            server = KeepAliveServer(say)
            closed.callback(server.close)
            return server

        yield serve


Serve = Callable[[Say], KeepAliveServer]


def answer(reply: bytes, stays: bool = True) -> Say:
    def say(client: socket.socket, _number: int, _head: bytes) -> bool:
        client.sendall(reply)
        return stays

    return say


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nA: b\r\n\r\n"


@pytest.mark.parametrize(
    "reply", [page(), CHUNKED, b"HTTP/1.1 204 No Content\r\n\r\n"], ids=["length", "chunks", "204"]
)
def test_keepalive_client_asks_again_on_its_connections(
    put: str, serving: Serve, reply: bytes
) -> None:
    server = serving(answer(reply))
    service = probed(put, server.port, 0.3, kind="keepalive")
    assert service.kind == "keepalive"
    assert service.lost == Counter()
    assert service.sent > 50
    assert server.connections < service.sent / 2
    assert {b"Connection: keep-alive" in head for head in server.heads} == {True}


@pytest.mark.parametrize(
    "reply",
    [page("Connection: close"), page().replace(b"HTTP/1.1", b"HTTP/1.0")],
    ids=["close", "1.0"],
)
def test_keepalive_client_obeys_a_server_that_does_not_keep(
    put: str, serving: Serve, reply: bytes
) -> None:
    """RFC 9112 section 9.3: nothing more is asked on it, though its end may be long in coming."""
    server = serving(answer(reply))
    service = probed(put, server.port, kind="keepalive")
    assert (service.lost, service.retried) == (Counter(), 0)
    assert server.connections >= service.sent


def test_new_client_asks_once_on_each_connection(put: str, serving: Serve) -> None:
    server = serving(answer(page(), stays=False))
    service = probed(put, server.port)
    assert server.connections == service.sent
    assert {b"Connection: close" in head for head in server.heads} == {True}


def hang_up_on_the_second(client: socket.socket, number: int, _head: bytes) -> bool:
    """As a server does whose idle connection ran out just when another request came."""
    if number == 0:
        client.sendall(page())
    return number == 0


def test_request_on_a_kept_connection_that_ended_is_asked_again(put: str, serving: Serve) -> None:
    """RFC 9112 section 9.3.1: a user of a browser would not have noticed."""
    server = serving(hang_up_on_the_second)
    service = probed(put, server.port, kind="keepalive")
    assert service.lost == Counter()
    assert service.retried >= 10
    assert len(server.heads) == service.sent + service.retried


def test_answer_that_broke_off_is_lost_on_a_kept_connection_too(put: str, serving: Serve) -> None:
    """Something of it had come: the request was worked on."""

    def say(client: socket.socket, number: int, _head: bytes) -> bool:
        client.sendall(page() if number == 0 else page()[:-1])
        return number == 0

    service = probed(put, serving(say).port, kind="keepalive")
    assert service.retried == 0
    assert service.details == Counter({"EOF in body": service.lost[Outcome.RESET]})
    assert service.lost[Outcome.RESET] >= 10


def test_server_that_hangs_up_on_everybody_is_not_asked_for_ever(put: str, serving: Serve) -> None:
    """A request is tried on one new connection at most."""
    server = serving(lambda _client, _number, _head: False)
    service = probed(put, server.port, kind="keepalive")
    assert service.retried == 0
    assert service.lost == Counter({Outcome.RESET: service.sent})


def test_slow_client_waits_for_the_page_beyond_its_timeout(put: str, serving: Serve) -> None:
    """0.2 s of the page come on top of the 0.15 s that a request may take otherwise."""

    def say(client: socket.socket, _number: int, _head: bytes) -> bool:
        client.sendall(page()[:-1])
        wait.passing(0.2)
        client.sendall(page()[-1:])
        return False

    server = serving(say)
    options = {"kind": "slow", "takes": 0.2, "timeout": 0.15, "interval": 0.01}
    service = probed(put, server.port, 0.5, **options)  # type: ignore[arg-type]
    assert service.timeout == pytest.approx(0.35)
    assert server.heads[0].startswith(b"GET /slow.php?ms=200 ")
    assert service.lost == Counter()
    assert service.p50 >= 0.2


def test_slow_page_that_breaks_off_is_lost_from_when_it_was_asked_for(
    put: str, serving: Serve
) -> None:
    """So an outage begins up to the page's time before its fault."""
    broken = threading.Event()

    def say(client: socket.socket, _number: int, _head: bytes) -> bool:
        client.sendall(page()[:-1])
        if not broken.wait(0.2):
            client.sendall(page()[-1:])
        return False

    server = serving(say)
    driver, _ = started(put, server.port, kind="slow", takes=0.2, interval=0.01)  # type: ignore[arg-type]
    wait.passing(0.5)
    fault = driver.mark("fault")
    broken.set()
    wait.passing(0.2)
    service = driver.stop()
    assert service.worst is not None
    assert service.worst.open
    assert fault - service.worst.start == pytest.approx(0.2, abs=0.1)
    assert set(service.details) == {"EOF in body"}


def test_client_carries_the_cookies_that_it_was_given(put: str, serving: Serve) -> None:
    given = page("Set-Cookie: SRV=web1; path=/", "set-cookie: x=a=b", "Set-Cookie: none=")
    server = serving(answer(given, stays=False))
    service = probed(put, server.port, cookies=True)
    assert service.cookies
    assert {request.session for request in service.requests} == {0, 1}
    assert server.heads[-1].endswith(b"\r\nCookie: SRV=web1; x=a=b")
    assert b"Cookie" not in server.heads[0]


def test_requests_under_way_together_are_of_one_session(put: str, serving: Serve) -> None:
    """Of several first answers, each with a cookie of its own, one makes the session."""
    cookies = iter(range(10**6))

    def say(client: socket.socket, _number: int, head: bytes) -> bool:
        wait.passing(0.05)
        client.sendall(page() if b"Cookie" in head else page(f"Set-Cookie: SRV={next(cookies)}"))
        return False

    server = serving(say)
    service = probed(put, server.port, 0.3, cookies=True, interval=0.01)
    assert {request.session for request in service.requests} == {0, 1}
    assert len({head.partition(b"\r\nCookie: ")[2] for head in server.heads}) == 2


def test_client_without_cookies_carries_none(put: str, serving: Serve) -> None:
    server = serving(answer(page("Set-Cookie: SRV=web1"), stays=False))
    service = probed(put, server.port)
    assert {request.session for request in service.requests} == {0}
    assert b"Cookie" not in b"".join(server.heads)


def test_cookie_that_is_taken_back_is_carried_no_more(put: str, serving: Serve) -> None:
    """HAProxy takes one back so, when it names a server that is no more."""

    def say(client: socket.socket, _number: int, head: bytes) -> bool:
        client.sendall(page("Set-Cookie: SRV=" + ("" if b"Cookie: SRV=web1" in head else "web1")))
        return False

    server = serving(say)
    service = probed(put, server.port, cookies=True)
    sessions = [request.session for request in service.requests]
    assert max(sessions) >= 3
    assert sessions == sorted(sessions)
    assert {head.partition(b"\r\nCookie: ")[2] for head in server.heads} == {b"", b"SRV=web1"}


def test_session_that_leaves_its_backend_is_told(put: str, serving: Serve) -> None:
    backends = iter(range(10**6))

    def say(client: socket.socket, _number: int, _head: bytes) -> bool:
        web = next(backends) // 10
        client.sendall(page("Set-Cookie: SRV=it", f"X-Served-By: web{web}"))
        return False

    service = probed(put, serving(say).port, cookies=True, interval=0.01)
    expected = sum(request.session == 1 for request in service.requests) / 10
    assert service.moves == pytest.approx(expected, abs=1)
    assert service.moves > 0
