"""Whoever started the prober: words on stdin, and what it is told on stdout."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any


def say(line: Any) -> None:
    """Write one line to stdout, past any buffer."""
    left = ((line if isinstance(line, str) else json.dumps(line)) + "\n").encode()
    while left:
        left = left[os.write(1, left) :]


class Commands:
    """Words on stdin, a line each."""

    def __init__(self) -> None:
        self._pending = b""  # the start of a line

    def read(self) -> Iterator[tuple[str, str]] | None:
        """The first word and the rest of each line that has come whole; None at the end of file.

        One read, for the descriptor may be shared and so must block.
        """
        data = os.read(0, 4096)
        if not data:
            return None
        *lines, self._pending = (self._pending + data).split(b"\n")
        words = (line.decode("utf-8", "replace").strip().partition(" ") for line in lines)
        return ((word, rest) for word, _, rest in words)
