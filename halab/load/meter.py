"""What a director has done and spent: its HAProxy's counters and its CPU time, at two moments."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from halab import cpu, softnet
from halab.director import Director
from halab.errors import NodeError
from halab.haproxy_stat import Kind

TICKS = 100
"""A second of /proc/stat: USER_HZ."""

# A container's /proc/stat is its host's: there the CPU time is that of its own control group.
_CPU_TIME = """\
if systemd-detect-virt --container --quiet; then
    cat /sys/fs/cgroup/cpu.stat 2>/dev/null || cat /sys/fs/cgroup/unified/cpu.stat
else
    head -n 1 /proc/stat
fi"""


@dataclass(frozen=True)
class Reading:
    """Of one director; counts since some moment, or between two readings for a difference.

    ``requests``, ``answers`` and ``given_up`` by HAProxy process: all that its frontends took, the
    2xx that they gave, and those whose client left before its answer was complete (cli_abrt).
    ``haproxy`` is each process's CPU time, ``cpu`` all of the director's, in seconds; ``cpus`` how
    many CPUs it has. ``time_wait`` is of the moment.
    """

    workers: dict[int, int]
    requests: dict[int, int]
    answers: dict[int, int]
    given_up: dict[int, int]
    haproxy: dict[int, float]
    cpu: float
    cpus: int
    drops: int
    time_wait: int

    def since(self, earlier: Reading) -> Reading:
        """What was counted from the earlier one on; ``time_wait`` is this one's.

        Raises :class:`NodeError` when a process is another than it was: its counters began anew.
        """
        if self.workers != earlier.workers:
            raise NodeError(
                f"HAProxy's workers were {earlier.workers} before the load and {self.workers} "
                "after it: one was reloaded or died, and its counters began anew"
            )
        return Reading(
            workers=self.workers,
            requests={n: count - earlier.requests[n] for n, count in self.requests.items()},
            answers={n: count - earlier.answers[n] for n, count in self.answers.items()},
            given_up={n: count - earlier.given_up[n] for n, count in self.given_up.items()},
            haproxy={n: spent - earlier.haproxy[n] for n, spent in self.haproxy.items()},
            cpu=self.cpu - earlier.cpu,
            cpus=self.cpus,
            drops=self.drops - earlier.drops,
            time_wait=self.time_wait,
        )


def read(director: Director, processes: Iterable[int]) -> Reading:
    """Read all of it now. The statistics page is no frontend of the service, and not counted."""
    workers, requests, answers, given_up = {}, {}, {}, {}
    for number in processes:
        haproxy = director.haproxy(number)
        workers[number] = haproxy.pid()
        stat = [row for row in haproxy.stat() if row.proxy != "stats"]
        rows = [row for row in stat if row.kind is Kind.FRONTEND]
        requests[number] = sum(row.req_tot for row in rows)
        answers[number] = sum(row.hrsp_2xx for row in rows)
        # a frontend of HAProxy 2.6 counts none of those that wait for a server
        given_up[number] = sum(row.cli_abrt for row in stat if row.kind is Kind.BACKEND)
    spent = "; ".join(f"cat /proc/{pid}/task/*/schedstat; echo" for pid in workers.values())
    said = director.node.run(
        f"cat /sys/devices/system/cpu/online /proc/net/sockstat; echo; "
        f"cat /proc/net/softnet_stat; echo; {_CPU_TIME}; echo; {spent}"
    )
    sockets, packets, whole, *by_worker = said.rstrip("\n").split("\n\n")
    online = cpu.cpus_in(sockets.splitlines()[0])
    return Reading(
        workers=workers,
        requests=requests,
        answers=answers,
        given_up=given_up,
        haproxy={number: _ran(text) for number, text in zip(workers, by_worker, strict=True)},
        cpu=cpu_time(whole),
        cpus=len(online),
        drops=sum(softnet.softnet(packets, online)["dropped"].values()),
        time_wait=_time_wait(sockets),
    )


def cpu_time(text: str) -> float:
    """Seconds of CPU time in a control group's cpu.stat, or in the first line of /proc/stat.

    Of the latter all but idle, iowait and what guests had, which is counted as user already
    (proc(5)).
    """
    if found := re.search(r"^usage_usec (\d+)$", text, re.MULTILINE):
        return int(found[1]) / 1e6
    if found := re.match(r"cpu +((?:\d+ ?){8,})", text):
        user, nice, system, _, _, irq, softirq, steal = map(int, found[1].split()[:8])
        return (user + nice + system + irq + softirq + steal) / TICKS
    raise NodeError(f"neither cpu.stat nor /proc/stat: {text[:80]!r}")


def _ran(schedstat: str) -> float:
    """Seconds that threads ran: the first number of each line, in ns (sched-stats.rst)."""
    return sum(int(line.split()[0]) for line in schedstat.split("\n") if line) / 1e9


def _time_wait(sockstat: str) -> int:
    found = re.search(r"^TCP: .*\btw (\d+)", sockstat, re.MULTILINE)
    if found is None:
        raise NodeError(f"/proc/net/sockstat: no TCP sockets in {sockstat[:80]!r}")
    return int(found[1])
