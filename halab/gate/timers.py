"""Times in a set-up that its programs take, and that nobody can have meant.

All limits are this gate's own, and generous: a time beyond them makes of a fault that the cluster
is there to bear an outage of its own. What today's set-up has too is no finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from halab import haproxy_cfg
from halab.errors import NodeError
from halab.haproxy_line import PROXIES, Line, sections
from halab.keepalived_conf import Deployed, VrrpInstance
from halab.set_up import HAPROXY, KEEPALIVED, PATHS

LEAST = 0.1
"""Seconds below which a timeout or an interval fails what is well."""

MOST = {
    "connect": 60.0, "check": 60.0, "queue": 300.0, "client": 14400.0, "server": 14400.0,
    "http-request": 3600.0, "http-keep-alive": 3600.0,
}  # fmt: skip
"""Seconds of HAProxy's timeouts; of others a day."""

MOST_DETECTION = 60.0
"""Seconds until a dead server, or a dead HAProxy, is known."""

MOST_SILENCE = 30.0
"""Seconds until the BACKUP takes over from a MASTER that is gone."""

MOST_DELAY = 300.0
"""Seconds for which a MASTER that returns may wait."""

_NEEDED = {"frontend": ("client",), "backend": ("connect", "server")}
_NEEDED["listen"] = (*_NEEDED["frontend"], *_NEEDED["backend"])


@dataclass(frozen=True)
class Finding:
    """A time that cannot be meant; ``where`` is the file and, from 1, the line."""

    where: str
    what: str
    unread: bool = False
    """It is no time: the file says something that only its program can read."""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def new(
    today: Mapping[str, Mapping[str, str]], candidate: Mapping[str, Mapping[str, str]]
) -> list[Finding]:
    """What the candidate has that today's has not; both are files by path by director."""
    known = {finding.what for finding in findings(today)}
    return [finding for finding in findings(candidate) if finding.what not in known]


def findings(files: Mapping[str, Mapping[str, str]]) -> list[Finding]:
    """Every time in these files, by director and path, that cannot be meant; each once."""
    found: list[Finding] = []
    for of in files.values():
        found += _of_haproxy(of[PATHS[HAPROXY]])
        found += _of_keepalived(of[PATHS[KEEPALIVED]])
    found += _of_both({name: of[PATHS[KEEPALIVED]] for name, of in files.items()})
    return list(dict.fromkeys(found))


# -- haproxy.cfg -----------------------------------------------------------------------------


def _of_haproxy(text: str) -> Iterator[Finding]:
    try:
        deployed = haproxy_cfg.parse(text)
        written = sections(text)
    except NodeError as error:
        where, _, why = str(error).partition(": ")
        yield Finding(where, why, unread=True)
        return
    for head, lines in written:
        if head.words[0] in (*PROXIES, "defaults"):
            for line in lines:
                yield from _of_line(line)
    for head, _ in written:
        if head.words[0] in PROXIES:
            yield from _of_proxy(head, deployed)


def _of_line(line: Line) -> Iterator[Finding]:
    if line.words[0] == "timeout" and len(line.words) > 2:
        name = line.words[1]
        yield from _time(line, f"timeout {name}", 2, MOST.get(name, 86400.0))
    elif line.words[0] in ("server", "default-server"):
        for at, word in enumerate(line.words[:-1]):
            if word in ("inter", "fastinter", "downinter"):
                yield from _time(line, word, at + 1, MOST_DETECTION)


def _time(line: Line, name: str, at: int, most: float) -> Iterator[Finding]:
    written, seconds = line.word(at), line.seconds(at)
    unit = ": without a unit it is milliseconds" if written.isdigit() else ""
    if seconds < LEAST:
        yield _at(HAPROXY, line.number, f"{name} {written} is {seconds * 1000:g} ms{unit}")
    elif seconds > most:
        what = f"{name} {written} is {seconds:g} s, more than {most:g} s{unit}"
        yield _at(HAPROXY, line.number, what)


def _of_proxy(head: Line, deployed: haproxy_cfg.Configuration) -> Iterator[Finding]:
    kind, name = head.words[0], head.word()
    proxy = (deployed.backends if kind == "backend" else deployed.frontends)[name]
    missing = [timeout for timeout in _NEEDED[kind] if timeout not in proxy.timeouts]
    if kind == "listen" and not proxy.servers:
        missing = [timeout for timeout in missing if timeout == "client"]
    if missing:
        what = f"{kind} {name} has no timeout {' and no timeout '.join(missing)}: it waits for ever"
        yield _at(HAPROXY, head.number, what)
    slowest = 0.0
    for server in proxy.servers.values():
        if server.check.enabled:
            slowest = max(slowest, server.check.detection(silent=False))
    if slowest > MOST_DETECTION:
        what = f"{kind} {name}: a dead server has its share for {slowest:g} s (fall × inter)"
        yield _at(HAPROXY, head.number, what)


# -- keepalived.conf ---------------------------------------------------------------------------


def _of_keepalived(text: str) -> Iterator[Finding]:
    try:
        deployed = Deployed.parse(text)
    except NodeError as error:
        where, _, why = str(error).partition(": ")
        yield Finding(where, why, unread=True)
        return
    for script in deployed.scripts.values():
        line = _line(text, "vrrp_script", script.name)
        if script.detection(hanging=True) > MOST_DETECTION:
            what = f"vrrp_script {script.name} takes {script.detection(hanging=True):g} s to fail"
            yield _at(KEEPALIVED, line, f"{what} (fall × interval + timeout)")
        if script.timeout > script.interval:
            what = f"timeout {script.timeout:g} is longer than interval {script.interval:g}"
            yield _at(KEEPALIVED, line, f"vrrp_script {script.name}: {what}: its runs overlap")
    for instance in deployed.instances:
        yield from _of_instance(text, instance)


def _of_instance(text: str, instance: VrrpInstance) -> Iterator[Finding]:
    timers, line = instance.timers, _line(text, "advert_int")
    if abs(timers.advert_int - instance.advert_int) > 1e-6:
        what = f"advert_int {instance.advert_int:g} becomes {timers.advert_int:g}"
        yield _at(KEEPALIVED, line, f"{what} in VRRPv{instance.version}")
    if timers.master_down_interval > MOST_SILENCE:
        what = f"advert_int {instance.advert_int:g}: a dead MASTER is missed after"
        yield _at(KEEPALIVED, line, f"{what} {timers.master_down_interval:g} s only")
    if instance.preempt_delay > MOST_DELAY:
        what = f"preempt_delay {instance.preempt_delay:g} is more than {MOST_DELAY:g} s"
        yield _at(KEEPALIVED, _line(text, "preempt_delay"), what)


# What directors must say alike: an advert with another value of it is not one of the other's.
_ALIKE = ("virtual_router_id", "version", "advert_int", "auth_type", "virtual_ipaddresses")


def _of_both(texts: Mapping[str, str]) -> Iterator[Finding]:
    """What is sound in each director's file, and not together."""
    try:
        deployed = {name: Deployed.parse(text) for name, text in texts.items()}
    except NodeError:  # told of that file by itself
        return
    sides = {name: of.instances[0] for name, of in deployed.items() if len(of.instances) == 1}
    for word in _ALIKE:
        values = {name: getattr(instance, word) for name, instance in sides.items()}
        if len(set(values.values())) > 1:
            last = list(values)[-1]
            keyword = {"version": "vrrp_version", "virtual_ipaddresses": "virtual_ipaddress"}
            line = _line(texts[last], keyword.get(word, word))
            each = ", ".join(f"{_shown(value)} on {name}" for name, value in values.items())
            yield _at(f"{last}/{KEEPALIVED}", line, f"{word} is not the same: {each}")
    passwords = {_password(texts[name]) for name in sides}
    if len(passwords) > 1:
        last = list(sides)[-1]
        line = _line(texts[last], "auth_pass")
        yield _at(f"{last}/{KEEPALIVED}", line, "auth_pass is not the same on all directors")
    priorities = [instance.priority for instance in sides.values()]
    if len(set(priorities)) < len(priorities):
        last = list(sides)[-1]
        line = _line(texts[last], "priority")
        what = f"priority {priorities[0]} on both: which is the MASTER is left to chance"
        yield _at(f"{last}/{KEEPALIVED}", line, what)


def _shown(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _password(text: str) -> str:
    """What keepalived uses of it: eight characters; for comparison only."""
    found = re.search(r"^\s*auth_pass\s+(\S+)", text, re.MULTILINE)
    return found[1][:8] if found else ""


def _line(text: str, *words: str) -> int:
    """The first line that begins with these words; 0 if none does."""
    pattern = re.compile(r"\s*" + r"\s+".join(map(re.escape, words)) + r"\b")
    return next((n for n, line in enumerate(text.splitlines(), 1) if pattern.match(line)), 0)


def _at(file: str, line: int, what: str) -> Finding:
    return Finding(f"{file}:{line}" if line else file, what)
