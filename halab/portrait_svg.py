"""The cluster as it was found, as SVG: who has the VIP, and each backend as each director sees it.

A cell for a web VM has a half for each director. UP is a plain half; what is not UP is marked by
a letter too, so that the drawing needs no colour.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from halab.portrait import DirectorSeen, Portrait

WIDTH = 900
MARGIN = 10
CLIENT, VIP, DIRECTOR, SERVER = 26, 62, 96, 190
"""Where each row of boxes begins, from the top."""
CELL = 22
UP, OUT, UNKNOWN, HELD = "#3a9a5b", "#d1453b", "#8a8f98", "#7a68c9"


def drawn(found: Portrait) -> str:
    """The cluster as one ``svg`` element, as wide as its place allows."""
    rows = max((len(_cells(vms)) for vms in found.servers.values()), default=0)
    height = SERVER + 28 + rows * CELL + 34
    parts = [*_clients(found), *_vip(found), *_directors(found), *_servers(found)]
    parts += _legend(found, height - 12)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="100%" '
        f'role="img" font-family="sans-serif" font-size="12" fill="currentColor" '
        f'style="max-width:{WIDTH}px"><title>{escape(found.sentence())}</title>'
        f"{''.join(parts)}</svg>"
    )


def _places(count: int, gap: int = 12) -> Iterator[tuple[float, float]]:
    """Left edges and the width of so many boxes beside each other."""
    wide = (WIDTH - 2 * MARGIN - gap * (count - 1)) / max(count, 1)
    for n in range(count):
        yield round(MARGIN + n * (wide + gap), 1), round(wide, 1)


def _box(x: float, y: float, wide: float, high: float, *, dashed: bool = False) -> str:
    line = ' stroke-dasharray="4 3"' if dashed else ""
    return (
        f'<rect x="{x}" y="{y}" width="{wide}" height="{high}" rx="4" fill="none" '
        f'stroke="currentColor" opacity=".5"{line}/>'
    )


def _text(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}"{more}>{escape(text)}</text>'


def _clients(found: Portrait) -> Iterator[str]:
    names = [*found.clients, *(f"{name} (routed)" for name in found.routed)]
    for (x, wide), name in zip(_places(len(names)), names, strict=True):
        yield _box(x, 6, wide, CLIENT)
        yield _text(x + wide / 2, 23, name, ' text-anchor="middle"')


def _vip(found: Portrait) -> Iterator[str]:
    held = " and ".join(found.holders) or "nobody"
    yield f'<path d="M{MARGIN} {VIP - 18}H{WIDTH - MARGIN}" stroke="currentColor" opacity=".5"/>'
    text = f"VIP {found.vip}, held by {held}"
    yield _text(WIDTH / 2, VIP, text, ' text-anchor="middle" font-weight="bold"')
    for (x, wide), director in zip(_places(len(found.directors)), found.directors, strict=True):
        if director.holds:
            middle = x + wide / 2
            yield (f'<path d="M{middle:g} {DIRECTOR}V{VIP + 6}" stroke="{HELD}" stroke-width="4"/>')


def _directors(found: Portrait) -> Iterator[str]:
    for (x, wide), director in zip(_places(len(found.directors)), found.directors, strict=True):
        yield _box(x, DIRECTOR, wide, 74, dashed=bool(director.silent))
        head = f"{director.name} {director.address}, {director.state}"
        yield _text(x + 8, DIRECTOR + 18, head, ' font-weight="bold"')
        for n, line in enumerate(_director_lines(director)):
            yield _text(x + 8, DIRECTOR + 36 + 15 * n, line)


def _director_lines(director: DirectorSeen) -> list[str]:
    if director.silent:
        return ["does not answer"]
    numbers = ", ".join(map(str, sorted(director.processes)))
    bad = [name for name, state in director.backends.items() if state != "UP"]
    balancing = "IPVS balances" if director.ipvs else "✗ no HAProxy runs"
    return [
        f"HAProxy {numbers} runs" if numbers else balancing,
        _keepalived(director),
        f"{len(director.backends) - len(bad)} of {len(director.backends)} backends UP",
    ]


def _keepalived(director: DirectorSeen) -> str:
    if director.keepalived_frozen:
        return "✗ keepalived is frozen"
    return "keepalived runs" if director.keepalived_runs else "✗ keepalived does not run"


def _cells(vms: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Two web VMs a row."""
    return [vms[n : n + 2] for n in range(0, len(vms), 2)]


def _servers(found: Portrait) -> Iterator[str]:
    rows = max((len(_cells(vms)) for vms in found.servers.values()), default=0)
    places = _places(len(found.servers))
    for (x, wide), (server, vms) in zip(places, found.servers.items(), strict=True):
        yield _box(x, SERVER, wide, 24 + rows * CELL)
        yield _text(x + 8, SERVER + 16, server, ' font-weight="bold"')
        half = (wide - 16) / 2
        for row, pair in enumerate(_cells(vms)):
            for column, vm in enumerate(pair):
                left, top = x + 8 + column * half, SERVER + 24 + row * CELL
                yield from _cell(found, vm, left, top)


def _cell(found: Portrait, vm: str, x: float, y: float) -> Iterator[str]:
    states = {d.name: d.backends.get(vm, "unknown") for d in found.directors}
    told = "; ".join(f"{name}: {state}" for name, state in states.items())
    yield f"<g><title>{escape(f'{vm}: {told}')}</title>"
    for n, state in enumerate(states.values()):
        left = round(x + 9 * n, 1)
        yield (f'<rect x="{left}" y="{y:g}" width="8" height="16" fill="{_colour(state)}"/>')
        if state != "UP":
            mark = "?" if state == "unknown" else state[0]
            yield _text(left + 4, y + 12, mark, ' text-anchor="middle" fill="#fff" font-size="10"')
    yield _text(round(x + 9 * len(states) + 3, 1), y + 12, vm, ' font-size="10"')
    yield "</g>"


def _colour(state: str) -> str:
    if state == "UP":
        return UP
    return UNKNOWN if state in ("unknown", "no check") else OUT


def _legend(found: Portrait, y: float) -> Iterator[str]:
    sees = ", right ".join(director.name for director in found.directors)
    yield _text(
        MARGIN,
        y,
        f"each web VM as its directors hold it: left {sees}; plain is UP, "
        "D DOWN, M MAINT, n never checked, ? not told",
    )
