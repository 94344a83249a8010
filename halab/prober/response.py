"""One HTTP response as it comes in."""

from __future__ import annotations

from collections.abc import Iterator

from halab.prober.outcome import OK, OTHER, RESET, SERVER_ERROR

LONGEST_HEAD = 65536  # bytes

Verdict = tuple[int, str]  # outcome and detail


class Chunks:
    """Finds the end of a chunked body, RFC 9112 section 7.1."""

    __slots__ = ("left", "line", "trailer")

    def __init__(self) -> None:
        self.line = b""  # the start of a line that is not whole yet
        self.left = 0  # bytes of a chunk to come, the CRLF after its data among them
        self.trailer = False

    def take(self, data: bytes) -> bool:
        """True at the body's end; raises :class:`ValueError` if these are no chunks."""
        while data:
            if self.left:
                passed = min(self.left, len(data))
                self.left -= passed
                data = data[passed:]
                continue
            line, end, data = (self.line + data).partition(b"\r\n")
            if not end:
                self.line = line
                return False
            self.line = b""
            if self.trailer:
                if not line:
                    return True
            else:
                size = int(line.partition(b";")[0], 16)
                self.left = size + 2 if size else 0
                self.trailer = not size
        return False


class Response:
    """A response as it comes in, judged as soon as it can be."""

    __slots__ = ("chunks", "head", "left", "lower", "whole")

    def __init__(self) -> None:
        self.head = b""
        self.lower = b""  # the head in lower case, once it is whole
        self.left = -1  # bytes of body to come; -1: until the end of file
        self.chunks: Chunks | None = None
        self.whole = False  # its end was seen, and it was not the end of file

    def take(self, data: bytes) -> Verdict | None:
        """Outcome and detail, or None while more must come; no data is the end of file."""
        if not self.lower:
            if not data:
                return RESET, "EOF"
            self.head, end, data = (self.head + data).partition(b"\r\n\r\n")
            if not end:
                plausible = b"HTTP/1.".startswith(self.head[:7]) and len(self.head) <= LONGEST_HEAD
                return None if plausible else (OTHER, "not HTTP")
            self.lower = self.head.lower()
            failure = self._judge_head()
            if failure:
                return failure
        elif not data:
            until_here = self.left < 0 and self.chunks is None
            return (OK, "") if until_here else (RESET, "EOF in body")
        if self.chunks is not None:
            try:
                self.whole = self.chunks.take(data)
            except ValueError:
                return OTHER, "not HTTP"
        elif self.left >= 0:
            self.left = max(0, self.left - len(data))
            self.whole = not self.left
        return (OK, "") if self.whole else None

    @property
    def begun(self) -> bool:
        """Some of it has come."""
        return bool(self.head)

    @property
    def leaves_open(self) -> bool:
        """Its connection may carry another request, RFC 9112 section 9.3."""
        return (
            self.whole
            and self.lower.startswith(b"http/1.1")
            and b"close" not in self.field(b"\r\nconnection:").lower()
        )

    def field(self, name: bytes) -> bytes:
        """The value of the first header ``name`` (as ``\\r\\nname:``), or nothing."""
        return next(self.fields(name), b"")

    def fields(self, name: bytes) -> Iterator[bytes]:
        """The value of each header ``name`` (as ``\\r\\nname:``)."""
        at = self.lower.find(name)
        while at >= 0:
            at += len(name)
            end = self.head.find(b"\r\n", at)
            yield self.head[at : end if end >= 0 else len(self.head)].strip()
            at = self.lower.find(name, at)

    def _judge_head(self) -> Verdict | None:
        status, length = self.lower[9:12], self.field(b"\r\ncontent-length:")
        if not self.lower.startswith(b"http/1.") or not status.isdigit():
            return OTHER, "not HTTP"
        if not status.startswith(b"2"):
            return SERVER_ERROR if status.startswith(b"5") else OTHER, status.decode()
        if status == b"204":  # it has no body, whatever its headers say (RFC 9110 section 6.4.1)
            self.left = 0
        elif b"chunked" in self.field(b"\r\ntransfer-encoding:").lower():
            self.chunks = Chunks()
        elif length.isdigit():
            self.left = int(length)
        return None
