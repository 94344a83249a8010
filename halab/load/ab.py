"""ab, of Apache: HTTP/1.0, one thread."""

from __future__ import annotations

import math
import re
import shlex
from dataclasses import dataclass

from halab.errors import NodeError, UserError
from halab.load.generator import Tally, some, without_summary
from halab.load.load import Load

UNREACHED = 200_000
"""Requests a second that its one thread cannot make: with -t alone it stops at 50,000 in all, and
it takes 32 bytes for each of those that it is told of."""

SILENCE = 10
"""Seconds without a word from the server after which it gives up, with status 119."""

_NUMBER = re.compile(r"^([A-Z][\w -]+[\w]):\s+(\d+(?:\.\d+)?)\b", re.MULTILINE)


@dataclass(frozen=True)
class Ab:
    """It takes a connection that was closed without an answer for a success."""

    name: str = "ab"

    def times(self, _load: Load) -> bool:
        """Always."""
        return True

    def command(self, load: Load, url: str) -> str:
        """Whole seconds; pages of any length, and an error is counted, not the end (-l, -r)."""
        if load.threads > 1:
            raise UserError(f"ab has one thread, and {load.threads} were asked for")
        length = f"-n {load.requests}"
        if load.seconds is not None:
            whole = math.ceil(load.seconds)
            length = f"-t {whole} -n {UNREACHED * whole}"
        keep = "-k " if load.keep_alive else ""
        return (
            f'ab -q -l -r {keep}-s {SILENCE} -e "$RECORD" -c {load.connections} {length} '
            f"{shlex.quote(url)}"
        )

    @property
    def report(self) -> str:
        """Its table of percentiles, in ms with decimals; none where it gave up."""
        return 'if [ -e "$RECORD" ]; then cat "$RECORD"; fi'

    def tally(self, load: Load, status: int, out: str, err: str, report: str, /) -> Tally:
        """Its summary; a request that failed may be in two of its classes of failures."""
        told = {name: float(number) for name, number in _NUMBER.findall(out)}
        if "Complete requests" not in told:
            return without_summary(self.name, status, out, err)
        try:
            complete, failed = int(told["Complete requests"]), int(told["Failed requests"])
            other = int(told.get("Non-2xx responses", 0))
            seconds, received = told["Time taken for tests"], int(told["Total transferred"])
        except KeyError as missing:
            raise NodeError(f"ab: no {missing} in its summary") from None
        errored = min(failed, complete - other)
        percentiles = dict(line.split(",") for line in report.splitlines()[1:])
        return Tally(
            started=complete,
            succeeded=complete - other - errored,
            failed=some({"not 2xx": other, "errored": errored}),
            bytes=received,
            seconds=seconds,
            latency={p: float(percentiles[str(p)]) / 1e3 for p in (50, 90, 99)}
            if percentiles
            else None,
            cut=load.connections if load.seconds is not None else 0,
        )


AB = Ab()
