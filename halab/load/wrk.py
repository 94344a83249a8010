"""wrk: the lightest of them, but it ends by time only and tells failures of two kinds."""

from __future__ import annotations

import math
import re
import shlex
from dataclasses import dataclass

from halab.errors import UserError
from halab.load.generator import SECONDS, Tally, some, without_summary
from halab.load.load import Load

_DONE = re.compile(r"^ +(\d+) requests in ([\d.]+)(us|ms|s|m|h), ([\d.]+)([KMGT]?)B read$", re.M)
_LATENCY = re.compile(r"^ +(50|90|99)% +([\d.]+)(us|ms|s|m)$", re.MULTILINE)
_SOCKET = re.compile(
    r"^ +Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)$", re.MULTILINE
)
_OTHER = re.compile(r"^ +Non-2xx or 3xx responses: (\d+)$", re.MULTILINE)
_BYTES = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}


@dataclass(frozen=True)
class Wrk:
    """It takes a redirection for a success, and never tells of requests without an answer."""

    name: str = "wrk"

    def times(self, _load: Load) -> bool:
        """Always, and nothing else."""
        return True

    def command(self, load: Load, url: str) -> str:
        """Durations of whole seconds only."""
        if load.seconds is None:
            raise UserError("wrk ends by seconds, not by a number of requests")
        close = "" if load.keep_alive else "-H 'Connection: close' "
        return (
            f"wrk -c {load.connections} -t {load.threads} -d {math.ceil(load.seconds)} --latency "
            f"{close}{shlex.quote(url)}"
        )

    @property
    def report(self) -> str:
        """It records nothing."""
        return ""

    def tally(self, load: Load, status: int, out: str, err: str, _report: str, /) -> Tally:
        """Its summary; bytes are rounded to three digits or four."""
        done = _DONE.search(out)
        if done is None:
            refused = re.search(r"^unable to connect to .*refused$", err, re.MULTILINE)
            if refused:
                # it tries but once, before it begins
                return Tally(1, 0, failed={"refused": 1}, said=f"wrk: {refused[0]}")
            return without_summary(self.name, status, out, err)
        socket, other = _SOCKET.search(out), _OTHER.search(out)
        connect, read, write, timeout = map(int, socket.groups()) if socket else (0, 0, 0, 0)
        answered, not_ok = int(done[1]), int(other[1]) if other else 0
        latency = {int(p): float(t) * SECONDS[unit] for p, t, unit in _LATENCY.findall(out)}
        return Tally(
            # a timeout is one of an answer that came late, and has been counted then
            started=answered + connect + read + write,
            succeeded=answered - not_ok,
            failed=some({"not 2xx": not_ok, "errored": connect + read + write, "timeout": timeout}),
            bytes=round(float(done[4]) * 2 ** _BYTES[done[5]]),
            seconds=float(done[2]) * SECONDS[done[3]],
            latency=latency if answered else None,
            cut=load.connections,
        )


WRK = Wrk()
