"""What all sessions of gate_power together say, and what of the goals it is short of."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from scipy import stats

from benchmarks.costlier import GOALS
from benchmarks.power_record import EQUAL, Basis, Found, Session

CONFIDENCE = 0.95
LEAST_SESSIONS = 300
MOST_ALARMS = 0.016
"""The bound of false alarms; 300 sessions with one alarm are below it."""
LEAST_POWER = {"+5%": 0.95, "+10%": 1.0}

APART = timedelta(minutes=5)
"""Between two sessions of which the later one is of another piece of the run."""

HEAD = ("beside", "more CPU", "sessions", "found slower", "undecided", "at 95 %", "mean of medians")


def table(sessions: Sequence[Session]) -> str:
    """A row for each kind of HAProxy, quiet, beside hogs, and both together.

    Bounds are Clopper and Pearson's, one-sided.
    """
    lines = [HEAD, ("---",) * len(HEAD)]
    for beside, held in _by_hogs(sessions).items():
        for name, found in _by_name(held).items():
            slower = sum(one.slower for one in found)
            lines.append(
                (
                    beside,
                    name,
                    str(len(found)),
                    str(slower),
                    str(sum(one.unclear for one in found)),
                    _bound(slower, len(found), alarms=name == EQUAL),
                    f"{statistics.fmean(one.median for one in found):+.2%}",
                )
            )
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def remarks(basis: Basis, sessions: Sequence[Session]) -> Iterator[str]:
    """What the table rests on: the calibration as it was checked, how far pairs were apart, when
    sessions were held, and what was not judged."""
    yield basis.machine
    for name, check in basis.checks.items():
        yield f"{name}: {check}"
    for beside, held in _by_hogs(sessions).items():
        if spread := [one.sd for session in held for one in session.found.values()]:
            yield (
                f"beside {beside}: pairs of a duet differ by a standard deviation of "
                f"{statistics.median(spread):.3f} of ln, the median of {len(spread)} duets"
            )
    for piece in pieces(sessions):
        first, last = (datetime.fromisoformat(session.ended) for session in (piece[0], piece[-1]))
        loads = [session.load for session in piece]
        yield (
            f"{len(piece)} sessions on {first:%Y-%m-%d}, {first:%H:%M} to {last:%H:%M} UTC, load "
            f"average {min(loads):g} to {max(loads):g}"
        )
    if failed := [session for session in sessions if session.failed]:
        yield f"{len(failed)} sessions could not be held; the last: {failed[-1].failed}"


def pieces(sessions: Sequence[Session]) -> list[list[Session]]:
    """Those that were held one right after the other, together: a run may be done in pieces."""
    found = [[session] for session in sessions[:1]]
    for before, session in pairwise(sessions):
        began = datetime.fromisoformat(session.ended) - timedelta(seconds=session.seconds)
        if began - datetime.fromisoformat(before.ended) > APART:
            found.append([])
        found[-1].append(session)
    return found


def short_of(sessions: Sequence[Session]) -> Iterator[str]:
    """What has not been shown of what is asked for; nothing if all of it has."""
    by_hogs = _by_hogs(sessions)
    equals = _by_name(by_hogs["either"]).get(EQUAL, [])
    alarms = sum(one.slower for one in equals)
    if len(equals) < LEAST_SESSIONS:
        yield f"{len(equals)} sessions with an equal, of {LEAST_SESSIONS}"
    elif _most(alarms, len(equals)) >= MOST_ALARMS:
        yield f"{alarms} false alarms in {len(equals)} sessions are not below {MOST_ALARMS:.1%}"
    for beside, held in by_hogs.items():
        for name, least in LEAST_POWER.items():
            found = _by_name(held).get(name, [])
            slower = sum(one.slower for one in found)
            if not found or slower / len(found) < least:
                yield f"{name} beside {beside}: {slower} of {len(found)} found"


def _by_hogs(sessions: Sequence[Session]) -> dict[str, list[Session]]:
    of: dict[str, list[Session]] = {"nothing": [], "hogs": [], "either": list(sessions)}
    for session in sessions:
        of["hogs" if session.hogs else "nothing"].append(session)
    return of


def _by_name(sessions: Sequence[Session]) -> Mapping[str, list[Found]]:
    of: dict[str, list[Found]] = {}
    for name in (EQUAL, *GOALS):
        if found := [s.found[name] for s in sessions if name in s.found]:
            of[name] = found
    return of


def _bound(slower: int, of: int, *, alarms: bool) -> str:
    """How many are found at most, where none should be, or at least, where all should."""
    return f"at most {_most(slower, of):.2%}" if alarms else f"at least {_least(slower, of):.1%}"


def _most(slower: int, of: int) -> float:
    test = stats.binomtest(slower, of, alternative="less")
    return float(test.proportion_ci(CONFIDENCE, method="exact").high)


def _least(slower: int, of: int) -> float:
    test = stats.binomtest(slower, of, alternative="greater")
    return float(test.proportion_ci(CONFIDENCE, method="exact").low)
