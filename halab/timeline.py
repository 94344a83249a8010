"""The LAN's story for a reader: what was heard, in order, repetitions told once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from halab.invariants import Heard, Rules
from halab.mastership import Span

_PAUSE = 2.5
"""Seconds without a repetition after which it is told anew; adverts say theirs themselves."""


class Event(NamedTuple):
    """Something at a moment; two of the same ``text`` may be told as one."""

    at: float
    text: str


@dataclass
class _Told:
    text: str
    first: float
    last: float
    times: int = 1


def events(heard: Heard, rules: Rules) -> list[Event]:
    """What matters to the VIP, in order: adverts, announcements, answers."""
    told = [
        Event(
            a.at,
            f"{rules.name(a.source)} resigns"
            if a.resigns
            else f"{rules.name(a.source)} advert priority {a.priority}"
            + (f" virtual router {a.virtual_router_id}" * (a.virtual_router_id != _id(rules))),
        )
        for a in heard.adverts
        if a.source in rules.speakers or a.virtual_router_id == _id(rules)
    ]
    for arp in heard.arps:
        if arp.sender_ip == rules.vip:
            how = "gratuitous ARP" if arp.gratuitous else "ARP"
            text = f"{rules.owner(arp.sender_mac)} {how}: {rules.vip} is at {arp.sender_mac}"
            told.append(Event(arp.at, text))
    return sorted(told)


def _id(rules: Rules) -> int:
    return rules.virtual_router_id


def lines(
    heard: Heard, rules: Rules, marks: Iterable[Event], window: Span, origin: float
) -> list[str]:
    """The window's events and marks, with seconds from ``origin``."""
    here = [e for e in events(heard, rules) if window.since <= e.at <= window.until]
    told: list[_Told] = []
    current: dict[str, _Told] = {}
    for at, text in here:
        before = current.get(text)
        if before is not None and at - before.last <= _PAUSE:
            before.last, before.times = at, before.times + 1
        else:
            current[text] = _Told(text, at, at)
            told.append(current[text])
    told += [_Told(f"-- {mark.text}", mark.at, mark.at) for mark in marks]
    return [_line(entry, origin) for entry in sorted(told, key=lambda entry: entry.first)]


def _line(told: _Told, origin: float) -> str:
    line = f"{told.first - origin:+9.3f} {told.text}"
    if told.times > 1:
        line += f", {told.times} times until {told.last - origin:+.3f}"
    return line


def summary(heard: Heard, rules: Rules, window: Span, origin: float) -> str:
    """One line: who advertised, how often, from when to when; empty if nobody did."""
    spoken: dict[str, list[float]] = {}
    for claim in heard.claims(rules):
        if window.since <= claim.at <= window.until and not claim.resigns:
            spoken.setdefault(claim.who, []).append(claim.at - origin)
    said = [f"{who} {len(at)} ({_when(at)} s)" for who, at in spoken.items()]
    return f"LAN: adverts of {', '.join(said)}" if said else ""


def _when(moments: list[float]) -> str:
    first, last = f"{moments[0]:+.2f}", f"{moments[-1]:+.2f}"
    return first if len(moments) == 1 else f"{first} to {last}"
