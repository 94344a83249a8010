"""The cluster as it is found: what runs on real machines, which this suite has not deployed.

Nothing is brought anywhere here. Names of HAProxy's servers are those that are deployed; what the
topology says must be there is told apart by its address.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from ipaddress import ip_interface
from itertools import pairwise
from typing import Any

import requests

from halab import cpu, doctor, haproxy_cfg, page, webserver
from halab.cluster import Cluster, Progress
from halab.configuration import Configuration
from halab.director import Director
from halab.errors import ConfigurationError, NodeError
from halab.faults.disk import MOST
from halab.haproxy import Place
from halab.keepalived_conf import VrrpInstance
from halab.lab.remote import RemoteLab
from halab.node import Node, each
from halab.placement import Machine
from halab.topology import Topology, VirtualMachine
from halab.webserver import Answer, Apache, Nginx, WebServer

# Each active unit with HAProxy in its name, its main process's command line, and its folder.
_HAPROXIES = (
    "for unit in $(systemctl list-units --plain --no-legend --state=active --type=service "
    "'*haproxy*' | cut -d ' ' -f 1); do pid=$(systemctl show -P MainPID $unit); "
    "echo \"$unit $(tr '\\0' ' ' < /proc/$pid/cmdline)\"; done"
)
_MACHINE = "cat /sys/devices/system/cpu/online; cat /sys/devices/system/node/online 2>&- || echo 0"

_PAGES = {webserver.TOMCAT: (page.SERVLET,), webserver.GWAN: ("index.html",)}
"""What is asked of other web servers than those with PHP."""

WITH_PHP = ("apache", "nginx")
"""By their own word, whatever PHP is behind them."""

FIXED = ("nopreempt", "preempt_delay")
"""Settings that every test rests on, whether its module names them or not."""

FREE = ("check_inter",)
"""Settings that only make a test faster: its budgets are of what is deployed."""


@dataclass(frozen=True)
class Found:
    """What was found; ``lacking`` has a reason for each thing that a test may rest on, and cannot.

    ``haproxies`` are the HAProxy processes of each director, from 1; ``names`` those of backends
    by their address.
    """

    configuration: Configuration
    haproxies: Mapping[str, Mapping[int, Place]]
    names: Mapping[str, str]
    machine: Machine
    lacking: Mapping[str, str]

    def lacks(self, asked: Configuration) -> str:
        """Why a module that asks for this configuration has no say here; empty if it has."""
        usual = Configuration()
        for setting in fields(Configuration):
            name = setting.name
            here, there = getattr(self.configuration, name), getattr(asked, name)
            rested = name in FIXED or there != getattr(usual, name)
            if rested and name not in FREE and here != there:
                return (
                    f"the cluster is judged as it is found, with {name}={here}, and this is of "
                    f"one with {name}={there}"
                )
        return ""


def look(lab: RemoteLab) -> Found:
    """Look at all that runs; raises :class:`NodeError` for what cannot be made out."""
    topology = lab.topology
    directors = [lab.nodes[name] for name in topology.directors]
    haproxies = each(directors, _haproxies)
    for name, places in haproxies.items():
        if not places:
            raise NodeError(f"{name}: no unit *haproxy*.service is active: start HAProxy")
    found = {name: Director(lab.nodes[name], places) for name, places in haproxies.items()}
    deployed = each(directors, lambda node: found[node.name].haproxy().deployed())
    instances = each(directors, lambda node: found[node.name].keepalived.instance())
    master = topology.master.name
    machine = each(directors, _machine)[master]
    proxy = deployed[master].backends.get(topology.haproxy.backend)
    if proxy is None:
        there = ", ".join(deployed[master].backends) or "none"
        raise NodeError(
            f"{master}: haproxy.cfg has no backend {topology.haproxy.backend}, but {there}: set "
            "haproxy.backend in the topology"
        )
    names = {server.address: server.name for server in proxy.servers.values()}
    if not any(str(vm.address) in names for vm in topology.vms):
        raise NodeError(f"{master}: none of HAProxy's servers has an address of the topology's VMs")
    here = Counter(vm.server for vm in topology.vms if str(vm.address) in names)
    configuration = replace(
        _of_haproxy(proxy, deployed[master]),
        web_server=_web_server(topology, names),
        vms_per_server=max(here.values(), default=1),
        haproxy_processes=len(haproxies[master]),
        **_of_keepalived(instances[master]),
    )
    configuration.backends(topology)
    lacking = _lacking(topology, configuration, proxy, names, instances[master])
    if lab.described.disposable:
        lacking |= _breakable(lab, directors, names)
    return Found(configuration, haproxies, names, machine, lacking)


def _haproxies(node: Node) -> dict[int, Place]:
    """The HAProxy processes of a director, from 1, in the order of their units' names."""
    places = []
    for line in sorted(node.run(_HAPROXIES).splitlines()):
        unit, *command = shlex.split(line)
        files = [b for a, b in pairwise(command) if a == "-f"]
        if len(files) != 1:
            raise NodeError(
                f"{node.name}: {unit} was started with {len(files)} files by -f: one is expected"
            )
        places.append(Place(unit, files[0]))
    return dict(enumerate(places, start=1))


def _machine(node: Node) -> Machine:
    online, nodes = node.run(_MACHINE).split()
    return Machine(cpu.cpus_in(online), len(cpu.cpus_in(nodes)))


def _of_haproxy(proxy: haproxy_cfg.Proxy, deployed: haproxy_cfg.Configuration) -> Configuration:
    checks = [server.check for server in proxy.servers.values()]
    persistence = "cookie" if proxy.cookie else "stick-table" if proxy.stick_table else "none"
    return Configuration(
        haproxy_threads=deployed.process.nbthread or 1,
        persistence=persistence,
        health_check="http" if any(check.http for check in checks) else "tcp",
        check_inter=checks[0].inter if checks else 0.0,
        http_reuse=proxy.http_reuse,
    )


def _of_keepalived(instance: VrrpInstance) -> dict[str, Any]:
    by = "script" if instance.track_script else "process" if instance.track_process else "interface"
    return {
        "tracking": by,
        "nopreempt": instance.nopreempt,
        "preempt_delay": instance.preempt_delay,
    }


def _lacking(
    topology: Topology,
    configuration: Configuration,
    proxy: haproxy_cfg.Proxy,
    names: Mapping[str, str],
    instance: VrrpInstance,
) -> dict[str, str]:
    """What a test may rest on, and why it cannot; the words are those of ``rests_on``."""
    lacking = {
        "front panel": "no power switch or cable of real machines is in reach",
        "hypervisor": "what hosts the web VMs of real machines is not described",
        "clocks": "others trust the clocks of real machines, which are not set",
    }
    if configuration.tracking != "interface":
        lacking["interface tracking"] = f"keepalived tracks HAProxy by {configuration.tracking}"
    host = ip_interface(f"{topology.vip}/32")
    if host not in instance.virtual_ipaddresses:
        lacking["VIP as a host address"] = (
            f"keepalived has {topology.vip} with its network's prefix"
        )
    if configuration.health_check != "tcp":
        lacking["TCP checks"] = "HAProxy's checks are of HTTP"
    if proxy.balance != "roundrobin":
        lacking["round robin"] = f"the backend has balance {proxy.balance}"
    if topology.haproxy.stats.password is None:
        lacking["stats password"] = "the topology has no haproxy.stats.password"
    return lacking | _of_pages(topology, names, configuration.web_server)


def _breakable(lab: RemoteLab, directors: list[Node], names: Mapping[str, str]) -> dict[str, str]:
    """What only tests that break something rest on."""
    lacking = {}
    left = each(directors, lambda node: int(node.run("df --output=avail -B1 /var | tail -n 1")))
    for name, space in left.items():
        if space > MOST:
            lacking["small disks"] = f"{name}:/var has {space >> 20} MiB left, too many to fill"
    first = next(node for node in lab.vms.values() if str(node.address) in names)
    if not first.lets_in():
        lacking["web VMs over SSH"] = f"{first.address} does not let {lab.access.user} in"
    elif first.ask("test -e %s", Apache.pid_file).rc != 0:
        lacking["Apache"] = f"{first.address} runs no Apache"
    return lacking


def _web_server(topology: Topology, names: Mapping[str, str]) -> str:
    """What a backend that is deployed calls itself: "apache", or "unnamed".

    Tomcat has no name for itself; it is known by the servlet that is asked of it.
    """
    address = next(vm.address for vm in topology.vms if str(vm.address) in names)
    port = topology.webserver.port
    try:
        said = webserver.program(address, port).partition("/")[0].lower()
        if not said and webserver.get(address, port, f"/{page.SERVLET}").status == page.OK:
            return webserver.TOMCAT
    except requests.RequestException:
        said = ""
    return said or "unnamed"


def _of_pages(topology: Topology, names: Mapping[str, str], web_server: str) -> dict[str, str]:
    """What the pages of one backend that is deployed do not give."""
    lacking = {}
    if web_server not in WITH_PHP:
        lacking["Apache or nginx"] = f"web VMs run {web_server}"
    vm = next(vm for vm in topology.vms if str(vm.address) in names)
    address, name = vm.address, names[str(vm.address)]
    asked = _PAGES.get(web_server, page.PAGES)

    def got(path: str) -> Answer:
        return webserver.get(address, topology.webserver.port, path)

    try:
        first, slow = got("/index.html"), got(webserver.SLOW_PAGE)
        answers = {path: got(f"/{path}") for path in asked}
    except requests.RequestException as error:
        never = f"{address} answers no request of ours: {type(error).__name__}"
        return lacking | dict.fromkeys(("named backends", "slow page", "pages"), never)
    if first.served_by != name:
        lacking["named backends"] = (
            f"{address} says {webserver.SERVED_BY}: {first.served_by or 'nothing'}, and HAProxy "
            f"calls it {name}"
        )
    if slow.status != page.OK:
        lacking["slow page"] = f"{address} answers {webserver.SLOW_PAGE} with {slow.status}"
    named, itself = vm.model_copy(update={"name": name}), web_server != webserver.GWAN
    for path, answer in answers.items():
        for why in page.wrong(answer, path, named, names_itself=itself):
            lacking.setdefault("pages", f"/{path} of {address} is not this suite's: {why}")
    return lacking


class FoundCluster(Cluster):
    """A cluster that stays in the configuration in which it was found."""

    def __init__(self, lab: RemoteLab, found: Found) -> None:
        super().__init__(lab)
        self.found = found
        self.directors = {
            name: Director(lab.nodes[name], places) for name, places in found.haproxies.items()
        }
        self.configuration = found.configuration

    @property
    def backends(self) -> tuple[VirtualMachine, ...]:
        """The VMs that the topology has, as many of each server, by the names in HAProxy."""
        found = super().backends
        names = self.found.names
        return tuple(
            vm.model_copy(update={"name": names.get(str(vm.address), vm.name)}) for vm in found
        )

    def vm(self, name: str) -> Node:
        """A web VM as a node of its own, by the name in HAProxy."""
        address = next(vm.address for vm in self.backends if vm.name == name)
        return next(node for node in self.lab.vms.values() if node.address == address)

    def web_server(self, vm: str) -> WebServer:
        """The web server of a VM: nginx where it runs, else Apache."""
        node = self.vm(vm)
        nginx = node.ask("test -e %s", Nginx.pid_file).rc == 0
        return Nginx(node) if nginx else Apache(node)

    def findings(self) -> list[str]:
        """What is wrong with any node as well: real machines may have been hurt by a test."""
        return doctor.ails(self)

    def bring_to(self, configuration: Configuration, progress: Progress = lambda _: None) -> None:
        """Change nothing: what is not steady is for the tests to judge.

        Raises :class:`ConfigurationError` for a configuration that is not the one found.
        """
        if lacking := self.found.lacks(configuration):
            raise ConfigurationError(lacking)
        progress(f"taking the cluster as it is: {self.found.configuration.label}")
