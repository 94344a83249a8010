"""Requests that two programs may read differently, and the ways to read them.

A proxy that finds one end of a request where the server behind it finds another lets a client
smuggle a request past it (RFC 9112 section 11.2). Each shape is one request as far as its sender
may be believed; what could be taken for a second one in it asks for ``SMUGGLED``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

SMUGGLED = "/smuggled"

# What a lenient server may take for one of the headers that say where a request ends.
_LENGTH = re.compile(rb"^[\s\x00-\x20]*content-length[\s\x00-\x20]*:[\s\x00-\x20]*\+?(\d+)", re.I)
_CHUNKED = re.compile(rb"^[\s\x00-\x20]*transfer-encoding[\s\x00-\x20]*:.*chunked", re.I)
_HEAD_ENDS = re.compile(rb"\r?\n\r?\n")
_CHUNK = re.compile(rb"[ \t]*([0-9a-f]+)[^\n]*\n", re.I)


def marked(name: str) -> str:
    """What the query of every request of a shape has, so that it is found behind the proxy."""
    return f"shape={name}&"


def shapes() -> Mapping[str, bytes]:
    """What a hostile client sends, by the name of the shape."""
    return {name: made(name) for name, made in _SHAPES.items()}


def _inner(name: str) -> bytes:
    return f"GET {SMUGGLED}?{marked(name)} HTTP/1.1\r\nHost: inner\r\n\r\n".encode()


def _post(name: str, *headers: bytes, body: bytes = b"") -> bytes:
    line = f"POST /index.html?{marked(name)} HTTP/1.1".encode()
    return b"\r\n".join([line, b"Host: outer", *headers, b"", body])


def _chunked_wins(name: str, *coding: bytes) -> bytes:
    """By its length the inner request is body; by its chunks it comes after an empty body."""
    body = b"0\r\n\r\n" + _inner(name)
    return _post(name, b"Content-Length: %d" % len(body), *coding, body=body)


def _length_wins(name: str, *coding: bytes) -> bytes:
    """By its chunks the inner request is body; by its length the body ends before it."""
    inner = _inner(name)
    size = b"%x\r\n" % len(inner)
    return _post(
        name, b"Content-Length: %d" % len(size), *coding, body=size + inner + b"\r\n0\r\n\r\n"
    )


def _lengths(name: str, *lengths: bytes) -> bytes:
    """Header values, of which ``%d`` becomes the length with the inner request."""
    inner = _inner(name)
    values = (value.replace(b"%d", b"%d" % len(inner)) for value in lengths)
    return _post(name, *(b"Content-Length:" + value for value in values), body=inner)


def _header(name: str, *lines: bytes) -> bytes:
    """A GET with odd header lines, the inner request after it in one of them."""
    line = f"GET /index.html?{marked(name)} HTTP/1.1".encode()
    return b"\r\n".join([line, b"Host: outer", *lines, b"", b""])


def _bare(name: str, end: bytes) -> bytes:
    """Lines that end otherwise than by CR LF."""
    return _chunked_wins(name, b"Transfer-Encoding: chunked").replace(b"\r\n", end)


def _chunk(name: str, line: bytes) -> bytes:
    """One chunk whose size line is odd; ``%x`` becomes the size of the inner request."""
    inner = _inner(name)
    body = line.replace(b"%x", b"%x" % len(inner)) + inner + b"\r\n0\r\n\r\n"
    return _post(name, b"Transfer-Encoding: chunked", body=body)


def _line(name: str, line: bytes) -> bytes:
    """Another request line; ``%q`` becomes the marked query."""
    return line.replace(b"%q", marked(name).encode()) + b"\r\nHost: outer\r\n\r\n"


CHUNKED = b"Transfer-Encoding: chunked"
_SHAPES: Mapping[str, Callable[[str], bytes]] = {
    "sound": lambda n: _header(n, b"Connection: close"),
    # both ways to say a length at once
    "cl-te": lambda n: _chunked_wins(n, CHUNKED),
    "te-cl": lambda n: _length_wins(n, CHUNKED),
    "te-before-cl": lambda n: _chunked_wins(n, CHUNKED).replace(
        b"Host: outer", CHUNKED + b"\r\nHost: outer"
    ),
    # a coding that only one of the two understands
    "te-xchunked": lambda n: _chunked_wins(n, b"Transfer-Encoding: xchunked"),
    "te-twice": lambda n: _length_wins(n, CHUNKED, b"Transfer-Encoding: identity"),
    "te-list": lambda n: _length_wins(n, b"Transfer-Encoding: chunked, identity"),
    "te-space-before-colon": lambda n: _chunked_wins(n, b"Transfer-Encoding : chunked"),
    "te-tab": lambda n: _chunked_wins(n, b"Transfer-Encoding:\tchunked"),
    "te-vertical-tab": lambda n: _chunked_wins(n, b"Transfer-Encoding:\x0bchunked"),
    "te-quoted": lambda n: _chunked_wins(n, b'Transfer-Encoding: "chunked"'),
    "te-nul": lambda n: _chunked_wins(n, b"Transfer-Encoding: chunked\x00"),
    "te-upper-case": lambda n: _chunked_wins(n, b"TRANSFER-ENCODING: CHUNKED"),
    "te-folded": lambda n: _chunked_wins(n, b"Transfer-Encoding:\r\n chunked"),
    "te-after-folded": lambda n: _chunked_wins(n, b"X: y\r\n Transfer-Encoding: chunked"),
    "te-in-http-1.0": lambda n: _chunked_wins(n, CHUNKED).replace(b"HTTP/1.1", b"HTTP/1.0", 1),
    # lengths that differ, or are none
    "cl-twice": lambda n: _lengths(n, b" 0", b" %d"),
    "cl-twice-the-same": lambda n: _lengths(n, b" %d", b" %d"),
    "cl-list": lambda n: _lengths(n, b" 0, %d"),
    "cl-plus": lambda n: _lengths(n, b" +%d"),
    "cl-minus": lambda n: _lengths(n, b" -%d"),
    "cl-hexadecimal": lambda n: _lengths(n, b" 0x10"),
    "cl-empty": lambda n: _lengths(n, b""),
    "cl-empty-and-full": lambda n: _lengths(n, b"", b" %d"),
    "cl-too-large": lambda n: _lengths(n, b" 18446744073709551617"),
    "cl-space-before-colon": lambda n: _lengths(n, b" 0").replace(b"Length:", b"Length :"),
    "cl-underscore": lambda n: _chunked_wins(n, b"Content_Length: 5", CHUNKED),
    # headers that end elsewhere
    "bare-lf": lambda n: _bare(n, b"\n"),
    "bare-cr": lambda n: _bare(n, b"\r"),
    "folded": lambda n: _header(n, b"X-A: b\r\n c: d"),
    "header-without-name": lambda n: _header(n, b": empty", *_inner(n).split(b"\r\n")[:2]),
    "header-without-colon": lambda n: _header(n, _inner(n).split(b"\r\n")[0]),
    "header-with-nul": lambda n: _header(n, b"X-A: b\x00c"),
    "header-with-bare-cr": lambda n: _header(n, b"X-A: b\r\r" + _inner(n).replace(b"\r\n", b"\r")),
    "header-name-too-long": lambda n: _lengths(n, b" 0").replace(
        b"Content-Length:", b"Content-Length0" + b"a" * 255 + b":\r\nContent-Length:"
    ),
    # chunks that end elsewhere
    "chunk-extension": lambda n: _chunk(n, b'%x;a="b\r\n'),
    "chunk-with-lf": lambda n: _chunk(n, b"%x\n"),
    "chunk-too-large": lambda n: _chunk(n, b"10000000000000005\r\n"),
    "chunk-hexadecimal": lambda n: _chunk(n, b"0x%x\r\n"),
    "chunk-minus": lambda n: _chunk(n, b"-%x\r\n"),
    "chunk-trailer": lambda n: _post(
        n, CHUNKED, body=b"0\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n"
    ),
    # request lines
    "line-with-fragment": lambda n: _line(n, b"GET /index.html?%q#/../smuggled HTTP/1.1"),
    "line-with-lf": lambda n: _line(n, b"GET /index.html?%q HTTP/1.1\nGET /smuggled?%q HTTP/1.1"),
    "line-with-nul": lambda n: _line(n, b"GET /index.html?%q\x00 HTTP/1.1"),
    "line-with-space": lambda n: _line(n, b"GET /index.html?%q HTTP/1.1 HTTP/1.1"),
    "line-without-version": lambda n: _line(n, b"GET /index.html?%q"),
    "line-with-other-version": lambda n: _line(n, b"GET /index.html?%q HTTP/9.9"),
    "host-twice": lambda n: _header(n, b"Host: other"),
    "upgrade-to-h2c": lambda n: _header(
        n, b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk"
    ),
}


# -- what a server may make of it ----------------------------------------------------------------


def most_requests(stream: bytes) -> int:
    """How many requests are in the stream, by whichever way of reading it finds the most."""
    return max(sum(1 for _ in _read(stream, order)) for order in _ORDERS)


# Which of a request's headers counts: chunks before lengths or after, the first length or last.
_ORDERS = [(chunks_first, last) for chunks_first in (True, False) for last in (0, -1)]


def _read(stream: bytes, order: tuple[bool, int]) -> Iterator[bytes]:
    """The heads of the requests, each with its body passed over."""
    chunks_first, which = order
    rest = stream.lstrip(b"\r\n")
    while rest:
        head, rest = _cut(_HEAD_ENDS, rest)
        yield head
        lines = head.split(b"\n")[1:]
        lengths = [int(found[1]) for line in lines if (found := _LENGTH.search(line))]
        chunked = any(_CHUNKED.search(line) for line in lines)
        if chunked and (chunks_first or not lengths):
            rest = _after_chunks(rest)
        elif lengths:
            rest = rest[lengths[which] :]
        rest = rest.lstrip(b"\r\n")


def _cut(end: re.Pattern[bytes], text: bytes) -> tuple[bytes, bytes]:
    found = end.search(text)
    return (text[: found.start()], text[found.end() :]) if found else (text, b"")


def _after_chunks(rest: bytes) -> bytes:
    while found := _CHUNK.match(rest):
        size, rest = int(found[1], 16), rest[found.end() :]
        if size == 0:
            _, rest = _cut(_HEAD_ENDS, b"\n" + rest)
            return rest
        rest = rest[size:].lstrip(b"\r\n")
    return rest
