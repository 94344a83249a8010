"""The CPUs of a director through a load, as SVG: the thesis's schemes (Figures 22, 25 to 28).

As there, the highest CPU is on the left, H is HAProxy, X where the NIC's interrupts came, and I
who else worked on packets; a bar within the box is what the CPU did, from the bottom.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from halab.load.cores import Core, Cores

WIDTH, HEAD, BOX, HIGH, ROW, FOOT = 900, 28, 54, 64, 118, 22
"""``BOX`` is a CPU's width, ``HIGH`` the height of what it did, ``ROW`` that of a line of CPUs."""
A_ROW = 16
USED = 0.01
"""The share of a count from which on a CPU has taken part in it: strangers' packets come by too."""

_PARTS = (("user", "#3f7fd0"), ("system", "#7a68c9"), ("softirq", "#d98324"))


def drawn(title: str, seen: Cores) -> str:
    """The scheme as one ``svg`` element, as wide as its place allows."""
    ordered = sorted(seen.cores, key=lambda core: -core.number)
    rows = [ordered[n : n + A_ROW] for n in range(0, len(ordered), A_ROW)]
    height = HEAD + ROW * len(rows) + FOOT
    parts = [f'<text x="0" y="14" font-weight="bold">{escape(title)}</text>']
    for place, row in enumerate(rows):
        parts += _row(row, HEAD + ROW * place)
    parts += _legend(seen, height - 6)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="100%" '
        f'role="img" font-family="sans-serif" font-size="12" fill="currentColor" '
        f'style="max-width:{WIDTH}px"><title>{escape(told(title, seen))}</title>'
        f"{''.join(parts)}</svg>"
    )


def told(title: str, seen: Cores) -> str:
    """The picture in words: every CPU on which something ran."""
    whose = "the machine that all nodes share" if seen.shared else seen.name
    cpus = [
        f"CPU {core.number} {core.busy:.0%} busy ({core.softirq:.0%} in softirqs)"
        f"{''.join(f', {who}' for who in _who(core))}"
        for core in seen.cores
        if core.busy >= USED or _letters(core)
    ]
    return f"{title}, CPUs of {whose}: {'; '.join(cpus) or 'nothing ran'}."


def _who(core: Core) -> Iterator[str]:
    if core.pinned:
        yield f"HAProxy {_numbers(core.pinned)} pinned"
    if core.visited:
        yield f"HAProxy {_numbers(core.visited)} seen"
    if core.interrupts >= USED:
        yield f"{core.interrupts:.0%} of the NIC's interrupts"
    if core.packets >= USED:
        yield f"{core.packets:.0%} of the packets"


def _numbers(processes: frozenset[int]) -> str:
    return ", ".join(map(str, sorted(processes)))


def _letters(core: Core) -> str:
    """As the thesis has them; in parentheses is a HAProxy that was here of its own accord."""
    words = [f"H{n}" for n in sorted(core.pinned)]
    words += [f"(H{n})" for n in sorted(core.visited)]
    if core.interrupts >= USED:
        words.append("X")
    elif core.packets >= USED:
        words.append("I")
    return " ".join(words)


def _row(row: list[Core], top: int) -> Iterator[str]:
    wide = WIDTH / A_ROW
    for place, core in enumerate(row):
        x, floor = round(place * wide, 1), top + 16 + HIGH
        middle = round(x + BOX / 2, 1)
        about = f"CPU {core.number}: " + "; ".join(
            [*(f"{what} {getattr(core, what):.0%}" for what, _ in _PARTS), *_who(core)]
        )
        yield f"<g><title>{escape(about)}</title>"
        yield (
            f'<text x="{middle}" y="{top + 10}" text-anchor="middle" font-weight="bold" '
            f'font-size="{12 if len(_letters(core)) < 8 else 9}">{_letters(core)}</text>'
            f'<rect x="{x}" y="{top + 16}" width="{BOX}" height="{HIGH}" fill="none" '
            'stroke="currentColor" opacity=".5"/>'
        )
        y = float(floor)
        for what, colour in _PARTS:
            high = round(min(getattr(core, what), 1) * HIGH, 1)
            y = round(y - high, 1)
            yield (f'<rect x="{x}" y="{y}" width="{BOX}" height="{high}" fill="{colour}"/>')
        yield (
            f'<text x="{middle}" y="{floor + 14}" text-anchor="middle">{core.number}</text>'
            f'<text x="{middle}" y="{floor + 27}" text-anchor="middle" font-size="10" '
            f'opacity=".8">{core.busy:.0%}</text></g>'
        )
        if place and core.node != row[place - 1].node:
            yield (
                f'<path d="M{round(x - (wide - BOX) / 2, 1)} {top}V{floor + 28}" '
                'stroke="currentColor" stroke-dasharray="4 3"/>'
            )


def _legend(seen: Cores, y: int) -> Iterator[str]:
    x = 0
    for what, colour in _PARTS:
        yield (
            f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{colour}"/>'
            f'<text x="{x + 14}" y="{y}">{what}</text>'
        )
        x += 34 + 7 * len(what)
    said = "H HAProxy, (H) not pinned, X the NIC's interrupts, I packets"
    if seen.shared:
        said += "; CPUs of the machine that all nodes share"
    elif len({core.node for core in seen.cores}) > 1:
        said += "; dashed lines part NUMA nodes"
    yield f'<text x="{x + 10}" y="{y}" opacity=".8">{escape(said)}</text>'
