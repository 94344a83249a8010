"""Known causes: what the clues of a failure show, in an operator's words, and where to look next.

Each has a mutation of ``tests/mutations/catalogue`` that must be told by it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from halab.clues import Clues
from halab.invariants import Kind
from halab.names import listed
from halab.portrait import DirectorSeen


@dataclass(frozen=True)
class Likely:
    """A cause that the clues show, and commands that show more of it."""

    text: str
    commands: tuple[str, ...] = ()


Find = Callable[[Clues], Iterator[Likely]]


@dataclass(frozen=True)
class Cause:
    """A kind of cause. Unless ``always``, a fault that the test inflicted explains the same."""

    name: str
    find: Find
    always: bool = False


def likely(clues: Clues) -> list[Likely]:
    """All causes that the clues show, the most telling first; often none."""
    causes = (cause for cause in CAUSES if cause.always or not clues.inflicted)
    return [found for cause in causes for found in cause.find(clues)]


def on(clues: Clues, node: str, command: str) -> str:
    """The command line that runs a command on a node: of a lab that stands, or of machines."""
    if login := clues.logins.get(node):
        return f"ssh {login} {shlex.quote(command)}"
    return f"./run lab shell {node} -- '{command}'"


# -- what is deployed --------------------------------------------------------------------------


def _differs(clues: Clues) -> Iterator[Likely]:
    for director, files in clues.differences.items():
        for path, lines in files.items():
            shown = "; ".join(lines[:6]) + (" …" if len(lines) > 6 else "")
            check = f"haproxy -c -f {path}" if path.endswith(".cfg") else f"ls -l {path}"
            yield Likely(
                f"{path} on {director} is not what the configuration asks for "
                f"(- is missing, + is too much): {shown}",
                (on(clues, director, check), on(clues, director, "journalctl -n 50")),
            )


STATE = "echo show servers state | socat - /run/haproxy/*1.sock"


def _weighs(clues: Clues) -> Iterator[Likely]:
    for director in clues.answering:
        usual = min(director.weights.values(), default=0)
        odd = [f"{name} has {w}" for name, w in director.weights.items() if w != usual]
        if odd:
            yield Likely(
                f"HAProxy on {director.name} does not give all servers the same weight: "
                f"{listed(odd)}, the others {usual}",
                (on(clues, director.name, STATE),),
            )


def _filters(clues: Clues) -> Iterator[Likely]:
    directors = {director.address for director in clues.portrait.directors}
    for name, rules in clues.rules.items():
        blocked = [line.strip() for line in rules.splitlines() if _blocks(line, directors)]
        if blocked:
            yield Likely(
                f"a firewall on {name} keeps packets back: {'; '.join(blocked)}",
                (on(clues, name, "nft list ruleset"),),
            )


_BUT_THESE = re.compile(r"ip protocol (?:112|vrrp) ip saddr != \{ (.*?) \}")


def _blocks(line: str, directors: Collection[str]) -> bool:
    """It drops something else than the adverts of others than the directors.

    That is asked for, by :mod:`suites.security`.
    """
    if not {"drop", "reject"} & {*line.split()} or "policy" in line:
        return False
    but_these = _BUT_THESE.search(line)
    return but_these is None or not {*directors} <= {*but_these[1].split(", ")}


# -- what runs ---------------------------------------------------------------------------------


def _silent(clues: Clues) -> Iterator[Likely]:
    for director in clues.portrait.directors:
        if director.silent:
            yield Likely(
                f"{director.name} does not answer: {director.silent}",
                ("./run doctor --topology FILE" if clues.logins else "./run lab status",),
            )


def _keepalived(clues: Clues) -> Iterator[Likely]:
    for director in clues.answering:
        if not director.keepalived_runs or director.keepalived_frozen:
            how = "is frozen (SIGSTOP)" if director.keepalived_frozen else "does not run"
            yield Likely(
                f"keepalived on {director.name} {how}",
                (
                    on(clues, director.name, "systemctl status keepalived"),
                    _journal(clues, director),
                ),
            )


def _deaf_to_processes(clues: Clues) -> Iterator[Likely]:
    for director, tracked in clues.deaf.items():
        yield Likely(
            f"keepalived on {director} has not started since its file got "
            f"`{tracked.rstrip(' {')}`: a reload does not begin to track processes, a restart does",
            (on(clues, director, "systemctl restart keepalived"),),
        )


def _journal(clues: Clues, director: DirectorSeen) -> str:
    return on(clues, director.name, "journalctl -n 50 -u keepalived")


def _processes(clues: Clues) -> Iterator[Likely]:
    for director in clues.answering:
        if missing := sorted(clues.processes - director.processes):
            units = " ".join(f"haproxy@{number}" for number in missing)
            yield Likely(
                f"HAProxy {', '.join(map(str, missing))} does not run on {director.name}",
                (on(clues, director.name, f"systemctl status {units}"),),
            )


# -- who has the VIP -----------------------------------------------------------------------------


def _deaf(clues: Clues) -> Iterator[Likely]:
    """Both hold the VIP, though both run: adverts do not reach the other."""
    holders = clues.portrait.holders
    alive = [d.name for d in clues.answering if d.keepalived_runs and not d.keepalived_frozen]
    if len(holders) > 1 and {*holders} <= {*alive}:
        yield Likely(
            f"{' and '.join(holders)} do not take each other's adverts: both hold the VIP",
            tuple(on(clues, name, "timeout 5 tcpdump -ni eth0 vrrp") for name in holders),
        )


def _neighbours(clues: Clues) -> Iterator[Likely]:
    holders = clues.portrait.holders
    if len(holders) != 1 or holders[0] not in clues.macs:
        return
    right = clues.macs[holders[0]]
    owners = {mac: name for name, mac in clues.macs.items()}
    for client, mac in clues.neighbours.items():
        if mac != right:
            whose = owners.get(mac, "no director")
            yield Likely(
                f"{client} has the MAC of {whose} for the VIP ({mac}), which {holders[0]} holds "
                f"({right})",
                (on(clues, client, f"ip neigh show to {clues.portrait.vip}"),),
            )


def _unannounced(clues: Clues) -> Iterator[Likely]:
    if Kind.UNANNOUNCED in clues.broken:
        first = clues.portrait.directors[0].name
        yield Likely(
            "a director took the VIP without gratuitous ARP: clients and routers keep the MAC of "
            "the one before",
            (on(clues, first, "grep garp /etc/keepalived/keepalived.conf"),),
        )


# -- backends ------------------------------------------------------------------------------------

CHECKS = {
    "L4CON": (
        "refuses connections: Apache is dead, its machine lives",
        "pgrep -a apache2; tail /var/log/apache2/error.log",
    ),
    "L4TOUT": ("does not answer at all: its machine, its server or the way there is down", "true"),
    "L7STS": ("answers the check with an error: its page is broken", "tail /var/log/apache2/*log"),
    "L7TOUT": ("takes connections and does not answer: Apache hangs", "pgrep -a apache2"),
}
"""HAProxy's word for the check (management guide, 9.1, check_status), and what it means here."""


def _backends(clues: Clues) -> Iterator[Likely]:
    down: dict[str, dict[str, None]] = {}
    for director in clues.answering:
        for name, state in director.backends.items():
            if state.startswith("DOWN") and "(" in state:
                down.setdefault(state.partition("(")[2].rstrip(")"), {})[name] = None
    for check, names in down.items():
        means, command = CHECKS.get(check, ("is DOWN by its check", "true"))
        if check.endswith("OK"):
            means = "was DOWN and passes its checks again: it is UP after `rise` of them"
        first = next(iter(names))
        yield Likely(f"{listed(names)} {means} ({check})", (on(clues, first, command),))


def _unchecked(clues: Clues) -> Iterator[Likely]:
    for director in clues.answering:
        bare = [name for name, state in director.backends.items() if state == "no check"]
        if bare:
            yield Likely(
                f"HAProxy on {director.name} never checks {listed(bare)}: its line has no `check`",
                (on(clues, director.name, "grep -h server /etc/haproxy/*.cfg"),),
            )


CAUSES = (
    Cause("a firewall", _filters, always=True),
    Cause("a file that was changed", _differs, always=True),
    Cause("a server that is never checked", _unchecked, always=True),
    Cause("a weight", _weighs, always=True),
    Cause("a director that is silent", _silent),
    Cause("keepalived that is dead or frozen", _keepalived),
    Cause("keepalived that is deaf to processes", _deaf_to_processes, always=True),
    Cause("a HAProxy process that is missing", _processes),
    Cause("directors that do not hear each other", _deaf),
    Cause("a stale ARP entry", _neighbours, always=True),
    Cause("a takeover that nobody was told of", _unannounced, always=True),
    Cause("backends that are DOWN", _backends),
)
