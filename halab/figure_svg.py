"""A figure of the thesis as SVG: each bar as it was measured here, beside what the thesis states.

Both halves have a scale of their own: one machine's figures say nothing about another's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from statistics import median

WIDTH, NAMES, GAP, ROW, HEAD, FOOT = 900, 190, 90, 24, 44, 8
_MEASURED, _STATED = "#3f7fd0", "#8a8f98"


@dataclass(frozen=True)
class Bar:
    """``measured`` are the rounds, empty where it was not; ``why`` then tells why.

    Without a number in ``stated``, ``said`` stands in its place.
    """

    label: str
    measured: tuple[float, ...] = ()
    stated: float | None = None
    why: str = ""
    said: str = "not in words"


def drawn(title: str, bars: Sequence[Bar], unit: str = "req/s") -> str:
    """The figure as one ``svg`` element, as wide as its place allows."""
    half = (WIDTH - NAMES - 2 * GAP) / 2
    most_here = max((max(bar.measured) for bar in bars if bar.measured), default=1.0)
    most_stated = max((bar.stated for bar in bars if bar.stated), default=1.0)
    height = HEAD + ROW * len(bars) + FOOT
    right = NAMES + half + GAP
    parts = [
        f'<text x="0" y="14" font-weight="bold">{escape(title)}</text>',
        f'<text x="{NAMES}" y="34">measured here, {unit}: median, least to most</text>',
        f'<text x="{right:.1f}" y="34">stated in the thesis, {unit}</text>',
    ]
    for place, bar in enumerate(bars):
        y = HEAD + ROW * place
        parts.append(
            f'<text x="{NAMES - 8}" y="{y + 15}" text-anchor="end">{escape(bar.label)}</text>'
        )
        parts.append(_measured(bar, y, half / most_here))
        if bar.stated is None:
            said = f'<text x="{right:.1f}" y="{y + 15}" opacity=".6">{escape(bar.said)}</text>'
            parts.append(said)
        else:
            wide = bar.stated / most_stated * half
            parts.append(
                f'<rect x="{right:.1f}" y="{y + 3}" width="{wide:.1f}" height="{ROW - 8}" '
                f'fill="{_STATED}"/><text x="{right + wide + 5:.1f}" y="{y + 15}">'
                f"{bar.stated:,g}</text>"
            )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="100%" '
        f'role="img" font-family="sans-serif" font-size="12" fill="currentColor" '
        f'style="max-width:{WIDTH}px"><title>{escape(_alternative(title, bars, unit))}</title>'
        f"{''.join(parts)}</svg>"
    )


def _measured(bar: Bar, y: int, scale: float) -> str:
    if not bar.measured:
        return (
            f'<text x="{NAMES}" y="{y + 15}" opacity=".6">not measured'
            f"<title>{escape(bar.why)}</title></text>"
        )
    middle, least, most = (of(bar.measured) for of in (median, min, max))
    left, right = NAMES + least * scale, NAMES + most * scale
    return (
        f'<rect x="{NAMES}" y="{y + 3}" width="{middle * scale:.1f}" height="{ROW - 8}" '
        f'fill="{_MEASURED}"/><path d="M{left:.1f} {y + 11}H{right:.1f}" stroke="currentColor" '
        f'stroke-width="2"/><text x="{right + 5:.1f}" y="{y + 15}">{_shown(middle)}</text>'
    )


def _shown(value: float) -> str:
    """Whole, where that tells enough."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _alternative(title: str, bars: Sequence[Bar], unit: str) -> str:
    """The picture in words, for who cannot see it."""

    def told(bar: Bar) -> str:
        here = f"measured {_shown(median(bar.measured))}" if bar.measured else "not measured"
        stated = f", stated {bar.stated:,g}" if bar.stated is not None else ""
        return f"{bar.label}: {here}{stated}"

    return f"{title}, {unit}. {'; '.join(map(told, bars))}."
