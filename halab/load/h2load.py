"""h2load, of nghttp2: over HTTP/1.1 or HTTP/2, its latencies from its log of every request."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from halab.load.generator import SECONDS, STATUS_CODES, Tally, some, without_summary
from halab.load.load import Load

_FINISHED = re.compile(r"^finished in ([\d.]+)(us|ms|s|m|h), ", re.MULTILINE)
_REQUESTS = re.compile(
    r"^requests: (\d+) total, (\d+) started, (\d+) done, (\d+) succeeded, (\d+) failed, "
    r"(\d+) errored, (\d+) timeout$",
    re.MULTILINE,
)
_TRAFFIC = re.compile(
    r"^traffic: \S+ \((\d+)\) total, \S+ \((\d+)\) headers .*, \S+ \((\d+)\) data$", re.MULTILINE
)


@dataclass(frozen=True)
class H2load:
    """Its duration (``-D``) never ends where the server closes each connection (1.52)."""

    name: str = "h2load"

    def times(self, load: Load) -> bool:
        """Only with kept connections."""
        return load.keep_alive

    def command(self, load: Load, url: str) -> str:
        """Every connection at once, no pipelining; every request in its log."""
        length = f"-n {load.requests}"
        if load.seconds is not None:
            length = f"-D {round(load.seconds * 1000)}ms"
        close = "" if load.keep_alive else "-H 'Connection: close' "
        version = "" if load.http2 else "--h1 "
        return (
            f"h2load {version}-c {load.connections} -t {load.threads} {length} "
            f'--log-file="$RECORD" {close}{shlex.quote(url)}'
        )

    @property
    def report(self) -> str:
        """The 50th, 90th and 99th percentile of the log's third column, in µs."""
        chosen = "for (p = 50; p < 100; p += p == 50 ? 40 : 9) print p, t[int((NR * p + 99) / 100)]"
        return f"""cut -f 3 "$RECORD" | sort -n | awk '{{t[NR] = $1}} END {{if (NR) {chosen}}}'"""

    def tally(self, _load: Load, status: int, out: str, err: str, report: str, /) -> Tally:
        """Its summary; an answer whose status line has no reason phrase has no status for it.

        It asks its parser for the status where that tells of a phrase (1.52,
        h2load_http1_session.cc), and Tomcat sends none.
        """
        finished, requests = _FINISHED.search(out), _REQUESTS.search(out)
        codes, traffic = STATUS_CODES.search(out), _TRAFFIC.search(out)
        if not (finished and requests and codes and traffic):
            return without_summary(self.name, status, out, err)
        total, begun, _, _, _, errored, timeout = map(int, requests.groups())
        ok, moved, refused, broken = map(int, codes.groups())
        return Tally(
            started=total,
            succeeded=ok,
            failed=some(
                {
                    "3xx": moved,
                    "4xx": refused,
                    "5xx": broken,
                    "timeout": timeout,
                    "errored": errored - timeout,
                    "without a reason phrase": max(
                        total - ok - moved - refused - broken - errored, 0
                    ),
                }
            ),
            # with new connections it forgets to count the total
            bytes=max(int(traffic[1]), int(traffic[2]) + int(traffic[3])),
            seconds=float(finished[1]) * SECONDS[finished[2]],
            latency={int(p): int(us) / 1e6 for p, us in map(str.split, report.splitlines())}
            or None,
            cut=max(begun - total, 0),
        )


H2LOAD = H2load()
