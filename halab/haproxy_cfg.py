"""haproxy.cfg as it is deployed: the facts that budgets are computed from.

Defaults are HAProxy 2.6's (configuration manual; include/haproxy/defaults.h). All times are
seconds. No password is kept: of ``stats auth`` there are the users.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from halab.errors import NodeError

Endpoint = tuple[str, int | None]
"""An address, "*" for all of them, and its port; a UNIX socket has none."""

# A line that begins with one of these begins a section (manual, chapters 3 and 4).
_PROXIES = ("frontend", "backend", "listen")
_PASSED_OVER = ("userlist", "resolvers", "mailers", "program", "cache", "ring", "log-forward")
_SECTIONS = ("global", "defaults", "peers", "http-errors", "fcgi-app", *_PROXIES, *_PASSED_OVER)
_TIME = re.compile(r"(\d+)(us|ms|s|m|h|d|)", re.ASCII)  # manual, section 2.5
_MICROSECONDS = {"us": 1, "ms": 1e3, "": 1e3, "s": 1e6, "m": 6e7, "h": 3.6e9, "d": 8.64e10}
_ADDRESS = re.compile(r"(?:ipv[46]@)?([^/@]*):(\d+)(?:-(\d+))?", re.ASCII)
# A server's words that are facts; the rest are passed over (manual, section 5.2).
_CHECK = ("port", "fall", "rise", "inter", "fastinter", "downinter")
_SERVER = ("weight", "maxconn", "cookie")
_SWITCHES = {"check": "enabled", "disabled": "disabled", "backup": "backup"}
_SWITCHES_OFF = {"no-check": "enabled", "enabled": "disabled", "no-backup": "backup"}


@dataclass(frozen=True)
class Check:
    """A server's health check (manual, section 5.2), with the timeouts that bound it.

    Without ``option httpchk`` or the like it is a TCP connection, which the kernel accepts for a
    process that is frozen too: no time is then long enough to find that out.
    """

    enabled: bool = False
    port: int | None = None
    inter: float = 2.0
    fastinter: float | None = None
    downinter: float | None = None
    fall: int = 3
    rise: int = 2
    spread_checks: int = 0
    """Percent by which the global ``spread-checks`` may lengthen, or shorten, every interval."""
    timeout_connect: float | None = None
    timeout_check: float | None = None

    @property
    def timeout(self) -> float:
        """After how many seconds a check of a silent host fails.

        ``inter``; where ``timeout check`` is set, min(timeout connect, inter), for it counts
        itself only once a connection is there (manual, "timeout check"; src/tcpcheck.c).
        """
        if self.timeout_check and self.timeout_connect:
            return min(self.timeout_connect, self.inter)
        return self.inter

    def detection(self, *, silent: bool) -> float:
        """Longest time in seconds from a server's failure until it is DOWN; inf if not checked.

        ``silent``: its host is off and nothing answers; else checks are refused at once. It may
        fail just after a good check: then ``inter`` passes before the first failed one, and
        ``fastinter``, or else ``inter``, between the ``fall`` that it takes (manual, section 5.2,
        "inter"). An interval runs from a check's end to the next one's start (src/check.c,
        process_chk_conn), so each check of a silent host adds its :attr:`timeout`.

        >>> Check(enabled=True).detection(silent=False), Check(enabled=True).detection(silent=True)
        (6.0, 12.0)
        """
        lost = self.fall * self.timeout if silent else 0.0
        return self._intervals(self.inter, self.fall) + lost

    def recovery(self, *, silent: bool = False) -> float:
        """Longest time in seconds from a server's return until it is UP; inf if not checked.

        It may return just after a failed check: then ``downinter``, or else ``inter``, passes
        before the first good one, and ``fastinter``, or else ``inter``, between the ``rise`` that
        it takes. After silence a check may be under way that is still lost: its :attr:`timeout`
        comes first. The good checks' own response times are not in it, nor is ``slowstart``.

        >>> Check(enabled=True).recovery(), Check(enabled=True).recovery(silent=True)
        (4.0, 6.0)
        """
        lost = self.timeout if silent else 0.0
        return self._intervals(self.downinter or self.inter, self.rise) + lost

    def _intervals(self, first: float, checks: int) -> float:
        if not self.enabled:
            return math.inf
        steady = first + (checks - 1) * (self.fastinter or self.inter)
        return steady * (1 + self.spread_checks / 100)


@dataclass(frozen=True)
class Server:
    """A ``server`` line; ``check.port`` is the one that checks go to."""

    name: str
    address: str
    port: int | None
    check: Check = Check()
    weight: int = 1
    maxconn: int | None = None
    cookie: str | None = None
    disabled: bool = False
    backup: bool = False


@dataclass(frozen=True)
class Stats:
    """The statistics page of a proxy; ``auth_is_default`` says that admin:admin opens it."""

    uri: str = "/haproxy?stats"
    users: tuple[str, ...] = ()
    auth_is_default: bool = False


@dataclass(frozen=True)
class Proxy:
    """A frontend, backend or listen section, with what it inherits from its defaults."""

    kind: str
    name: str
    mode: str = "tcp"
    maxconn: int | None = None
    binds: tuple[Endpoint, ...] = ()
    default_backend: str | None = None
    balance: str = "roundrobin"
    options: frozenset[str] = frozenset()  # by first word: httplog, redispatch, httpchk, ...
    cookie: str | None = None
    stick_table: str | None = None
    retries: int = 3
    timeouts: Mapping[str, float] = field(default_factory=dict)
    servers: Mapping[str, Server] = field(default_factory=dict)
    stats: Stats | None = None

    @property
    def redispatch(self) -> bool:
        """A request whose server does not take the connection goes to another one."""
        return "redispatch" in self.options


@dataclass(frozen=True)
class StatsSocket:
    """A ``stats socket`` of the global section; ``mode`` is its file's, None where unset."""

    path: str
    mode: int | None = None
    level: str = "operator"


@dataclass(frozen=True)
class Global:
    """The global section; ``cpu_map`` is CPUs by threads, both as written."""

    stats_sockets: tuple[StatsSocket, ...] = ()
    maxconn: int | None = None
    nbthread: int | None = None
    spread_checks: int = 0
    cpu_map: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Configuration:
    """What one haproxy.cfg declares; a listen section is a frontend and a backend."""

    process: Global
    frontends: Mapping[str, Proxy]
    backends: Mapping[str, Proxy]
    peers: Mapping[str, Mapping[str, Endpoint]]

    @property
    def stats(self) -> tuple[Proxy, ...]:
        """The sections that serve the statistics page."""
        return tuple(proxy for proxy in self.frontends.values() if proxy.stats is not None)

    def check_of(self, server: str) -> Check:
        """The check of a server; raises :class:`NodeError` unless exactly one has that name."""
        checks = [p.servers[server].check for p in self.backends.values() if server in p.servers]
        if len(checks) != 1:
            raise NodeError(f"haproxy.cfg: {len(checks)} servers are called {server}, not one")
        return checks[0]


@dataclass(frozen=True)
class _Line:
    number: int
    words: list[str]

    def fail(self, why: str) -> NodeError:
        # The first word only: the rest of the line may be a password.
        return NodeError(f"haproxy.cfg:{self.number}: {self.words[0]}: {why}")

    def word(self, at: int = 1) -> str:
        if at >= len(self.words):
            raise self.fail("a value is missing")
        return self.words[at]

    def after(self, keyword: str) -> str | None:
        return self.word(self.words.index(keyword, 1) + 1) if keyword in self.words[1:] else None

    def integer(self, at: int = 1, base: int = 10) -> int:
        try:
            return int(self.word(at), base)
        except ValueError:
            raise self.fail(f"{self.word(at)} is not a number") from None

    def seconds(self, at: int) -> float:
        written = _TIME.fullmatch(self.word(at))
        if written is None:
            raise self.fail(f"{self.word(at)} is not a time, such as 5000, 2s or 1m")
        # HAProxy counts in milliseconds, and rounds up to one.
        return math.ceil(int(written[1]) * _MICROSECONDS[written[2]] / 1000) / 1000

    def endpoints(self, at: int = 1) -> list[Endpoint]:
        found: list[Endpoint] = []
        for written in self.word(at).split(","):
            parts = _ADDRESS.fullmatch(written)
            if parts is None:  # a socket's path, or an address or name alone
                found.append((written, None))
            else:
                first, last = int(parts[2]), int(parts[3] or parts[2])
                found += [(parts[1].strip("[]") or "*", port) for port in range(first, last + 1)]
        return found


def parse(text: str) -> Configuration:
    """Read an haproxy.cfg; keywords and sections that are none of these facts are passed over.

    Raises :class:`NodeError` with the line for what HAProxy would not take, as far as the facts
    go, and for conditions (.if), whose outcome only that HAProxy knows.
    """
    sections = _sections(text)
    process = Global()
    for head, lines in sections:
        if head.words[0] == "global":
            process = _global(process, lines)
    inherited: dict[str | None, list[_Line]] = {}
    current: list[_Line] = []
    proxies: list[Proxy] = []
    peers: dict[str, dict[str, Endpoint]] = {}
    for head, lines in sections:
        parent = head.after("from")
        if parent is not None and parent not in inherited:
            raise head.fail(f"no defaults section {parent} before it")
        if head.words[0] == "defaults":
            current = inherited.get(parent, []) + lines if parent else lines
            inherited[head.words[1] if len(head.words) > 1 else None] = current
        elif head.words[0] in _PROXIES:
            above = inherited[parent] if parent else current
            proxies.append(_proxy(head, above + lines, process.spread_checks))
        elif head.words[0] == "peers":
            section = peers.setdefault(head.word(), {})
            for line in lines:
                if line.words[0] in ("peer", "server") and len(line.words) > 2:
                    section[line.word()] = line.endpoints(2)[0]
    return Configuration(
        process,
        {proxy.name: proxy for proxy in proxies if proxy.kind != "backend"},
        {proxy.name: proxy for proxy in proxies if proxy.kind != "frontend"},
        peers,
    )


def _sections(text: str) -> list[tuple[_Line, list[_Line]]]:
    sections: list[tuple[_Line, list[_Line]]] = []
    for number, written in enumerate(text.splitlines(), start=1):
        try:
            words = shlex.split(written, comments=True)
        except ValueError:
            raise NodeError(f"haproxy.cfg:{number}: a quote does not close") from None
        if not words:
            continue
        line = _Line(number, words)
        if words[0] in _SECTIONS:
            sections.append((line, []))
        elif words[0].startswith(".") or not sections:
            raise line.fail("is read only by HAProxy" if sections else "is in no section")
        else:
            sections[-1][1].append(line)
    return sections


def _global(known: Global, lines: list[_Line]) -> Global:
    sockets, cpus, given = list(known.stats_sockets), dict(known.cpu_map), dict[str, Any]()
    for line in lines:
        match line.words:
            case ["stats", "socket", path, *rest]:
                mode = line.integer(line.words.index("mode") + 1, 8) if "mode" in rest else None
                sockets.append(StatsSocket(path, mode, line.after("level") or "operator"))
            case ["cpu-map", threads, *rest]:
                cpus[threads] = " ".join(rest)
            case [("maxconn" | "nbthread" | "spread-checks") as keyword, *_]:
                given[keyword.replace("-", "_")] = line.integer()
    return replace(known, stats_sockets=tuple(sockets), cpu_map=cpus, **given)


def _proxy(head: _Line, lines: list[_Line], spread_checks: int) -> Proxy:
    given: dict[str, Any] = {}
    options: set[str] = set()
    timeouts: dict[str, float] = {}
    binds: list[Endpoint] = []
    stats: Stats | None = None
    for line in lines:
        match line.words:
            case [("mode" | "balance" | "default_backend") as keyword, value, *_]:
                given[keyword] = value
            case [("maxconn" | "retries") as keyword, *_]:
                given[keyword] = line.integer()
            case [("cookie" | "stick-table") as keyword, *rest]:
                given[keyword.replace("-", "_")] = " ".join(rest)
            case ["option", option, *_]:
                options.add(option)
            case ["no", "option", option, *_]:
                options.discard(option)
            case ["timeout", name, *_]:
                timeouts[name] = line.seconds(2)
            case ["bind", *_]:
                binds += line.endpoints()
            case ["stats", keyword, *rest]:
                stats = stats or Stats()
                if keyword == "uri":
                    stats = replace(stats, uri=line.word(2))
                elif keyword == "auth":
                    users = (*stats.users, line.word(2).partition(":")[0])
                    default = stats.auth_is_default or rest[0] == "admin:admin"
                    stats = replace(stats, users=users, auth_is_default=default)
    check = Check(
        spread_checks=spread_checks,
        timeout_connect=timeouts.get("connect"),
        timeout_check=timeouts.get("check"),
    )
    return Proxy(
        head.words[0],
        head.word(),
        binds=tuple(binds),
        options=frozenset(options),
        timeouts=timeouts,
        servers=_servers(lines, check),
        stats=stats,
        **given,
    )


def _servers(lines: list[_Line], check: Check) -> dict[str, Server]:
    servers: dict[str, Server] = {}
    default = Server("", "", None, check)
    for line in lines:
        if line.words[0] == "default-server":  # it counts for the lines after it
            default = _server(line, 1, default)
        elif line.words[0] == "server":
            (address, port), *_ = line.endpoints(2)
            server = replace(default, name=line.word(), address=address, port=port)
            server = _server(line, 3, server)
            if server.check.port is None:
                server = replace(server, check=replace(server.check, port=port))
            servers[server.name] = server
        elif line.words[0] == "server-template":
            raise line.fail("is not expanded; deploy server lines")
    return servers


def _server(line: _Line, begin: int, server: Server) -> Server:
    facts: dict[str, Any] = {}
    check: dict[str, Any] = {}
    words = iter(range(begin, len(line.words)))
    for at in words:
        keyword = line.words[at]
        of = check if keyword.endswith("check") else facts
        if keyword in _SWITCHES:
            of[_SWITCHES[keyword]] = True
        elif keyword in _SWITCHES_OFF:
            of[_SWITCHES_OFF[keyword]] = False
        elif keyword in _CHECK:
            value = next(words, at + 1)
            check[keyword] = (line.seconds if "inter" in keyword else line.integer)(value)
        elif keyword in _SERVER:
            value = next(words, at + 1)
            facts[keyword] = (line.word if keyword == "cookie" else line.integer)(value)
    return replace(server, check=replace(server.check, **check), **facts)
