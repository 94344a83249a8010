"""How requests were shared out, as SVG: a bar for each backend, and a line where all should end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

WIDTH, LEFT, TOP, HIGH, FOOT = 900, 46, 26, 130, 46
FAIR, UNFAIR = "#3f7fd0", "#d1453b"


def drawn(what: str, shares: Mapping[str, float], expected: float, within: float = 0.0) -> str:
    """Requests by backend, one ``svg`` element, as wide as its place allows.

    What is more than ``within`` from the ``expected`` share has its number above it.
    """
    most = max([expected, *shares.values(), 1.0])
    height = TOP + HIGH + FOOT
    parts = [
        f'<text x="0" y="14" font-weight="bold">{escape(what)}</text>',
        *_bars(shares, expected, within, HIGH / (most * 1.1)),
        *_expected(expected, HIGH / (most * 1.1)),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="100%" '
        f'role="img" font-family="sans-serif" font-size="11" fill="currentColor" '
        f'style="max-width:{WIDTH}px"><title>{escape(told(what, shares, expected, within))}'
        f"</title>{''.join(parts)}</svg>"
    )


def told(what: str, shares: Mapping[str, float], expected: float, within: float = 0.0) -> str:
    """The picture in words: the range, and who is out of it."""
    if not shares:
        return f"{what}: nobody was asked."
    low, high = min(shares.values()), max(shares.values())
    odd = [f"{name} {n:g}" for name, n in shares.items() if abs(n - expected) > within]
    more = f" and {len(odd) - 8} more" if len(odd) > 8 else ""
    return (
        f"{what}: {len(shares)} backends, {low:g} to {high:g} requests each, expected "
        f"{expected:g}{f' ± {within:g}' if within else ''}; "
        + (f"otherwise: {', '.join(odd[:8])}{more}." if odd else "none has otherwise.")
    )


def _bars(
    shares: Mapping[str, float], expected: float, within: float, scale: float
) -> Iterator[str]:
    each = (WIDTH - LEFT) / max(len(shares), 1)
    for n, (name, share) in enumerate(shares.items()):
        x, high = LEFT + n * each, share * scale
        fair = abs(share - expected) <= within
        middle, y = x + each / 2, TOP + HIGH - high
        yield (
            f'<rect x="{x + 1:.1f}" y="{y:.1f}" width="{each - 2:.1f}" height="{high:.1f}" '
            f'fill="{FAIR if fair else UNFAIR}"><title>{escape(name)}: {share:g}</title></rect>'
        )
        if not fair:
            yield f'<text x="{middle:.1f}" y="{y - 3:.1f}" text-anchor="middle">{share:g}</text>'
        yield (
            f'<text transform="translate({middle + 3:.1f} {TOP + HIGH + 6}) rotate(-60)" '
            f'text-anchor="end" font-size="9">{escape(name)}</text>'
        )


def _expected(expected: float, scale: float) -> Iterator[str]:
    y = round(TOP + HIGH - expected * scale, 1)
    yield f'<path d="M{LEFT} {y}H{WIDTH}" stroke="currentColor" stroke-dasharray="4 3"/>'
    yield f'<text x="{LEFT - 4}" y="{y + 4}" text-anchor="end">{expected:g}</text>'
