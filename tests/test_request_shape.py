"""Streams of bytes that a server may take for one request, or for more."""

from __future__ import annotations

import pytest

from halab.request_shape import SMUGGLED, marked, most_requests, shapes

PLAIN = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("stream", "requests"),
    [
        (b"", 0),
        (PLAIN, 1),
        (PLAIN[:10], 1),  # one that never becomes whole is still one
        (PLAIN + PLAIN, 2),
        (b"POST / HTTP/1.1\r\nContent-Length: 27\r\n\r\n" + PLAIN, 1),
        (b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc" + PLAIN, 2),
        (b"POST / HTTP/1.1\r\nContent-Length: 27\r\n\r\n" + PLAIN + b"\r\n", 1),
        (CHUNKED + b"1b\r\n" + PLAIN + b"\r\n0\r\n\r\n", 1),
        (CHUNKED + b"0\r\n\r\n" + PLAIN, 2),
        (CHUNKED + b"0\r\nX: trailer\r\n\r\n", 1),
    ],
)  # fmt: skip
def test_sound_streams_have_one_reading(stream: bytes, requests: int) -> None:
    """Bodies are no requests, what comes after them is."""
    assert most_requests(stream) == requests


@pytest.mark.parametrize(
    "shape",
    ["cl-te", "te-cl", "te-xchunked", "te-space-before-colon", "te-vertical-tab", "cl-twice"],
)
def test_known_shapes_have_more_than_one(shape: str) -> None:
    """As they come from the client: a proxy that passed them on as they are would be found."""
    assert most_requests(shapes()[shape]) >= 2


def test_every_shape_can_be_told_from_the_others() -> None:
    """By a mark that is in no other, also where it is smuggled."""
    made = shapes()
    for name, sent in made.items():
        mark = marked(name).encode()
        assert mark in sent
        assert [other for other, bytes_of in made.items() if mark in bytes_of] == [name]
        assert sent.count(SMUGGLED.encode()) <= 2
