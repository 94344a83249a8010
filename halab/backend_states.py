"""When HAProxy took each backend for DOWN and for UP again, by its own log.

Times are those of :func:`halab.wait.clock`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from halab.logs import Entry
from halab.mastership import Span
from halab.names import listed
from halab.story import Lane, Look, Stretch

# "Server www/web4 is DOWN, reason: …", "… is going DOWN for maintenance", "… is UP/READY (leaving
# forced maintenance).", "… enters drain state": proxy and server.c, srv_append_status's callers
_CHANGE = re.compile(r"Server [^/\s]+/(\S+) (is|was|enters|remains|leaves)\b(.*)")


@dataclass(frozen=True)
class Change:
    """One director's HAProxy changed its mind of a backend."""

    at: float
    director: str
    server: str
    up: bool
    why: str


def changes(entries: Iterable[Entry]) -> tuple[Change, ...]:
    """Those that a director's HAProxy logged, in order of time."""
    found = []
    for entry in entries:
        if told := _CHANGE.match(entry.text):
            why = told[3].partition(". ")[0].strip(" .")
            up = bool(re.search(r"\bUP\b|\bREADY\b", why))
            found.append(Change(entry.at, entry.node, told[1], up, why))
    return tuple(sorted(found, key=lambda change: change.at))


def down(mine: Iterable[Change], until: float) -> dict[str, list[tuple[Span, str]]]:
    """The times in which each server was not UP, of one director's changes, and why."""
    spans: dict[str, list[tuple[Span, str]]] = {}
    since: dict[str, Change] = {}
    for change in mine:
        if not change.up:
            since.setdefault(change.server, change)
        elif began := since.pop(change.server, None):
            spans.setdefault(change.server, []).append((Span(began.at, change.at), began.why))
    for server, began in since.items():
        spans.setdefault(server, []).append((Span(began.at, max(until, began.at)), began.why))
    return spans


def lane(director: str, all_of: Iterable[Change], count: int, window: Span, zero: float) -> Lane:
    """How many of ``count`` backends the director had, for a story whose zero is ``zero``."""
    mine = [change for change in all_of if change.director == director]
    edges = [window.since + zero, *(change.at for change in mine), window.until + zero]
    out: set[str] = set()
    stretches = []
    for n, (since, until) in enumerate(pairwise(edges)):
        if n:
            change = mine[n - 1]
            (out.discard if change.up else out.add)(change.server)
        look = Look.ALL_UP if not out else Look.ALL_DOWN if len(out) >= count else Look.SOME_UP
        text = f"{count - len(out)} of {count} UP"
        text += f", DOWN: {listed(out)}" if out else ""
        stretches.append(Stretch(Span(since - zero, until - zero), look, text))
    return Lane(f"{director} backends", tuple(_joined(stretches)))


def _joined(stretches: list[Stretch]) -> Iterator[Stretch]:
    """Of two dozen that go within a few ms only what is wide enough to be seen, 5 ms."""
    last: Stretch | None = None
    for stretch in stretches:
        if last is not None:
            if last.span.lasted >= 0.005:
                yield last
            else:
                stretch = Stretch(
                    Span(last.span.since, stretch.span.until), stretch.look, stretch.text
                )
        last = stretch
    if last is not None:
        yield last
