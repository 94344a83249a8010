"""keepalived.conf as it is deployed: the facts that budgets are computed from.

Defaults are keepalived 2.2.7's (keepalived.conf(5), include/vrrp.h, vrrp_data.c); times are
seconds. The password is not kept: its length is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from typing import Any

from halab.errors import NodeError
from halab.keepalived_block import Block, tree
from halab.tracking import VrrpScript, VrrpTrackProcess
from halab.virtual_server import VirtualServer
from halab.vrrp import Timers

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
    virtual_servers: tuple[VirtualServer, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Deployed:
        """Read a keepalived.conf; directives that are none of these facts are passed over.

        Raises :class:`NodeError` with the line for blocks or quotes that do not close, values
        that cannot be, and what would need more than this file (include, @host, $DEFINITION).
        """
        top = tree(text)
        # keepalived reads global_defs first, wherever they are, and definitions before uses.
        defs = _global_defs(top.blocks("global_defs"))
        scripts = {s.name: s for s in map(_script, top.blocks("vrrp_script"))}
        processes = {p.name: p for p in map(_process, top.blocks("vrrp_track_process"))}
        tracked = {"track_interface": {}, "track_script": scripts, "track_process": processes}
        instances = (_instance(b, defs, tracked) for b in top.blocks("vrrp_instance"))
        return cls(defs, tuple(instances), scripts, processes, tuple(VirtualServer.all_of(top)))

    def instance(self, name: str) -> VrrpInstance:
        """The instance of that name; raises :class:`NodeError` if there is none."""
        named = {instance.name: instance for instance in self.instances}
        if name in named:
            return named[name]
        raise NodeError(f"keepalived.conf: no vrrp_instance {name}; it has {[*named]}")


def _global_defs(blocks: list[Block]) -> GlobalDefs:
    given: dict[str, Any] = {}
    for block in blocks:
        given |= block.numbers(GlobalDefs)
        for entry in block.blocks("vrrp_min_garp"):
            if entry.words[1:2] in ([], ["on"], ["true"], ["yes"]):
                unset = {"delay": 0.0, "repeat": 1, "refresh_repeat": 0}
                given = {f"vrrp_garp_master_{of}": n for of, n in unset.items()} | given
    return GlobalDefs(**given)


def _script(block: Block) -> VrrpScript:
    given = block.numbers(VrrpScript)
    given.setdefault("timeout", given.get("interval", 1.0))
    for entry in block.blocks("script"):
        given["script"] = " ".join(entry.words[1:])
    return VrrpScript(block.text(), **given)


def _process(block: Block) -> VrrpTrackProcess:
    given = block.numbers(VrrpTrackProcess)
    for entry in block.blocks("delay"):
        given = {"fork_delay": entry.number(), "terminate_delay": entry.number()} | given
    for entry in block.blocks("process"):
        given["process"] = " ".join(entry.words[1:])
    return VrrpTrackProcess(block.text(), **given)


def _tracked(entry: Block, defined: Mapping[str, Any]) -> tuple[str, int]:
    name, *given = entry.words
    if given[:1] == ["weight"]:
        return name, int(Block(entry.line, given).number())
    return name, defined[name].weight if name in defined else 0


def _instance(block: Block, defs: GlobalDefs, tracked: dict[str, Any]) -> VrrpInstance:
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
