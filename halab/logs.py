"""What keepalived, HAProxy and Apache logged in a window of time, from every node that answers.

Times are those of :func:`halab.wait.clock`, good to half a round trip. Passwords that stand in the
deployed files are hidden.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from halab import wait
from halab.cluster import Cluster
from halab.director import Director
from halab.errors import NodeError
from halab.keepalived import CONFIG
from halab.mastership import Span
from halab.node import Node, each
from halab.other_clock import OtherClock, compared
from halab.set_up import scrubbed

MOST = 200
"""Lines of one node, the last ones."""

# HAProxy logs each request, at info; what it says of itself is notice and worse, and comes once
# for each `log` line of its file.
_DIRECTORS = """\
journalctl --sync 2>/dev/null
for which in '-u keepalived.service' '-p notice -t haproxy' '-p notice -u *haproxy*.service'; do
    journalctl -q --no-pager -o json --output-fields=MESSAGE,SYSLOG_IDENTIFIER --since=@%s $which
done
"""
_CHANGES = (
    "journalctl -q --no-pager -o json --output-fields=MESSAGE,SYSLOG_IDENTIFIER -p notice "
    "-t haproxy --since=@%s"
)
_APACHE = "tail -n 200 /var/log/apache2/error.log"
_STAMP = re.compile(r"^\[\w{3} (\w{3} [ \d]\d [\d:]+\.\d+ \d{4})\] ")


@dataclass(frozen=True)
class Entry:
    """A line of a log."""

    at: float
    node: str
    program: str
    text: str


@dataclass(frozen=True)
class Logs:
    """What was logged, in order of time, and the nodes that gave no log, each with the reason."""

    entries: tuple[Entry, ...] = ()
    silent: dict[str, str] = field(default_factory=dict)

    def lines(self, zero: float) -> list[str]:
        """For a reader; times are from ``zero``, on :func:`halab.wait.clock`."""
        shown = [f"{e.at - zero:+9.3f} s  {e.node} {e.program}: {e.text}" for e in self.entries]
        return [*shown, *(f"{node}: no log: {why}" for node, why in self.silent.items())]


def changes(cluster: Cluster, window: Span) -> Logs:
    """What HAProxy alone has to say of itself and its servers: much less than :func:`read` asks."""
    directors = {d.name: d for d in cluster.directors.values()}

    def one(node: Node, clock: OtherClock) -> Iterable[Entry]:
        return _director(directors[node.name], clock, window, _CHANGES)

    return _gathered([director.node for director in directors.values()], window, one)


def read(
    cluster: Cluster, window: Span, directors: Iterable[str], apaches: Iterable[str] = ()
) -> Logs:
    """The logs of these directors in the window, and those of Apache on these web VMs."""
    asked = {name: cluster.directors[name] for name in directors}
    vms = {name: cluster.vm(name) for name in apaches}

    def one(node: Node, clock: OtherClock) -> Iterable[Entry]:
        if node.name in asked:
            return _director(asked[node.name], clock, window, _DIRECTORS)
        return _apache(node, clock)

    return _gathered([*(d.node for d in asked.values()), *vms.values()], window, one)


def _gathered(
    nodes: list[Node], window: Span, ask: Callable[[Node, OtherClock], Iterable[Entry]]
) -> Logs:
    """Of all nodes at once, what lies in the window."""
    silent: dict[str, str] = {}

    def one(node: Node) -> list[Entry]:
        try:
            return [*ask(node, compared(lambda: float(node.run("date +%s.%N"))))]
        except NodeError as error:
            silent[node.name] = str(error)
            return []

    found = [entry for entries in each(nodes, one).values() for entry in entries]
    inside = [entry for entry in found if window.since <= entry.at <= window.until]
    return Logs(tuple(sorted(inside, key=lambda entry: entry.at)), silent)


def _director(director: Director, clock: OtherClock, window: Span, command: str) -> Iterator[Entry]:
    since = clock.at(window.since)
    said = director.node.run(command, f"{since:.6f}")
    secret = [director.node.ask("cat -- %s /etc/haproxy/*.cfg", CONFIG).stdout]
    seen: set[tuple[str, float]] = set()
    for line in said.splitlines()[-MOST:]:
        entry = json.loads(line)
        at = int(entry["__REALTIME_TIMESTAMP"]) / 1e6 - clock.ahead
        program = str(entry.get("SYSLOG_IDENTIFIER", "?")).lower().removesuffix("_vrrp")
        text = scrubbed(_text(entry["MESSAGE"]), secret)
        if (text, round(at, 2)) not in seen:
            seen.add((text, round(at, 2)))
            yield Entry(at, director.name, program, text)


def _text(message: object) -> str:
    """The journal gives what is no text as a list of bytes."""
    if isinstance(message, list):
        return bytes(message).decode(errors="replace")
    return str(message)


def _apache(node: Node, clock: OtherClock) -> Iterator[Entry]:
    for line in node.run(_APACHE).splitlines():
        if found := _STAMP.match(line):
            written = datetime.strptime(found[1], "%b %d %H:%M:%S.%f %Y").replace(tzinfo=UTC)
            text = line[found.end() :]
            yield Entry(written.timestamp() - clock.ahead, node.name, "apache", text)


def window(since: float, before: float = 1.0) -> Span:
    """From a little before a moment until now."""
    return Span(since - before, wait.clock())
