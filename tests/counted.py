"""Machines that are no lab of the suite's, and need of this host what a lab needs."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from halab.lab import inotify, rack


@contextmanager
def counted_as_a_lab(name: str) -> Iterator[None]:
    """Whoever ends the last lab of this machine lowers its inotify limit again: not meanwhile."""
    with socket.socket(socket.AF_UNIX) as control:
        with rack.starting_or_ending():
            inotify.raise_limit(rack.STATE / "inotify")
            rack.state(name).mkdir()
            control.bind(str(rack.state(name) / "control"))
            control.listen()
        try:
            yield
        finally:
            with rack.starting_or_ending():
                rack.clear(name)
