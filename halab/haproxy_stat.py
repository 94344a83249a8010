"""What HAProxy says of itself: ``show stat`` and ``show info`` on its stats socket.

Field names are the CSV's own (management guide section 9.1), but for ``proxy``, ``server`` and
``last_chg``, which it writes pxname, svname and lastchg. Counters that HAProxy leaves empty are 0.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum

from halab.errors import NodeError

# "UP 1/3", "DOWN (agent)", "MAINT (via www/web1)", "MAINT(via)", "no check": stats.c, srv_hlt_st.
# "UP -1/3" with rise 2: the last check has failed, and the state follows in a moment.
_STATUS = re.compile(r"(no check|[A-Z]+)(?: (-?\d+)/(\d+)| ?\(.*\))?")


class Status(Enum):
    """The state of a server, and with it whether it is given new requests.

    The last five are of frontends and listeners; backends are UP or DOWN.
    """

    UP = "UP"
    DOWN = "DOWN"
    MAINT = "MAINT"
    DRAIN = "DRAIN"
    NOLB = "NOLB"
    NO_CHECK = "no check"
    OPEN = "OPEN"
    FULL = "FULL"
    WAITING = "WAITING"
    PAUSED = "PAUSED"
    STOP = "STOP"


class Kind(Enum):
    """The CSV's ``type``."""

    FRONTEND = 0
    BACKEND = 1
    SERVER = 2
    LISTENER = 3


@dataclass(frozen=True)
class Stat:
    """One row of ``show stat``; ages and downtime are whole seconds."""

    proxy: str
    server: str
    kind: Kind
    status: Status
    health: int | None
    """n of "UP n/m": checks that may yet fail less than m, or have succeeded; None when steady."""
    checks: int | None
    """m of it: ``fall`` for a server that is UP, ``rise`` for one that is DOWN."""
    check_status: str
    """Of the last check that ended, such as L7OK or L4CON; empty for what is not checked."""
    checking: bool
    """A check is under way."""
    check_code: int | None
    last_chg: int | None
    """Seconds since it last went UP or DOWN."""
    weight: int | None
    """Effective: 0 while DOWN or draining."""
    addr: str
    cookie: str
    chkfail: int
    chkdown: int
    downtime: int
    act: int
    bck: int
    scur: int
    smax: int
    stot: int
    lbtot: int
    req_tot: int
    cli_abrt: int
    econ: int
    eresp: int
    wretr: int
    wredis: int
    hrsp_1xx: int
    hrsp_2xx: int
    hrsp_3xx: int
    hrsp_4xx: int
    hrsp_5xx: int
    hrsp_other: int
    connect: int
    """Connections that were opened to it for requests."""
    reuse: int
    """Requests that went over one that was there already."""

    @property
    def is_server(self) -> bool:
        """A server of a backend, not a frontend, a listener or a backend's sum."""
        return self.kind is Kind.SERVER

    @property
    def up(self) -> bool:
        """It is given new requests: UP, even when going down, or never checked."""
        return self.status in (Status.UP, Status.NO_CHECK)

    @property
    def check_passed(self) -> bool:
        """Its last check has been made and passed: L4OK, L6OK, L7OK or L7OKC."""
        return self.check_status[2:4] == "OK"

    @property
    def going_down(self) -> bool:
        """It still works, but its last check failed: "UP 1/3"."""
        return self.checks is not None and self.status is not Status.DOWN

    @property
    def going_up(self) -> bool:
        """It does not work yet, but its last check succeeded: "DOWN 1/2"."""
        return self.checks is not None and self.status is Status.DOWN


_COUNTERS = tuple(f.name for f in fields(Stat) if f.type == "int")


def parse(text: str) -> tuple[Stat, ...]:
    """Read ``show stat``'s CSV, in its order.

    Raises :class:`NodeError` when it is no such CSV: HAProxy refused the command, or was cut off.
    """
    if not text.lstrip().startswith("# pxname,"):
        raise NodeError(f"show stat: no CSV but {_said(text)}")
    rows = csv.DictReader(text.lstrip().removeprefix("# ").splitlines(), strict=True)
    try:
        return tuple(_stat(row) for row in rows if row["svname"])
    except (csv.Error, KeyError, TypeError, ValueError) as why:
        raise NodeError(f"show stat: line {rows.line_num} is garbled or cut: {why!r}") from None


def parse_info(text: str) -> dict[str, str]:
    """Read ``show info``: its values as they are written, by name.

    Raises :class:`NodeError` when HAProxy's name is not among them.
    """
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
    found = {name.strip(): value.strip() for name, _, value in pairs}
    if "Name" not in found:
        raise NodeError(f"show info: no Name in {_said(text)}")
    return found


def _said(text: str) -> str:
    return repr(text.strip()[:80]) if text.strip() else "nothing"


def _number(text: str) -> int | None:
    return int(text) if text else None


def _stat(row: Mapping[str, str]) -> Stat:
    if None in row.values() or None in row:
        raise ValueError("another number of fields than the header has")
    written = _STATUS.fullmatch(row["status"])
    if written is None:
        raise ValueError(f"status {row['status']!r}")
    name, health, checks = written.groups()
    check_status = row.get("check_status", "")
    return Stat(
        proxy=row["pxname"],
        server=row["svname"],
        kind=Kind(int(row["type"])),
        status=Status(name),
        health=_number(health),
        checks=_number(checks),
        check_status=check_status.removeprefix("* "),
        checking=check_status.startswith("* "),
        check_code=_number(row.get("check_code", "")),
        last_chg=_number(row["lastchg"]),
        weight=_number(row["weight"]),
        addr=row.get("addr", ""),
        cookie=row.get("cookie", ""),
        **{name: _number(row.get(name, "")) or 0 for name in _COUNTERS},
    )
