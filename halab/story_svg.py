"""A story as SVG: a lane for each party, read from left to right; nothing needs a script.

Colours are of one lightness, so that both a light and a dark page carry them; what they tell is
told by height and pattern too, and each shape has its words as a title.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from html import escape

from halab.mastership import Span
from halab.story import Band, Lane, Look, Story, Stretch, Tick
from halab.timeline import Event

WIDTH = 900
NAMES = 150
"""Of the width, left to the names of the lanes."""
RIGHT = 24
"""Left free at the end, for half of the last number."""
LANE = 22
HEAD = 16
"""Height of a mark's line of text."""
LEGEND = 18
FOOT = 30 + 2 * LEGEND

_COLOUR = {
    Look.ANSWERED: "#3a9a5b",
    Look.LOST: "#d1453b",
    Look.PARTLY: "#d98324",
    Look.UNSENT: "#8a8f98",
    Look.MASTER: "#3f7fd0",
    Look.HOLDER: "#7a68c9",
    Look.ADVERT: "#3f7fd0",
    Look.RESIGNS: "#d1453b",
    Look.ANNOUNCES: "#7a68c9",
    Look.ALL_UP: "#3a9a5b",
    Look.SOME_UP: "#d98324",
    Look.ALL_DOWN: "#d1453b",
}
# What is lost stands as high as its lane, so that it shows without colour too.
_HEIGHT = {
    Look.ANSWERED: 8,
    Look.MASTER: 6,
    Look.HOLDER: 6,
    Look.UNSENT: 12,
    Look.PARTLY: 14,
    Look.ALL_UP: 4,
    Look.SOME_UP: 12,
}


def drawn(story: Story) -> str:
    """The story as one ``svg`` element, as wide as its place allows."""
    return _Drawing(story).svg()


def steps(window: Span, most: int = 10) -> list[float]:
    """Round times in the window for an axis, at most so many."""
    step = next(
        size * 10.0**power
        for power in range(-3, 6)
        for size in (1, 2, 5)
        if window.lasted / (size * 10.0**power) <= most
    )
    first = math.ceil(window.since / step)
    return [round(n * step, 9) for n in range(first, math.floor(window.until / step) + 1)]


class _Drawing:
    def __init__(self, story: Story) -> None:
        self.story = story
        self.top = HEAD * len(story.marks) + 6
        self.bottom = self.top + LANE * len(story.lanes)

    def x(self, at: float) -> float:
        window = self.story.window
        share = (min(max(at, window.since), window.until) - window.since) / window.lasted
        return round(NAMES + share * (WIDTH - NAMES - RIGHT), 1)

    def svg(self) -> str:
        parts = [
            *self._axis(),
            *([self._band(self.story.band)] if self.story.band else []),
            *(shape for n, lane in enumerate(self.story.lanes) for shape in self._lane(n, lane)),
            *(shape for n, mark in enumerate(self.story.marks) for shape in self._mark(n, mark)),
            *self._legend(),
        ]
        height = self.bottom + FOOT
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="100%" '
            f'role="img" font-family="sans-serif" font-size="12" fill="currentColor" '
            f'style="max-width:{WIDTH}px"><title>{escape(self._alternative())}</title>'
            f"{''.join(parts)}</svg>"
        )

    def _alternative(self) -> str:
        """The picture in words, for who cannot see it."""
        done = "; ".join(f"{mark.at:+.3f} s {mark.text}" for mark in self.story.marks)
        lost = "; ".join(
            f"{lane.name} {stretch.span.since:+.3f} s: {stretch.text}"
            for lane in self.story.lanes
            for stretch in lane.stretches
            if stretch.look in (Look.LOST, Look.PARTLY)
        )
        return f"Timeline. {done}. {lost or 'No client lost a request'}."

    def _shown(self, span: Span) -> bool:
        window = self.story.window
        return span.until >= window.since and span.since <= window.until

    def _axis(self) -> Iterator[str]:
        for at in steps(self.story.window):
            x = self.x(at)
            yield (
                f'<path d="M{x} {self.top}V{self.bottom}" stroke="currentColor" opacity=".15"/>'
                f'<text x="{x}" y="{self.bottom + 14}" text-anchor="middle">{at:+g} s</text>'
            )

    def _band(self, band: Band) -> str:
        left, right = self.x(band.span.since), self.x(band.span.until)
        return (
            f'<rect x="{left}" y="{self.top}" width="{right - left:.1f}" '
            f'height="{self.bottom - self.top}" fill="#3f7fd0" opacity=".13">'
            f"<title>{escape(band.text)}</title></rect>"
        )

    def _lane(self, place: int, lane: Lane) -> Iterator[str]:
        y = self.top + LANE * place
        yield f'<text x="{NAMES - 8}" y="{y + 15}" text-anchor="end">{escape(lane.name)}</text>'
        yield from (self._stretch(y, s) for s in lane.stretches if self._shown(s.span))
        yield from (self._tick(y, t) for t in lane.ticks if self._shown(Span(t.at, t.at)))

    def _stretch(self, y: int, stretch: Stretch) -> str:
        left, right = self.x(stretch.span.since), self.x(stretch.span.until)
        high = _HEIGHT.get(stretch.look, LANE - 4)
        return (
            f'<rect x="{left}" y="{y + (LANE - high) / 2:g}" width="{max(right - left, 1):.1f}" '
            f'height="{high}" fill="{_COLOUR[stretch.look]}">'
            f"<title>{stretch.look}: {escape(stretch.text)}</title></rect>"
        )

    def _tick(self, y: int, tick: Tick) -> str:
        x, colour = self.x(tick.at), _COLOUR[tick.look]
        shape = (
            f'd="M{x} {y + 3}V{y + LANE - 3}" stroke="{colour}" stroke-width="2"'
            if tick.look is not Look.RESIGNS
            else f'd="M{x - 4} {y + 4}l8 14m0 -14l-8 14" stroke="{colour}" stroke-width="2"'
        )
        return f"<path {shape}><title>{tick.look}: {escape(tick.text)}</title></path>"

    def _mark(self, place: int, mark: Event) -> Iterator[str]:
        x, y = self.x(mark.at), HEAD * (place + 1)
        right = x > WIDTH * 0.6
        side = f'x="{x - 4}" text-anchor="end"' if right else f'x="{x + 4}"'
        yield (
            f'<path d="M{x} {y - 10}V{self.bottom}" stroke="currentColor" stroke-dasharray="4 3"/>'
            f'<text {side} y="{y}">{escape(f"{mark.at:+.3f} s {mark.text}")}</text>'
        )

    def _legend(self) -> Iterator[str]:
        named = [(str(look), _COLOUR[look], "1") for look in _looks(self.story.lanes)]
        if self.story.band:
            named.append((self.story.band.text, "#3f7fd0", ".3"))
        x, y = NAMES, self.bottom + 26
        for text, colour, opacity in named:
            wide = 30 + 7 * len(text)
            if x + wide > WIDTH:
                x, y = NAMES, y + LEGEND
            yield (
                f'<rect x="{x}" y="{y}" width="10" height="10" fill="{colour}" '
                f'opacity="{opacity}"/><text x="{x + 14}" y="{y + 9}">{escape(text)}</text>'
            )
            x += wide


def _looks(lanes: Iterable[Lane]) -> Iterator[Look]:
    seen = {s.look for lane in lanes for s in lane.stretches}
    seen |= {t.look for lane in lanes for t in lane.ticks}
    return (look for look in Look if look in seen)
