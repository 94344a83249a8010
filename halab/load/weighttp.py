"""weighttp, of lighttpd: 0.4, which tells its summary in words, and 0.5, which tells it in JSON.

Debian has it not: it is for clients that do.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from typing import Any

from halab.errors import NodeError
from halab.load.generator import STATUS_CODES, Tally, some, without_summary
from halab.load.load import Load

_FINISHED = re.compile(
    r"^finished in (\d+) sec, (\d+) millisec and (\d+) microsec, \d+ req/s", re.MULTILINE
)
_REQUESTS = re.compile(
    r"^requests: (\d+) total, (\d+) started, (\d+) done, (\d+) succeeded, (\d+) failed, "
    r"(\d+) errored$",
    re.MULTILINE,
)
_TRAFFIC = re.compile(r"^traffic: (\d+) bytes total", re.MULTILINE)


@dataclass(frozen=True)
class Weighttp:
    """0.4 knows no duration, so that none is given to 0.5 either."""

    name: str = "weighttp"

    def times(self, _load: Load) -> bool:
        """Never."""
        return False

    def command(self, load: Load, url: str) -> str:
        """As the thesis has it: ``weighttp -n 100000 -c 128 -t 2``."""
        keep = "-k " if load.keep_alive else ""
        return (
            f"weighttp -n {load.requests} -c {load.connections} -t {load.threads} {keep}"
            f"{shlex.quote(url)}"
        )

    @property
    def report(self) -> str:
        """It records nothing."""
        return ""

    def tally(self, _load: Load, status: int, out: str, err: str, _report: str, /) -> Tally:
        """Its summary, in whichever of both forms."""
        if (begin := out.find("\n{")) >= 0:
            try:
                return _from_json(json.loads(out[begin:]))
            except (ValueError, KeyError, TypeError) as why:
                raise NodeError(f"weighttp: its JSON is not understood: {why!r}") from None
        finished, requests = _FINISHED.search(out), _REQUESTS.search(out)
        codes, traffic = STATUS_CODES.search(out), _TRAFFIC.search(out)
        if not (finished and requests and codes and traffic):
            return without_summary(self.name, status, out, err)
        whole, milli, micro = map(int, finished.groups())
        total = int(requests[1])
        ok, moved, refused, broken = map(int, codes.groups())
        return Tally(
            started=total,
            succeeded=ok,
            failed=_failed(total, ok, moved, refused, broken),
            bytes=int(traffic[1]),
            seconds=whole + milli / 1e3 + micro / 1e6,
        )


def _from_json(said: dict[str, Any]) -> Tally:
    total, codes = said["request_counts"]["started"], said["status_codes"]
    times = said["total_times"]
    if times["unit"] != "us":
        raise ValueError(f"times in {times['unit']}")
    return Tally(
        started=total,
        succeeded=codes["2xx"],
        failed=_failed(total, *(codes[name] for name in ("2xx", "3xx", "4xx", "5xx"))),
        bytes=said["traffic"]["bytes_total"],
        seconds=said["secs_elapsed"],
        latency={p: times[f"{p}%"] / 1e6 for p in (50, 90, 99)} if codes["2xx"] else None,
    )


def _failed(total: int, ok: int, moved: int, refused: int, broken: int) -> dict[str, int]:
    """What has no status code was refused, reset or never answered: "errored"."""
    unanswered = total - ok - moved - refused - broken
    return some({"3xx": moved, "4xx": refused, "5xx": broken, "errored": unanswered})


WEIGHTTP = Weighttp()
