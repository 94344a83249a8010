"""Each backend through a test as SVG: a row for each, in which each director has a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from halab.backend_states import Change, down
from halab.mastership import Span
from halab.names import listed
from halab.story_svg import NAMES, RIGHT, WIDTH, steps

LINE = 6
"""Height of a director's line in a row."""
TOP = 22
UP, OUT = "#3a9a5b", "#d1453b"


def drawn(
    changes: Sequence[Change],
    backends: Sequence[str],
    directors: Sequence[str],
    window: Span,
    zero: float,
) -> str:
    """Backends that changed, one ``svg`` element; the others are in a line of words below.

    ``window`` is of the story's clock, whose zero is ``zero`` on that of the changes.
    """
    moved = {change.server for change in changes}
    rows = [name for name in backends if name in moved]
    same = [name for name in backends if name not in moved]
    high = LINE * len(directors) + 5
    bottom = TOP + high * len(rows)
    outs = {
        d: down([c for c in changes if c.director == d], window.until + zero) for d in directors
    }
    parts = [*_axis(window, bottom)]
    for n, name in enumerate(rows):
        y = TOP + high * n
        parts.append(
            f'<text x="{NAMES - 8}" y="{y + high / 2 + 2:g}" text-anchor="end">'
            f"{escape(name)}</text>"
        )
        for line, director in enumerate(directors):
            spans = outs[director].get(name, [])
            parts += _line(y + LINE * line, director, name, spans, window, zero)
    parts.append(_words(bottom + 34, directors, same))
    title = escape(_alternative(rows, outs, zero))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 44}" width="100%" '
        f'role="img" font-family="sans-serif" font-size="11" fill="currentColor" '
        f'style="max-width:{WIDTH}px"><title>{title}</title>{"".join(parts)}</svg>'
    )


def _x(at: float, window: Span) -> float:
    share = (min(max(at, window.since), window.until) - window.since) / window.lasted
    return round(NAMES + share * (WIDTH - NAMES - RIGHT), 1)


def _axis(window: Span, bottom: float) -> Iterator[str]:
    for at in steps(window):
        x = _x(at, window)
        yield (
            f'<path d="M{x} {TOP}V{bottom}" stroke="currentColor" opacity=".15"/>'
            f'<text x="{x}" y="{bottom + 14}" text-anchor="middle">{at:+g} s</text>'
        )


def _line(
    y: float, director: str, name: str, spans: list[tuple[Span, str]], window: Span, zero: float
) -> Iterator[str]:
    left, right = _x(window.since, window), _x(window.until, window)
    yield f'<rect x="{left}" y="{y + 2}" width="{right - left:.1f}" height="2" fill="{UP}"/>'
    for span, why in spans:
        since, until = span.since - zero, span.until - zero
        left, right = _x(since, window), _x(until, window)
        told = f"{director}: {name} {why}, {since:+.3f} to {until:+.3f} s"
        yield (
            f'<rect x="{left}" y="{y}" width="{max(right - left, 1):.1f}" height="{LINE - 1}" '
            f'fill="{OUT}"><title>{escape(told)}</title></rect>'
        )


def _words(y: float, directors: Sequence[str], same: Sequence[str]) -> str:
    lines = ", below it ".join(directors)
    told = f"Each backend as HAProxy holds it, on top {lines}: thin is UP, thick is not."
    told += f" Always UP: {listed(same, most=2)}." if same else ""
    return f'<text x="{NAMES}" y="{y}">{escape(told)}</text>'


def _alternative(
    rows: Sequence[str], outs: dict[str, dict[str, list[tuple[Span, str]]]], zero: float
) -> str:
    """The picture in words, for who cannot see it."""
    told = [
        f"{name} for {director} from {span.since - zero:+.3f} to {span.until - zero:+.3f} s"
        for director, spans in outs.items()
        for name in rows
        for span, _ in spans.get(name, [])
    ]
    more = f" and {len(told) - 12} more" if len(told) > 12 else ""
    return f"Backends that were not UP: {'; '.join(told[:12])}{more}."
