"""Where a series of nights changed, by Apache Otava's change points, and its drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from halab.history import Entry

WINDOW = 50
"""Nights that Otava looks at together."""

SIGNIFICANT = 0.001
"""The most that the p of a change may be."""

WIDTH, HEIGHT = 900, 130
_LEFT, _RIGHT, _TOP, _BOTTOM = 90, 20, 24, 22


@dataclass(frozen=True)
class Change:
    """From the ``night`` on, the mean was ``after`` and no longer ``before``."""

    night: str
    before: float
    after: float
    worse: bool

    def __str__(self) -> str:
        share = self.after / self.before - 1
        word = "worse" if self.worse else "better"
        return (
            f"{word} since the night of {self.night}: {told(self.before)} to {told(self.after)} "
            f"({share:+.1%})"
        )


def told(value: float) -> str:
    """A number for a reader: four digits, or all of them before the point.

    >>> told(23021.4), told(47.1234)
    ('23,021', '47.12')
    """
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def changes(nights: Sequence[Entry]) -> tuple[Change, ...]:
    """The nights at which a metric changed for good."""
    if len(nights) < 2:
        return ()
    # loaded here: it takes a second, and most runs need none of it
    from otava.analysis import compute_change_points

    points, _ = compute_change_points(
        [entry.value for entry in nights], window_len=WINDOW, max_pvalue=SIGNIFICANT
    )
    found = []
    for point in points:
        before, after = float(point.stats.mean_1), float(point.stats.mean_2)
        worse = (after < before) is (nights[0].better == "more")
        found.append(Change(nights[point.index].night, before, after, worse))
    return tuple(found)


def drawn(nights: Sequence[Entry], found: Sequence[Change]) -> str:
    """The series as one ``svg`` element: a dot a night, a line with its date at each change.

    Changes of other nights than these are told in words alone.
    """
    least, top = min(entry.least for entry in nights), max(entry.most for entry in nights) * 1.02
    # a tenth more or less is to be seen, and noise is to look like noise
    bottom = max(0.0, 2 * least - top) if least > top / 2 else 0.0
    last = max(len(nights) - 1, 1)

    def x(place: int) -> float:
        return round(_LEFT + place / last * (WIDTH - _LEFT - _RIGHT), 1)

    def y(value: float) -> float:
        share = (value - bottom) / ((top - bottom) or 1)
        return round(HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM), 1)

    unit = escape(nights[0].unit)
    floor = HEIGHT - _BOTTOM
    parts = [
        (
            f'<path d="M{_LEFT} {_TOP}V{floor}H{WIDTH - _RIGHT}" fill="none" stroke="currentColor" '
            'opacity=".4"/>'
        ),
        f'<text x="{_LEFT - 6}" y="{_TOP + 10}" text-anchor="end">{told(top)}</text>',
        f'<text x="{_LEFT - 6}" y="{_TOP + 24}" text-anchor="end">{unit}</text>',
        f'<text x="{_LEFT - 6}" y="{floor}" text-anchor="end">{told(bottom)}</text>',
        f'<text x="{_LEFT}" y="{HEIGHT - 6}">{escape(nights[0].night)}</text>',
        (
            f'<text x="{WIDTH - _RIGHT}" y="{HEIGHT - 6}" text-anchor="end">'
            f"{escape(nights[-1].night)}</text>"
        ),
    ]
    for place, entry in enumerate(nights):
        parts.append(
            f'<path d="M{x(place)} {y(entry.least)}V{y(entry.most)}" stroke="#3f7fd0" '
            f'opacity=".5"/><circle cx="{x(place)}" cy="{y(entry.value)}" r="2.5" fill="#3f7fd0">'
            f"<title>{escape(entry.night)}: {told(entry.value)} {unit}</title></circle>"
        )
    places = {entry.night: place for place, entry in enumerate(nights)}
    for change in found:
        if change.night not in places:
            continue
        at, colour = x(places[change.night]), "#d1453b" if change.worse else "#3a9a5b"
        side = 'text-anchor="end"' if at > WIDTH * 0.6 else ""
        parts.append(
            f'<path d="M{at} {_TOP - 8}V{floor}" stroke="{colour}" stroke-dasharray="4 3"/>'
            f'<text x="{at}" y="{_TOP - 10}" {side} fill="{colour}">{escape(str(change))}</text>'
        )
    words = "; ".join(map(str, found)) or "no change"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="100%" '
        f'role="img" font-family="sans-serif" font-size="12" fill="currentColor" '
        f'style="max-width:{WIDTH}px"><title>{escape(nights[0].metric)}, {len(nights)} nights: '
        f"{escape(words)}</title>{''.join(parts)}</svg>"
    )
