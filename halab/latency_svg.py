"""Latency under load as SVG: for each bar of a figure its median, 90th and 99th percentile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

WIDTH, NAMES, NUMBERS, ROW, HEAD = 900, 190, 320, 24, 44
_LINE = "#3f7fd0"

Percentiles = Mapping[int, float]
"""Seconds by percentile; empty where nobody told."""


def drawn(title: str, bars: Mapping[str, Percentiles]) -> str:
    """A line for each bar from its median to its highest percentile, as one ``svg`` element."""
    most = max((max(seen.values()) for seen in bars.values() if seen), default=1.0) or 1.0
    scale = (WIDTH - NAMES - NUMBERS) / most
    parts = [
        f'<text x="0" y="14" font-weight="bold">{escape(title)}</text>',
        f'<text x="{NAMES}" y="34">ms, the worst generator\'s, median of the rounds</text>',
    ]
    for place, (label, seen) in enumerate(bars.items()):
        y = HEAD + ROW * place
        parts.append(f'<text x="{NAMES - 8}" y="{y + 15}" text-anchor="end">{escape(label)}</text>')
        parts += _bar(seen, y + 11, scale)
    height = HEAD + ROW * len(bars) + 8
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="100%" '
        f'role="img" font-family="sans-serif" font-size="12" fill="currentColor" '
        f'style="max-width:{WIDTH}px"><title>{escape(told(title, bars))}</title>'
        f"{''.join(parts)}</svg>"
    )


def told(title: str, bars: Mapping[str, Percentiles]) -> str:
    """The picture in words."""
    lines = (f"{label}: {said(seen)}" for label, seen in bars.items())
    return f"{title}. {'; '.join(lines)}."


def said(seen: Percentiles) -> str:
    """The numbers: "p50 1.2 ms, p99 9.8 ms"."""
    numbers = ", ".join(f"p{p} {seconds * 1e3:.1f} ms" for p, seconds in sorted(seen.items()))
    return numbers or "its generator tells none"


def _bar(seen: Percentiles, y: int, scale: float) -> Iterator[str]:
    places = [round(NAMES + seconds * scale, 1) for _, seconds in sorted(seen.items())]
    if places:
        yield f'<path d="M{places[0]} {y}H{places[-1]}" stroke="{_LINE}" stroke-width="3"/>'
    for x in places:
        yield f'<path d="M{x} {y - 7}V{y + 7}" stroke="currentColor" stroke-width="2"/>'
    yield f'<text x="{(places or [NAMES])[-1] + 8:g}" y="{y + 4}">{said(seen)}</text>'
