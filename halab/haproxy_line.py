"""The lines of an haproxy.cfg: their words, numbers, times and addresses.

After HAProxy 2.6's configuration manual, chapter 2. What HAProxy would not take raises
:class:`NodeError` with the line's number and first word.
"""

from __future__ import annotations

import math
import re
import shlex
from dataclasses import dataclass

from halab.errors import NodeError

Endpoint = tuple[str, int | None]
"""An address, "*" for all of them, and its port; a UNIX socket has none."""

# A line that begins with one of these begins a section (manual, chapters 3 and 4).
PROXIES = ("frontend", "backend", "listen")
_PASSED_OVER = ("userlist", "resolvers", "mailers", "program", "cache", "ring", "log-forward")
_SECTIONS = ("global", "defaults", "peers", "http-errors", "fcgi-app", *PROXIES, *_PASSED_OVER)
_TIME = re.compile(r"(\d+)(us|ms|s|m|h|d|)", re.ASCII)  # manual, section 2.5
_MICROSECONDS = {"us": 1, "ms": 1e3, "": 1e3, "s": 1e6, "m": 6e7, "h": 3.6e9, "d": 8.64e10}
_ADDRESS = re.compile(r"(?:ipv[46]@)?([^/@]*):(\d+)(?:-(\d+))?", re.ASCII)


@dataclass(frozen=True)
class Line:
    """A line that says something; a word's place counts from 0, which is the keyword."""

    number: int
    words: list[str]

    def fail(self, why: str) -> NodeError:
        """The error to raise: this line, and ``why``."""
        # The first word only: the rest of the line may be a password.
        return NodeError(f"haproxy.cfg:{self.number}: {self.words[0]}: {why}")

    def word(self, at: int = 1) -> str:
        """The word at a place."""
        if at >= len(self.words):
            raise self.fail("a value is missing")
        return self.words[at]

    def after(self, keyword: str) -> str | None:
        """The word after ``keyword``; None where the line has no such keyword."""
        return self.word(self.words.index(keyword, 1) + 1) if keyword in self.words[1:] else None

    def integer(self, at: int = 1, base: int = 10) -> int:
        """The number at a place."""
        try:
            return int(self.word(at), base)
        except ValueError:
            raise self.fail(f"{self.word(at)} is not a number") from None

    def seconds(self, at: int) -> float:
        """The time at a place, in seconds; without a unit it was milliseconds (section 2.5)."""
        written = _TIME.fullmatch(self.word(at))
        if written is None:
            raise self.fail(f"{self.word(at)} is not a time, such as 5000, 2s or 1m")
        # HAProxy counts in milliseconds, and rounds up to one.
        return math.ceil(int(written[1]) * _MICROSECONDS[written[2]] / 1000) / 1000

    def endpoints(self, at: int = 1) -> list[Endpoint]:
        """The addresses at a place, one for each port of a range."""
        found: list[Endpoint] = []
        for written in self.word(at).split(","):
            parts = _ADDRESS.fullmatch(written)
            if parts is None:  # a socket's path, or an address or name alone
                found.append((written, None))
            else:
                first, last = int(parts[2]), int(parts[3] or parts[2])
                found += [(parts[1].strip("[]") or "*", port) for port in range(first, last + 1)]
        return found


Section = tuple[Line, list[Line]]
"""The line that begins it, and its own lines."""


def sections(text: str) -> list[Section]:
    """The sections of an haproxy.cfg in order, without comments and empty lines.

    Raises for conditions (.if) too, whose outcome only that HAProxy knows.
    """
    found: list[Section] = []
    for number, written in enumerate(text.splitlines(), start=1):
        try:
            words = shlex.split(written, comments=True)
        except ValueError:
            raise NodeError(f"haproxy.cfg:{number}: a quote does not close") from None
        if not words:
            continue
        line = Line(number, words)
        if words[0] in _SECTIONS:
            found.append((line, []))
        elif words[0].startswith(".") or not found:
            raise line.fail("is read only by HAProxy" if found else "is in no section")
        else:
            found[-1][1].append(line)
    return found
