"""A desired state of the cluster, as a test module declares it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from halab import cpu, webserver
from halab.errors import ConfigurationError
from halab.hypervisor import domain
from halab.placement import Machine, Placement
from halab.steering import Steering
from halab.topology import Topology, VirtualMachine, Vrrp
from halab.tracking import TRACKING

PERSISTENCE = ("none", "cookie", "stick-table")
HEALTH_CHECKS = ("tcp", "http")
HTTP_REUSE = ("never", "safe", "aggressive", "always")
LAYERS = (7, 4)
OF_HAPROXY = (
    "haproxy_processes", "haproxy_threads", "haproxy_cpus", "tracking", "persistence",
    "health_check", "http_reuse",
)  # fmt: skip
"""Settings of a HAProxy, or that look at one: there is none at layer 4."""
MOST_INTER = 2147483.0
"""Seconds: HAProxy's times are of 31 bits of milliseconds (manual, section 2.5)."""


@dataclass(frozen=True)
class Configuration:
    """What the cluster is to be; the defaults are the thesis's first set-up with 24 VMs.

    ``vms_per_server``: 4 gives the thesis's 24 backends, 8 its 48.
    ``haproxy_processes``: each with a configuration, an admin socket and a PID file of its own.
    ``haproxy_threads``: of each process; a frontend port for each thread of each process.
    ``haproxy_cpus``: a CPU for each thread of each process, in their order (the threads of one
    process take theirs in ascending order); none leaves them to the scheduler.
    ``steering``: where the directors' NICs have their packets worked on.
    ``placement``: where the two before came from, if they are the thesis's; its CPU numbers are
    meant for its directors.
    ``servers``: so many of the topology's, from the first; 0 stands for all.
    ``vms_pinned``: each vCPU of a guest on a CPU, as annex A.14 has it; else left to the servers'
    schedulers.
    ``hypervisor``: the URI of the libvirt whose guests the VMs must be; empty where any VM does.
    ``tracking``: by what keepalived gives the VIP away: "interface" as in the thesis, and besides
    it "process" (HAProxy's processes are there) or "script" (they answer).
    ``nopreempt``: a MASTER that returns leaves the VIP where it is.
    ``preempt_delay``: seconds for which a MASTER that returns leaves it there.
    ``advert_int``, ``vrrp_version``: other than the topology's; 0 stands for the topology's.
    ``persistence``: by what a client keeps its backend: "none", "cookie" or "stick-table".
    ``higher_prio_send_advert``: a MASTER that hears a better one says so before it goes, and so
    has it announce itself.
    ``health_check``: what HAProxy asks of a web VM: "tcp", a connection, as in the thesis, or
    "http", its page.
    ``check_inter``: seconds between these checks, other than the topology's; 0 stands for those.
    ``web_server``: what serves on the VMs: "apache" with mod_php, as in the thesis, "apache-event"
    or "nginx", both with php-fpm, "tomcat" with a servlet, or "g-wan" where there is its binary.
    ``http_reuse``: whether HAProxy keeps connections to web VMs for other clients' requests:
    "never", "safe", "aggressive" or "always", as its manual has them.
    ``layer``: where directors balance: 7, HAProxy, as in the thesis, or 4, IPVS in their kernels,
    which keepalived tells of the web VMs and checks them for; its clients have one port.
    """

    vms_per_server: int = 4
    haproxy_processes: int = 1
    haproxy_threads: int = 1
    haproxy_cpus: tuple[int, ...] = ()
    steering: Steering = field(default_factory=Steering)
    placement: Placement | None = None
    servers: int = 0
    vms_pinned: bool = False
    hypervisor: str = ""
    tracking: str = "interface"
    nopreempt: bool = False
    preempt_delay: float = 0.0
    advert_int: float = 0.0
    vrrp_version: int = 0
    persistence: str = "none"
    health_check: str = "tcp"
    check_inter: float = 0.0
    higher_prio_send_advert: bool = False
    web_server: str = webserver.APACHE
    http_reuse: str = "never"
    layer: int = 7

    @classmethod
    def declared(
        cls, placement: Placement | None = None, rps_mask: str = "", **settings: Any
    ) -> Configuration:
        """The configuration with these settings; an unknown one is named, with what there is.

        A ``placement`` of the thesis gives the processes, their CPUs, and the steering, and
        ``rps_mask`` the steering alone, as ``rps_cpus`` has it: "008c".
        """
        known = [*(setting.name for setting in fields(cls)), "rps_mask"]
        unknown = sorted(set(settings) - set(known))
        if unknown:
            raise ConfigurationError(
                f"no such setting: {', '.join(unknown)}; a configuration has {', '.join(known)}"
            )
        if rps_mask:
            settings["steering"] = Steering(rps_cpus=cpu.cpus_of(rps_mask))
        if placement is not None:
            settings = {
                "haproxy_processes": len(placement.haproxy_cpus),
                "haproxy_cpus": placement.haproxy_cpus,
                "steering": placement.steering,
                **settings,
            }
        return cls(placement=placement, **settings)

    def backends(self, topology: Topology) -> tuple[VirtualMachine, ...]:
        """The VMs that serve; raises :class:`ConfigurationError` when the topology lacks some."""
        return topology.backends(self.vms_per_server, self.servers)

    def vrrp(self, topology: Topology) -> Vrrp:
        """The topology's VRRP, with what this configuration has otherwise."""
        otherwise = {"version": self.vrrp_version, "advert_int": self.advert_int}
        return topology.vrrp.model_copy(update={k: v for k, v in otherwise.items() if v})

    def checks_every(self, topology: Topology) -> float:
        """Seconds between HAProxy's checks of a web VM."""
        return self.check_inter or topology.haproxy.check.inter

    @property
    def needs_guests(self) -> bool:
        """True if VMs that are containers will not do: they have neither vCPUs nor a libvirt."""
        return self.vms_pinned or self.hypervisor != ""

    @property
    def needs_containers(self) -> bool:
        """True if guests of libvirt will not do: they are made with Apache and mod_php."""
        return self.web_server != webserver.APACHE

    def without_binary(self, topology: Topology) -> str:
        """Why no web VM can have its web server; empty if one can."""
        if self.web_server == webserver.GWAN and topology.webserver.gwan is None:
            return (
                "G-WAN is closed and no longer distributed: whoever has its binary names it in the "
                "topology's webserver.gwan"
            )
        return ""

    @property
    def needs_java(self) -> bool:
        """True if VMs without Java will not do."""
        return self.web_server == webserver.TOMCAT

    @property
    def needs_a_kernel(self) -> str:
        """Why directors that share a kernel will not do; empty if they do."""
        if self.layer == 4:
            return "there is no IPVS of their own"
        return "keepalived is told of no process" if self.tracking == "process" else ""

    def made_for(self, director: Machine) -> Machine:
        """The directors that its CPU numbers are meant for: the placement's, or the lab's own."""
        return self.placement.made_for if self.placement else director

    @property
    def processes(self) -> range:
        """The numbers of the HAProxy processes on each director; none at layer 4."""
        return range(1, self.haproxy_processes + 1 if self.layer == 7 else 1)

    @property
    def ports(self) -> int:
        """How many frontend ports it has."""
        return len(self.processes) * self.haproxy_threads or 1

    def cpus_of(self, process: int) -> tuple[int, ...]:
        """The CPUs of a process, by thread; none when the scheduler places it."""
        first = (process - 1) * self.haproxy_threads
        return self.haproxy_cpus[first : first + self.haproxy_threads]

    def ports_of(self, process: int, topology: Topology) -> tuple[int, ...]:
        """The frontend ports of a process, one for each of its threads."""
        first = (process - 1) * self.haproxy_threads
        return topology.haproxy.frontend_ports[first : first + self.haproxy_threads]

    def check(self, topology: Topology, director: Machine) -> None:
        """Raise :class:`ConfigurationError` with the limit of this topology, or of its directors.

        ``director`` is what each of the lab's directors is.
        """
        if self.hypervisor:
            domain.check(self.hypervisor)
        if self.web_server not in webserver.SERVERS:
            known = ", ".join(webserver.SERVERS)
            raise ConfigurationError(f"web_server={self.web_server!r}: there is {known}")
        if why := self.without_binary(topology):
            raise ConfigurationError(f"web_server={self.web_server!r}: {why}")
        self.backends(topology)
        self._check_failover(self.vrrp(topology))
        there = len(topology.haproxy.frontend_ports)
        for setting in ("haproxy_processes", "haproxy_threads"):
            if not 1 <= getattr(self, setting) <= there:
                raise ConfigurationError(
                    f"{setting}={getattr(self, setting)}: the topology has {there} frontend "
                    f"ports, so 1 to {there}"
                )
        if self.ports > there:
            raise ConfigurationError(
                f"haproxy_processes={self.haproxy_processes} of "
                f"haproxy_threads={self.haproxy_threads} need {self.ports} frontend ports, and "
                f"the topology has {there}"
            )
        if self.haproxy_cpus and len(self.haproxy_cpus) != self.ports:
            raise ConfigurationError(
                f"haproxy_cpus={self.haproxy_cpus}: {self.ports} threads in all need as many "
                "CPUs, or none to leave them to the scheduler"
            )
        asked = f"haproxy_cpus {cpu.cpu_list(self.haproxy_cpus)}"
        cpu.check(self.haproxy_cpus, director.cpus, asked=asked, node="a director")
        self.steering.check(director.cpus, "a director")

    def _check_failover(self, vrrp: Vrrp) -> None:
        for setting, known in (
            ("tracking", TRACKING),
            ("persistence", PERSISTENCE),
            ("health_check", HEALTH_CHECKS),
            ("http_reuse", HTTP_REUSE),
            ("layer", LAYERS),
        ):
            if getattr(self, setting) not in known:
                raise ConfigurationError(
                    f"{setting}={getattr(self, setting)!r}: there is {', '.join(map(str, known))}"
                )
        usual = Configuration()
        for setting in OF_HAPROXY if self.layer == 4 else ():
            if getattr(self, setting) != getattr(usual, setting):
                raise ConfigurationError(f"{setting} is of HAProxy, and layer=4 has none")
        if self.vrrp_version not in (0, 2, 3):
            raise ConfigurationError(f"vrrp_version={self.vrrp_version}: VRRP has versions 2 and 3")
        asked = f"advert_int={vrrp.advert_int:g} in VRRPv{vrrp.version}"
        unit, most = (1, 255) if vrrp.version == 2 else (0.01, 40.95)
        units = vrrp.advert_int / unit
        if not unit <= vrrp.advert_int <= most or abs(units - round(units)) > 1e-6:
            # keepalived rounds it and says nothing (vrrp.c, vrrp_complete_instance)
            raise ConfigurationError(
                f"{asked}: its packets hold {unit:g} to {most:g} s, in steps of {unit:g} s"
            )
        if self.check_inter and not 0.001 <= self.check_inter <= MOST_INTER:
            raise ConfigurationError(
                f"check_inter={self.check_inter:g}: 0.001 to {MOST_INTER:g} s, in HAProxy's units"
            )
        if not 0 <= self.preempt_delay <= 1000:
            raise ConfigurationError(f"preempt_delay={self.preempt_delay:g}: 0 to 1000 s it may be")
        if self.nopreempt and self.preempt_delay:
            raise ConfigurationError(
                "preempt_delay has no use with nopreempt, and keepalived drops it; ask for one"
            )

    @property
    def label(self) -> str:
        """Short, for a test's id: the placement, and what else is not the default."""
        usual = Configuration.declared(self.placement)
        named = [self.placement.name] if self.placement else []
        differing = [
            _shown(setting.name, getattr(self, setting.name))
            for setting in fields(self)
            if getattr(self, setting.name) != getattr(usual, setting.name)
        ]
        return ",".join([*named, *differing]) or "default"


def _shown(setting: str, value: object) -> str:
    if isinstance(value, tuple):
        return f"{setting}={'.'.join(map(str, value)) or 'any'}"
    return str(value) if isinstance(value, Steering) else f"{setting}={value}"
