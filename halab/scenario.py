"""A scenario of thresholds.yaml on a lab: what configuration it is there, and what it lacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from halab import page, running, webserver
from halab.client import Client
from halab.cluster import Cluster
from halab.configuration import Configuration
from halab.errors import ConfigurationError
from halab.facts import Facts
from halab.found import FoundCluster
from halab.load import GENERATORS, Served, past, run
from halab.placement import ANNEX_A1, PLACEMENTS, UNSTEERED, Machine
from halab.shape import Shape
from halab.steering import Steering
from halab.thresholds import Scenario, Setup

OK = 200

ALONE = (5,)
"""The CPU of a single HAProxy process in section 4.3.2."""


def configuration(setup: Setup, director: Machine) -> Configuration:
    """The set-up on a lab with such directors.

    On the thesis's directors a pinned process has the thesis's CPU and the interrupt its own; on
    others it has one of the last CPUs, and interrupts stay where they are.
    Raises :class:`ConfigurationError` where directors have fewer CPUs than are pinned to.
    """
    vms = {"vms_per_server": setup.vms_per_server, "servers": setup.servers}
    guests = {"vms_pinned": setup.vms_pinned, "hypervisor": "qemu:///system"}
    common: dict[str, Any] = {
        **vms,
        **(guests if setup.guests else {}),
        "web_server": setup.web_server,
        "http_reuse": setup.http_reuse,
    }
    if setup.placement:
        placed = PLACEMENTS[setup.placement]
        if director != placed.made_for:
            raise ConfigurationError(
                f"{placed.name} is made for directors with {placed.made_for}; these have {director}"
            )
        return Configuration.declared(placed, **common)
    processes = setup.haproxy_processes
    cpus: tuple[int, ...] = ()
    steering = Steering()
    if setup.pinned and director == ANNEX_A1:
        cpus = ALONE if processes == 1 else UNSTEERED.haproxy_cpus[:processes]
        steering = UNSTEERED.steering
    elif setup.pinned:
        cpus = tuple(sorted(director.cpus)[-processes:])
        if len(cpus) < processes:
            raise ConfigurationError(
                f"{processes} HAProxy processes on a CPU each need as many; directors have "
                f"{len(cpus)}"
            )
    return Configuration.declared(
        haproxy_processes=processes, haproxy_cpus=cpus, steering=steering, **common
    )


@dataclass(frozen=True)
class Stage:
    """A cluster on which scenarios are measured."""

    cluster: Cluster
    facts: Facts

    def inexpressible(self, scenario: Scenario, shape: Shape) -> Iterator[str]:
        """Why this lab cannot be what the scenario asks for; nothing if it can."""
        lab = self.cluster.lab
        try:
            wanted = configuration(scenario.setup, lab.directors_are)
            wanted.check(self.cluster.topology, lab.directors_are)
        except ConfigurationError as why:
            yield str(why)
            return
        if isinstance(self.cluster, FoundCluster):
            yield from running.otherwise(self.cluster, wanted)
        else:
            yield from self._unbuildable(wanted)
            if wanted.web_server == webserver.GWAN and ".php" in scenario.page:
                yield "G-WAN runs PHP by php-cgi, which web VMs have not"
        if isinstance(self.cluster, FoundCluster) and not self._has(scenario.page):
            yield f"web VMs have no page {scenario.page}"
        if shape.generator not in self.facts.generators:
            yield f"no {shape.generator} on the clients"

    def _has(self, name: str) -> bool:
        vm, port = self.cluster.backends[0], self.cluster.topology.webserver.port
        return webserver.get(vm.address, port, f"/{name}", within=30).status == OK

    def _asked_once(self, name: str) -> None:
        """Each VM has given the page: what is made at a first request is made (Tomcat's JSP)."""
        port = self.cluster.topology.webserver.port
        for vm in self.cluster.backends:
            webserver.get(vm.address, port, f"/{name}", within=60)

    def _wrong(self, name: str, served: Served) -> Iterator[str]:
        """What is wrong with what a load was answered, by its length and by one answer more."""
        vm, port = self.cluster.backends[0], self.cluster.topology.webserver.port
        answer = webserver.get(vm.address, port, f"/{name}", within=60)
        least = served.succeeded * len(answer.page.encode())
        if served.bytes < least:
            yield f"{served.bytes} bytes for {served.succeeded} answers of {least} without headers"
        if not isinstance(self.cluster, FoundCluster):
            names = self.cluster.web_server(vm.name).names_itself
            yield from page.wrong(answer, name, vm, names_itself=names)

    def _unbuildable(self, wanted: Configuration) -> Iterator[str]:
        lab, kind = self.cluster.lab, self.cluster.hypervisor.kind
        if wanted.needs_guests and kind == "container":
            yield f"web VMs are {kind}s, which have no vCPUs: run with --guests=libvirt"
        if wanted.needs_java and lab.guests != "java":
            yield f"web VMs are {lab.guests}, which have no Java: run with --guests=java"
        if wanted.needs_containers and kind != "container":
            yield f"guests of libvirt have no {wanted.web_server}: run without --guests=libvirt"
        if wanted.steering != Steering() and not lab.directors_have_a_kernel:
            yield f"directors of the {lab.kind} lab have no kernel of their own to steer packets in"

    def measure(self, scenario: Scenario, shape: Shape, pace: float = 0.0) -> Served:
        """Bring the cluster there and do the load once; ``pace`` is as a load has it.

        Raises :class:`halab.errors.InvalidRun` when it does not count.
        """
        cluster = self.cluster
        wanted = configuration(scenario.setup, cluster.lab.directors_are)
        steering = wanted.steering
        if isinstance(cluster, FoundCluster):
            steering = Steering()  # it is as it is, or was found inexpressible
        elif wanted != cluster.configuration:
            cluster.bring_to(wanted)
            if scenario.past:
                self._asked_once(scenario.page)
        clients = [Client(node) for node in cluster.clients.values()]
        # no client without a connection for each of its threads
        clients = clients[: max(1, shape.connections // shape.threads)]
        generator = GENERATORS[shape.generator]
        if scenario.past:
            load = replace(
                shape.load(scenario.page, len(cluster.backends), len(clients)), pace=pace
            )
            served = past.run(cluster, load, generator=generator, clients=clients)
            return replace(served, wrong=(*self._wrong(scenario.page, served),)).valid
        load = replace(shape.load(scenario.page, len(cluster.ports), len(clients)), pace=pace)
        with cluster.steered(steering):
            return run(cluster, load, generator=generator, clients=clients).valid
