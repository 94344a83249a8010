"""How a run is told to end: by Ctrl-C or SIGTERM, once. Nobody cuts short what mends."""

from __future__ import annotations

import signal
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def listen() -> None:
    """Have the first of them raise :class:`KeyboardInterrupt`, and further ones do nothing.

    Again where that was lost on its way, as in what Python calls when it frees an object.
    """
    for number in SIGNALS:
        signal.signal(number, _end)


def _end(_number: int, _frame: FrameType | None) -> None:
    for further in SIGNALS:
        signal.signal(further, signal.SIG_IGN)
    raise KeyboardInterrupt
