"""keepalived.conf as it is deployed: the facts that budgets are computed from.

Defaults are keepalived 2.2.7's (keepalived.conf(5), include/vrrp.h, vrrp_data.c); times are
seconds. The password is not kept: its length is.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from typing import Any

from halab.errors import NodeError
from halab.tracking import VrrpScript, VrrpTrackProcess
from halab.vrrp import Timers

_MOST = 2**32 - 1
# Which keywords take which number, the least and the most (vrrp_parser.c, global_parser.c).
_NUMBERS: tuple[tuple[Any, ...], ...] = (
    ("virtual_router_id priority", int, 1, 255),
    ("version vrrp_version", int, 2, 3),
    ("advert_int", float, 0.01, 255),
    ("down_timer_adverts vrrp_down_timer_adverts", int, 1, 100),
    ("preempt_delay", float, 0, 1000),
    ("interval timeout", lambda text: float(int(text) or 1), 1, _MOST // 10**6),
    ("fall rise quorum", int, 1, 65535),
    ("weight", int, -254, 254),
    ("delay fork_delay terminate_delay", float, 0, 3600),
    ("garp_master_delay vrrp_garp_master_delay vrrp_garp_lower_prio_delay", float, 0, _MOST),
    ("vrrp_garp_master_refresh vrrp_garp_interval vrrp_startup_delay", float, 0, _MOST),
    ("vrrp_garp_master_repeat vrrp_garp_master_refresh_repeat", int, 0, _MOST),
    ("vrrp_garp_lower_prio_repeat", int, 0, _MOST),
)
_LIMITS = {word: (kind, *ends) for words, kind, *ends in _NUMBERS for word in words.split()}
# What makes the file mean something else than it says: better no facts than wrong ones.
_UNREAD = ("include", "@", "$", "~")
_VIPS = "virtual_ipaddresses"


@dataclass(frozen=True)
class GlobalDefs:
    """``global_defs``; the vrrp_garp_* are the instances' defaults."""

    vrrp_version: int = 2
    vrrp_startup_delay: float = 0.0
    vrrp_down_timer_adverts: int = 3
    vrrp_garp_master_delay: float = 5.0
    vrrp_garp_master_repeat: int = 5
    vrrp_garp_master_refresh: float = 0.0
    vrrp_garp_master_refresh_repeat: int = 1
    vrrp_garp_lower_prio_delay: float | None = None  # None: as when it becomes MASTER
    vrrp_garp_lower_prio_repeat: int | None = None
    vrrp_garp_interval: float = 0.0


@dataclass(frozen=True)
class VrrpInstance:
    """A ``vrrp_instance``. What it tracks is there by name, with the weight that counts here."""

    name: str
    state: str
    interface: str
    virtual_router_id: int
    priority: int
    version: int = 2
    advert_int: float = 1.0
    down_timer_adverts: int = 3
    auth_type: str | None = None
    auth_pass_length: int = 0  # as written; keepalived uses the first 8 characters
    virtual_ipaddresses: tuple[IPv4Interface | IPv6Interface, ...] = ()
    track_interface: Mapping[str, int] = field(default_factory=dict)
    track_script: Mapping[str, int] = field(default_factory=dict)
    track_process: Mapping[str, int] = field(default_factory=dict)
    nopreempt: bool = False
    preempt_delay: float = 0.0
    garp_master_delay: float = 5.0

    @property
    def tracked_priorities(self) -> frozenset[int]:
        """What its priority may come to by the weights of what it tracks (keepalived.conf(5)).

        One below 0 counts while that fails, one above 0 while it does not; 1 to 254 remain.
        """
        reached = {self.priority}
        for weights in (self.track_interface, self.track_script, self.track_process):
            for weight in filter(None, weights.values()):
                reached |= {min(max(priority + weight, 1), 254) for priority in reached}
        return frozenset(reached - {self.priority})

    @property
    def timers(self) -> Timers:
        """Its timers, with the advert_int that keepalived makes of the one that is written.

        It rounds to whole seconds in VRRPv2 and to centiseconds in v3, and cuts to what the
        advert's field holds (vrrp.c, vrrp_complete_instance).
        """
        per_second, most = (1, 255) if self.version == 2 else (100, 4095)
        units = min(max(int(self.advert_int * per_second + 0.5), 1), most)
        return Timers(self.version, units / per_second, self.priority, self.down_timer_adverts)


@dataclass(frozen=True)
class Deployed:
    """What one keepalived.conf declares."""

    global_defs: GlobalDefs
    instances: tuple[VrrpInstance, ...]
    scripts: Mapping[str, VrrpScript]
    processes: Mapping[str, VrrpTrackProcess]

    @classmethod
    def parse(cls, text: str) -> Deployed:
        """Read a keepalived.conf; directives that are none of these facts are passed over.

        Raises :class:`NodeError` with the line for blocks or quotes that do not close, values
        that cannot be, and what would need more than this file (include, @host, $DEFINITION).
        """
        top = _tree(text)
        # keepalived reads global_defs first, wherever they are, and definitions before uses.
        defs = _global_defs(top.blocks("global_defs"))
        scripts = {s.name: s for s in map(_script, top.blocks("vrrp_script"))}
        processes = {p.name: p for p in map(_process, top.blocks("vrrp_track_process"))}
        tracked = {"track_interface": {}, "track_script": scripts, "track_process": processes}
        instances = (_instance(b, defs, tracked) for b in top.blocks("vrrp_instance"))
        return cls(defs, tuple(instances), scripts, processes)

    def instance(self, name: str) -> VrrpInstance:
        """The instance of that name; raises :class:`NodeError` if there is none."""
        named = {instance.name: instance for instance in self.instances}
        if name in named:
            return named[name]
        raise NodeError(f"keepalived.conf: no vrrp_instance {name}; it has {[*named]}")


@dataclass
class _Directive:
    line: int
    words: list[str]
    body: list[_Directive] = field(default_factory=list)

    def fail(self, why: str) -> NodeError:
        # The keyword only: the rest of the line may be a password.
        return NodeError(f"keepalived.conf:{self.line}: {self.words[0]}: {why}")

    def text(self) -> str:
        if len(self.words) < 2:
            raise self.fail("a value is missing")
        return self.words[1]

    def number(self) -> Any:
        kind, least, most = _LIMITS[self.words[0]]
        try:
            value = kind(self.text())
            if least <= value <= most:
                return value
        except ValueError:
            pass
        raise self.fail(f"{self.text()} is not a number from {least:g} to {most:g}")

    def numbers(self, fact: type) -> dict[str, Any]:
        known = _LIMITS.keys() & {f.name for f in fields(fact)}
        return {e.words[0]: e.number() for e in self.body if e.words[0] in known}

    def blocks(self, keyword: str) -> list[_Directive]:
        return [entry for entry in self.body if entry.words[0] == keyword]


def _statements(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each line's words, cut at braces, which come as statements of their own."""
    for number, line in enumerate(text.splitlines(), start=1):
        # Braces need no space around them, but a password may hold them.
        lexer = shlex.shlex(line, posix=True, punctuation_chars="" if "auth_pass" in line else "{}")
        lexer.whitespace_split, lexer.commenters, lexer.quotes, lexer.escape = True, "#!", '"', ""
        words: list[str] = []
        try:
            for word in lexer:
                if word.strip("{}"):
                    words.append(word)
                else:
                    yield from ((number, cut) for cut in (words, *map(list, word)) if cut)
                    words = []
        except ValueError:
            raise NodeError(f"keepalived.conf:{number}: a quote does not close") from None
        if words:
            yield number, words


def _tree(text: str) -> _Directive:
    top = _Directive(0, ["keepalived.conf"])
    open_blocks = [top]
    for line, words in _statements(text):
        body = open_blocks[-1].body
        if words == ["{"]:
            if not body:
                raise NodeError(f"keepalived.conf:{line}: a block without a keyword")
            open_blocks.append(body[-1])
        elif words == ["}"]:
            if len(open_blocks) == 1:
                raise NodeError(f"keepalived.conf:{line}: closes a block that is not open")
            open_blocks.pop()
        else:
            if words[0] == "auth_pass":  # goes no further than here, not into a traceback either
                words = ["auth_pass", *("*" * len(word) for word in words[1:])]
            body.append(_Directive(line, words))
            if words[0].startswith(_UNREAD):
                raise body[-1].fail("is not followed; deploy the file without it")
    if open_blocks != [top]:
        raise open_blocks[-1].fail("the block does not close")
    return top


def _global_defs(blocks: list[_Directive]) -> GlobalDefs:
    given: dict[str, Any] = {}
    for block in blocks:
        given |= block.numbers(GlobalDefs)
        for entry in block.blocks("vrrp_min_garp"):
            if entry.words[1:2] in ([], ["on"], ["true"], ["yes"]):
                unset = {"delay": 0.0, "repeat": 1, "refresh_repeat": 0}
                given = {f"vrrp_garp_master_{of}": n for of, n in unset.items()} | given
    return GlobalDefs(**given)


def _script(block: _Directive) -> VrrpScript:
    given = block.numbers(VrrpScript)
    given.setdefault("timeout", given.get("interval", 1.0))
    for entry in block.blocks("script"):
        given["script"] = " ".join(entry.words[1:])
    return VrrpScript(block.text(), **given)


def _process(block: _Directive) -> VrrpTrackProcess:
    given = block.numbers(VrrpTrackProcess)
    for entry in block.blocks("delay"):
        given = {"fork_delay": entry.number(), "terminate_delay": entry.number()} | given
    for entry in block.blocks("process"):
        given["process"] = " ".join(entry.words[1:])
    return VrrpTrackProcess(block.text(), **given)


def _tracked(entry: _Directive, defined: Mapping[str, Any]) -> tuple[str, int]:
    name, *given = entry.words
    if given[:1] == ["weight"]:
        return name, int(_Directive(entry.line, given).number())
    return name, defined[name].weight if name in defined else 0


def _instance(block: _Directive, defs: GlobalDefs, tracked: dict[str, Any]) -> VrrpInstance:
    given: dict[str, Any] = {
        "version": defs.vrrp_version,
        "down_timer_adverts": defs.vrrp_down_timer_adverts,
        "garp_master_delay": defs.vrrp_garp_master_delay,
        **block.numbers(VrrpInstance),
    }
    inner = [own for entry in block.blocks("authentication") for own in entry.body]
    for entry in block.body + inner:
        match entry.words[0]:
            case "state" | "interface" | "auth_type" as keyword:
                given[keyword] = entry.text()
            case "auth_pass":
                given["auth_pass_length"] = len(entry.text())
            case "virtual_ipaddress":
                try:
                    given[_VIPS] = tuple(ip_interface(own.words[0]) for own in entry.body)
                except ValueError as why:
                    raise entry.fail(str(why)) from None
            case "track_interface" | "track_script" | "track_process" as keyword:
                given[keyword] = dict(_tracked(own, tracked[keyword]) for own in entry.body)
            case "nopreempt" | "preempt" as keyword:
                given["nopreempt"] = keyword == "nopreempt"
    if missing := {"interface", "virtual_router_id"} - given.keys():
        raise block.fail(f"it has no {' and no '.join(sorted(missing))}")
    # keepalived derives one from the other (vrrp.c, vrrp_complete_instance).
    given.setdefault("priority", 255 if given.get("state") == "MASTER" else 100)
    given.setdefault("state", "MASTER" if given["priority"] == 255 else "BACKUP")
    if any(vip.version == 6 for vip in given.get(_VIPS, ())):
        given["version"] = 3
    return VrrpInstance(block.text(), **given)
