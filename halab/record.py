"""The prober's record, as it came over the line, and the :class:`Service` that it tells of.

:mod:`halab.prober` writes it; its docstring has the format.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from halab.errors import NodeError
from halab.outage import Outcome, Request
from halab.prober.record import VERSION
from halab.service import Gap, Lag, Service

BEGINNING = '{"record":'  # of its first line


def parse(lines: Iterable[str]) -> Service:
    """The service of a prober's output; what it said before its record is passed over.

    Raises :class:`NodeError` when the record is not there, not whole or not sound.
    """
    rest, last = iter(lines), "nothing"
    try:
        for last in rest:
            if last.startswith(BEGINNING):
                return _service(json.loads(last), json.loads(next(rest, "")))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise NodeError(f"the prober's record is broken: {error!r}") from None
    raise NodeError(f"the prober left no record; the last it said: {last.strip()[:200]}")


def _service(header: dict[str, Any], rows: list[list[int]]) -> Service:
    if header["record"] != VERSION:
        raise ValueError(f"record version {header['record']}, not {VERSION}")
    if len(rows) != header["sent"]:
        raise ValueError(f"{len(rows)} rows of {header['sent']}")
    interval, started = float(header["interval"]), float(header["started"])
    kinds = [Outcome(name) for name in header["outcomes"]]
    backends, details = header["backends"], header["details"]
    # Index -1 is "none", and Python takes it for the last.
    backends, details = [*backends, None], [*details, ""]
    if any(min(row[0], row[1], row[3], row[4] + 1, row[5] + 1, row[6]) < 0 for row in rows):
        raise ValueError("a row with an index below -1")
    if any(earlier[0] >= later[0] for earlier, later in pairwise(rows)):
        raise ValueError("rows out of order")
    return Service(
        target=str(header["target"]),
        kind=str(header["kind"]),
        cookies=bool(header["cookies"]),
        interval=interval,
        timeout=float(header["timeout"]),
        started=started,
        ended=float(header["ended"]),
        ended_by=str(header["ended_by"]),
        requests=tuple(
            Request(
                started + n * interval,
                us / 1e6,
                kinds[kind],
                backends[b],
                details[d],
                lag=lag / 1e6,
                session=session,
            )
            for n, lag, us, kind, b, d, session in rows
        ),
        gaps=tuple(
            Gap(started + n * interval, int(count), str(header["reasons"][reason]))
            for n, count, reason in header["gaps"]
        ),
        marks={str(name): float(at) for name, at in header["marks"]},
        lag=Lag(**{name: float(value) for name, value in header["lag"].items()}),
        cpu=float(header["cpu"]),
        retried=int(header["retried"]),
    )
