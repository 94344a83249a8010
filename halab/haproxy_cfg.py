"""haproxy.cfg as it is deployed: the facts that budgets are computed from.

Defaults are HAProxy 2.6's (configuration manual; include/haproxy/defaults.h). All times are
seconds. No password is kept: of ``stats auth`` there are the users.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from halab.connecting import Connecting
from halab.errors import NodeError
from halab.haproxy_line import PROXIES, Endpoint, Line, sections
from halab.health_check import HealthCheck

# A server's words that are facts; the rest are passed over (manual, section 5.2).
_CHECK = ("port", "fall", "rise", "inter", "fastinter", "downinter")
_SERVER = ("weight", "maxconn", "cookie")
_SWITCHES = {"check": "enabled", "disabled": "disabled", "backup": "backup"}

# For sed -E: no password leaves its node, but the one of manuals, which is a fact.
_AUTH = r"stats[[:space:]]+auth[[:space:]]+"
WITHOUT_PASSWORDS = rf"""
/{_AUTH}admin:admin([[:space:]]|$)/!s/({_AUTH}[^:]*:).*/\1********/
s/(user[[:space:]]+[^[:space:]]+[[:space:]]+(insecure-)?password[[:space:]]+)[^[:space:]]+/\1********/
"""
_SWITCHES_OFF = {"no-check": "enabled", "enabled": "disabled", "no-backup": "backup"}


@dataclass(frozen=True)
class Server:
    """A ``server`` line; ``check.port`` is the one that checks go to."""

    name: str
    address: str
    port: int | None
    check: HealthCheck = field(default_factory=HealthCheck)
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
    http_reuse: str = "safe"
    timeouts: Mapping[str, float] = field(default_factory=dict)
    servers: Mapping[str, Server] = field(default_factory=dict)
    stats: Stats | None = None

    @property
    def ports(self) -> frozenset[int | None]:
        """On which it listens; None for a socket that is a file."""
        return frozenset(port for _, port in self.binds)

    @property
    def redispatch(self) -> bool:
        """A request whose server does not take the connection goes to another one."""
        return "redispatch" in self.options

    @property
    def connecting(self) -> Connecting:
        """How long a request may be held for a server that takes no connection."""
        return Connecting(
            self.retries,
            self.redispatch,
            self.balance,
            self.timeouts.get("connect"),
            self.timeouts.get("queue"),
        )


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

    @property
    def stats_pages(self) -> tuple[tuple[Endpoint, str], ...]:
        """Where a statistics page may be asked for, and its path; a backend's is any frontend's."""
        backends = (its for its in self.backends.values() if its.kind == "backend")
        behind = {its.stats.uri for its in backends if its.stats}
        return tuple(
            (bind, uri)
            for its in self.frontends.values()
            for bind in its.binds
            for uri in sorted(behind | ({its.stats.uri} if its.stats else set()))
        )

    def check_of(self, server: str) -> HealthCheck:
        """The check of a server; raises :class:`NodeError` unless exactly one has that name."""
        checks = [p.servers[server].check for p in self.backends.values() if server in p.servers]
        if len(checks) != 1:
            raise NodeError(f"haproxy.cfg: {len(checks)} servers are called {server}, not one")
        return checks[0]


def parse(text: str) -> Configuration:
    """Read an haproxy.cfg; keywords and sections that are none of these facts are passed over.

    Raises :class:`NodeError` with the line for what HAProxy would not take, as far as the facts
    go, and for conditions (.if), whose outcome only that HAProxy knows.
    """
    written = sections(text)
    process = Global()
    for head, lines in written:
        if head.words[0] == "global":
            process = _global(process, lines)
    inherited: dict[str | None, list[Line]] = {}
    current: list[Line] = []
    proxies: list[Proxy] = []
    peers: dict[str, dict[str, Endpoint]] = {}
    for head, lines in written:
        parent = head.after("from")
        if parent is not None and parent not in inherited:
            raise head.fail(f"no defaults section {parent} before it")
        if head.words[0] == "defaults":
            current = inherited.get(parent, []) + lines if parent else lines
            inherited[head.words[1] if len(head.words) > 1 else None] = current
        elif head.words[0] in PROXIES:
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


def _global(known: Global, lines: list[Line]) -> Global:
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


def _proxy(head: Line, lines: list[Line], spread_checks: int) -> Proxy:
    given: dict[str, Any] = {}
    options: set[str] = set()
    timeouts: dict[str, float] = {}
    binds: list[Endpoint] = []
    stats: Stats | None = None
    for line in lines:
        match line.words:
            case [("mode" | "balance" | "default_backend") as keyword, value, *_]:
                given[keyword] = value
            case ["http-reuse", value, *_]:
                given["http_reuse"] = value
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
    check = HealthCheck(
        spread_checks=spread_checks,
        timeout_connect=timeouts.get("connect"),
        timeout_check=timeouts.get("check"),
        http="httpchk" in options,
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


def _servers(lines: list[Line], check: HealthCheck) -> dict[str, Server]:
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


def _server(line: Line, begin: int, server: Server) -> Server:
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
