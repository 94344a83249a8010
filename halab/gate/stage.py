"""HAProxys side by side on a director, each in a network of its own; see :mod:`halab.gate.arena`.

What they are compared by is the CPU time that a request costs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address
from pathlib import Path
from typing import Any

from halab import haproxy_cfg
from halab.errors import HalabError, NodeError
from halab.haproxy_cfg import Configuration, Proxy
from halab.haproxy_line import PROXIES, sections
from halab.node import Node
from halab.transport import LineChannel

PROGRAM = "/run/halab-arena.py"
FOLDER = "/run/halab-arena"
ALONE = "unshare --pid --fork --kill-child --mount-proc"
BINARY = "/usr/sbin/haproxy"

CONNECTIONS = 16
SLICE = 0.5
"""Seconds for which two are counted while both are asked."""

PAGE = "/index.html"
# Of the length of a small page; it is the same for all.
_ORIGIN = """\
global
    maxconn 4000
    nbthread 1
defaults
    mode http
    timeout client 60s
frontend origin
{binds}
    http-request return status 200 content-type text/html string "{page}"
"""


class NotComparable(HalabError):
    """A configuration that cannot be run beside another; says why."""


class Failing(NodeError):
    """A HAProxy that does not start, or does not answer every request, on the stage.

    ``who`` is its name there; empty if it was the node's fault.
    """

    def __init__(self, who: str, what: str) -> None:
        self.who = who
        super().__init__(f"{who}: {what}")


@dataclass(frozen=True)
class Contender:
    """A HAProxy to be compared: its configuration, with passwords, and its program.

    It is asked on ``port`` where a frontend of it serves pages there, else on its first one's.
    """

    text: str
    binary: str = BINARY
    port: int | None = None

    def __repr__(self) -> str:
        return f"Contender({self.binary})"


@dataclass(frozen=True)
class Cost:
    """What requests cost a HAProxy in one slice; seconds of CPU time a request."""

    requests: int
    cpu: float


def place(contender: Contender) -> dict[str, Any]:
    """What the arena is told of a contender; raises :class:`NotComparable`."""
    try:
        deployed = haproxy_cfg.parse(contender.text)
    except NodeError as error:
        raise NotComparable(str(error)) from None
    _, address, port = asked(deployed, contender.port)
    for section, lines in sections(contender.text):
        if section.words[0] == "global":
            for line in lines:
                # -db of the command line does not take it back
                if line.words[0] == "master-worker":
                    raise NotComparable(
                        f"haproxy.cfg:{line.number}: master-worker: a duet counts the CPU time of "
                        "one process, and its work would be another's; -W in the unit does the same"
                    )
        if section.words[0] in (*PROXIES, "defaults"):
            for line in lines:
                if line.words[0] in ("bind", "server", "default-server") and "ssl" in line.words:
                    raise NotComparable(
                        f"haproxy.cfg:{line.number}: {line.words[0]} with ssl: a duet asks, and "
                        "answers, in plain HTTP only"
                    )
    origin = sorted(_servers(deployed.backends.values()))
    if not origin:
        raise NotComparable("haproxy.cfg: no server with an IPv4 address and a port")
    binds = "\n".join(f"    bind {ip}:{number}" for ip, number in origin)
    return {
        "binary": contender.binary,
        "haproxy": contender.text,
        "ready": [(address, port)],
        "url": f"http://{_reached(address)}:{port}{PAGE}",
        "chroot": _chroot(contender.text),
        "origin": _ORIGIN.format(binds=binds, page="x" * 100),
        "origin_ready": origin[:1],
    }


def asked(deployed: Configuration, wanted: int | None = None) -> tuple[str, str, int]:
    """The first frontend that serves pages and binds a port, by name; and that address and port.

    The first that binds the ``wanted`` port, if one does. Raises :class:`NotComparable` where none
    serves pages.
    """
    found = [
        (proxy.name, "0.0.0.0" if address == "*" else address, port)
        for proxy in deployed.frontends.values()
        if proxy.mode == "http" and proxy.stats is None
        for address, port in proxy.binds
        if port is not None
    ]
    if not found:
        raise NotComparable("haproxy.cfg: no frontend of mode http that binds a port")
    return next((one for one in found if one[2] == wanted), found[0])


def _reached(address: str) -> str:
    return "127.0.0.1" if address == "0.0.0.0" else address


def _servers(proxies: Iterable[Proxy]) -> set[tuple[str, int]]:
    found = set()
    for proxy in proxies:
        for server in proxy.servers.values():
            for port in (server.port, server.check.port):
                if port is not None and _is_ipv4(server.address):
                    found.add((server.address, port))
    return found


def _is_ipv4(address: str) -> bool:
    try:
        IPv4Address(address)
    except AddressValueError:
        return False
    return True


def _chroot(text: str) -> str:
    for head, lines in sections(text):
        if head.words[0] == "global":
            for line in lines:
                if line.words[0] == "chroot":
                    return line.word()
    return ""


class Stage:
    """The HAProxys that stand there, by name."""

    def __init__(self, node: Node, channel: LineChannel) -> None:
        self.node = node
        self._channel = channel

    def enter(self, name: str, contender: Contender) -> None:
        """Start one; raises :class:`Failing` with what it said when it does not."""
        told = {"places": {name: place(contender)}}
        answer = self._told(told, within=30)
        if "error" in answer:
            raise Failing(name, f"on {self.node.name} {answer['error']}")

    def together(self, *names: str) -> dict[str, Cost]:
        """What requests cost each of them in :data:`SLICE` seconds in which both are asked.

        The first one begins. Raises :class:`Failing` when one answers something else than 2xx, or
        nothing.
        """
        told = {"names": names, "connections": CONNECTIONS, "seconds": SLICE}
        answer = self._told(told, within=30)
        if "error" in answer:
            raise Failing(answer["who"], f"on {self.node.name} {answer['error']}")
        costs = {}
        for name, done in answer["done"].items():
            requests, answered = done["requests"], done["answered"]
            # some of both were under way when the counting began and when it ended
            if requests == 0 or abs(requests - answered) > CONNECTIONS:
                raise Failing(name, f"{answered} of {requests} requests were answered with 2xx")
            costs[name] = Cost(requests, done["cpu"] / 1e9 / requests)
        return costs

    def _told(self, told: Mapping[str, Any], within: float) -> dict[str, Any]:
        self._channel.send_line(json.dumps(told))
        answer = json.loads(self._channel.read_line(within))
        if not isinstance(answer, dict):
            raise NodeError(f"{self.node.name}: the arena answered {answer!r}")
        return answer


@contextmanager
def staged(node: Node) -> Iterator[Stage]:
    """An empty stage on a node; all that stands there ends with the block, or with us."""
    node.put(PROGRAM, Path(__file__).with_name("arena.py").read_bytes())
    node.run("mkdir -p -m 711 %s", FOLDER)
    channel = node.converse(f"exec {ALONE} python3 {PROGRAM}")
    try:
        yield Stage(node, channel)
    finally:
        channel.close()
        node.run("rm -rf -- %s %s", PROGRAM, FOLDER)
