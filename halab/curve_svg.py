"""Throughput over connections as SVG: a line for each web server, the thesis's peaks in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from statistics import median

WIDTH, HEIGHT, LEFT, RIGHT, TOP, FOOT, ROW = 900, 320, 70, 20, 34, 44, 20
# each line has its dashes too, for who does not see colours
_LINES = (("#3f7fd0", ""), ("#d0683f", "7 4"), ("#3f9f5f", "2 3"), ("#8f5fbf", "9 3 2 3"))


@dataclass(frozen=True)
class Line:
    """``points`` are the rounds by connections; empty where nothing counts, which ``why`` tells."""

    label: str
    points: Mapping[int, tuple[float, ...]]
    stated: float | None = None
    why: str = ""


def drawn(title: str, lines: Sequence[Line], unit: str = "req/s") -> str:
    """The curves as one ``svg`` element: connections by their logarithm, rounds as whiskers."""
    counts = sorted({n for line in lines for n in line.points})
    most = max((max(rounds) for line in lines for rounds in line.points.values()), default=1.0)
    decades = math.log10(max(counts, default=1) / min(counts, default=1)) or 1.0
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - FOOT

    def x(n: int) -> float:
        return LEFT + wide * math.log10(n / counts[0]) / decades

    def y(value: float) -> float:
        return TOP + high * (1 - value / most)

    parts = [f'<text x="0" y="14" font-weight="bold">{escape(title)}</text>']
    for share in (0, 0.25, 0.5, 0.75, 1):
        level = y(most * share)
        parts.append(
            f'<path d="M{LEFT} {level:.1f}h{wide}" stroke="currentColor" opacity=".15"/>'
            f'<text x="{LEFT - 6}" y="{level + 4:.1f}" text-anchor="end">{most * share:,.0f}</text>'
        )
    parts += [
        f'<text x="{x(n):.1f}" y="{HEIGHT - FOOT + 16}" text-anchor="middle">{n:,}</text>'
        for n in counts
    ]
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 10}">connections; measured here, {unit}</text>')
    for place, line in enumerate(lines):
        colour, dashes = _LINES[place % len(_LINES)]
        style = f'stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}" fill="none"'
        spots = [(n, rounds) for n, rounds in sorted(line.points.items())]
        if spots:
            path = "L".join(f"{x(n):.1f} {y(median(rounds)):.1f}" for n, rounds in spots)
            whiskers = "".join(
                f"M{x(n):.1f} {y(min(rounds)):.1f}V{y(max(rounds)):.1f}" for n, rounds in spots
            )
            parts.append(
                f'<path d="M{path}" {style}/>'
                f'<path d="{whiskers}" stroke="{colour}" stroke-width="1"/>'
            )
        level = HEIGHT + ROW * place + 10
        parts.append(
            f'<path d="M{LEFT} {level - 4}h40" {style}/>'
            f'<text x="{LEFT + 50}" y="{level}">{escape(_told(line))}</text>'
        )
    bottom = HEIGHT + ROW * len(lines)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom}" width="100%" '
        f'role="img" font-family="sans-serif" font-size="12" fill="currentColor" '
        f'style="max-width:{WIDTH}px"><title>{escape(_alternative(title, lines, unit))}</title>'
        f"{''.join(parts)}</svg>"
    )


def _told(line: Line) -> str:
    stated = f"; the thesis states {line.stated:,g}" if line.stated is not None else ""
    if not line.points:
        return f"{line.label}: not measured, {line.why}{stated}"
    peak = max(line.points, key=lambda n: median(line.points[n]))
    return f"{line.label}: most {median(line.points[peak]):,.0f} at {peak:,}{stated}"


def _alternative(title: str, lines: Sequence[Line], unit: str) -> str:
    """The picture in words, for who cannot see it."""
    return f"{title}, {unit} over connections. {'; '.join(map(_told, lines))}."
