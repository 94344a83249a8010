"""What a prober is told on its command line."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Sequence

from halab.prober.connection import KINDS


def address(target: str) -> tuple[int, tuple[str, int]]:
    """The family and socket address of ``ADDR:PORT`` or ``[ADDR]:PORT``; no names, no DNS."""
    host, _, port = target.rpartition(":")
    found = socket.getaddrinfo(
        host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
    )
    return found[0][0], (str(found[0][4][0]), int(found[0][4][1]))


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The options; a bad one ends the process with status 2 and a usage line.

    ``timeout`` becomes the time that a whole answer may take, the page's own time among it.
    """
    parser = argparse.ArgumentParser(prog="prober", description="open-loop HTTP prober")
    add = parser.add_argument
    add("--target", required=True, metavar="ADDR:PORT")
    add("--kind", choices=list(KINDS), default="new")
    add("--path", help="/index.html, or the slow page")
    add("--takes", type=float, default=0.25, help="seconds that the slow page takes by itself")
    add("--cookies", action="store_true", help="carry the cookies that answers set")
    add("--interval", type=float, default=0.002, help="seconds between sends")
    add("--timeout", type=float, default=0.5, help="seconds; below 1 no SYN is sent twice")
    add("--late", type=float, default=5, help="intervals after which a send is given up")
    add("--longest", type=float, default=600, help="seconds after which it stops by itself")
    add("--backend-header", default="X-Served-By")
    options = parser.parse_args(argv)
    positive = ("takes", "interval", "timeout", "late", "longest")
    if min(getattr(options, name) for name in positive) <= 0:
        parser.error(f"--{', --'.join(positive)} must be above 0")
    if options.kind == "slow":
        options.path = options.path or f"/slow.php?ms={options.takes * 1000:.0f}"
        options.timeout += options.takes
    options.path = options.path or "/index.html"
    try:
        options.address = address(options.target)
    except (ValueError, OSError):
        parser.error(f"--target must be ADDR:PORT with a numeric address: {options.target}")
    return options
