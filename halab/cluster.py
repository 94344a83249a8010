"""The cluster: brought to a configuration by changing only what differs, and judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address

from halab import deployment, nic, steady_state, wait, webserver
from halab.client import Client
from halab.configuration import Configuration
from halab.director import Director
from halab.errors import LabError, Unreachable
from halab.gateway import Gateway
from halab.haproxy_stat import Stat, Status
from halab.lab.lab import Lab
from halab.names import listed
from halab.nic import Nic
from halab.node import Node, each
from halab.placement import Placement
from halab.steering import Steering
from halab.topology import Topology, VirtualMachine, Vrrp
from halab.wait import Condition
from halab.webserver import WebServer

Progress = Callable[[str], None]


class Cluster:
    """Directors, servers with their web VMs, clients and their gateway, in one lab."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.topology: Topology = lab.topology
        self.directors = {name: Director(lab.nodes[name]) for name in self.topology.directors}
        self.servers = {name: lab.nodes[name] for name in self.topology.servers}
        self.clients = {name: lab.nodes[name] for name in self.topology.clients}
        self.routed_clients = {name: lab.nodes[name] for name in self.topology.routed_clients}
        self.hypervisor = lab.hypervisor
        self.configuration: Configuration | None = None

    # -- who is who --------------------------------------------------------------------------

    @property
    def vip(self) -> IPv4Address:
        """The floating address."""
        return self.topology.vip

    @property
    def master(self) -> Director:
        """The director that the topology makes MASTER, whatever its state now."""
        return self.directors[self.topology.master.name]

    @property
    def backup(self) -> Director:
        """The other director."""
        return self.directors[self.topology.backup.name]

    @property
    def backends(self) -> tuple[VirtualMachine, ...]:
        """The VMs of the configuration that the cluster was brought to."""
        return self._configured.backends(self.topology)

    @property
    def vrrp(self) -> Vrrp:
        """VRRP as the configuration has it: the topology's, unless told otherwise."""
        return self._configured.vrrp(self.topology)

    @property
    def vms_by_server(self) -> dict[str, frozenset[str]]:
        """The names of the backends that each server is to run; some may have none."""
        return {
            server: frozenset(vm.name for vm in self.backends if vm.server == server)
            for server in self.servers
        }

    @property
    def ports(self) -> tuple[int, ...]:
        """The frontend ports that the configuration has."""
        return self.topology.haproxy.frontend_ports[: self._configured.ports]

    @property
    def processes(self) -> range:
        """The numbers of the HAProxy processes that the configuration has on each director."""
        return self._configured.processes

    def ports_of(self, process: int) -> tuple[int, ...]:
        """The frontend ports of one HAProxy process, one for each of its threads."""
        return self._configured.ports_of(process, self.topology)

    def cpus_by_thread(self, process: int) -> tuple[frozenset[int], ...]:
        """The CPUs on which each thread of a HAProxy process may run."""
        cpus = self._configured.cpus_of(process)
        anywhere = self.lab.directors_are.cpus
        if cpus:
            return tuple(frozenset({cpu}) for cpu in cpus)
        return (anywhere,) * self._configured.haproxy_threads

    @property
    def placement(self) -> Placement:
        """The thesis's placement that the configuration names."""
        assert self._configured.placement is not None, "the configuration names no placement"
        return self._configured.placement

    @property
    def _configured(self) -> Configuration:
        assert self.configuration is not None, "the cluster has not been brought to anything yet"
        return self.configuration

    @property
    def first_client(self) -> Client:
        """What one client suffices for, this one does."""
        return Client(next(iter(self.clients.values())))

    @property
    def gateway(self) -> Gateway | None:
        """The router into the LAN, if the topology has one."""
        described = self.topology.gateway
        return Gateway(self.lab.nodes[described.name]) if described else None

    def vm(self, name: str) -> Node:
        """A web VM as a node of its own."""
        return self.lab.vms[name]

    def web_server(self, vm: str) -> WebServer:
        """The web server of a VM, whichever it is."""
        return webserver.SERVERS[self._configured.web_server](self.vm(vm))

    def holders(self) -> list[Director]:
        """The directors that have the VIP on their NIC now; one that is away has it not."""

        def holds(node: Node) -> bool:
            try:
                return self.directors[node.name].holds(self.vip)
            except Unreachable:
                return False

        nodes = [director.node for director in self.directors.values()]
        return [self.directors[name] for name, here in each(nodes, holds).items() if here]

    # -- conditions --------------------------------------------------------------------------

    def vip_on(self, director: Director) -> Condition:
        """This director alone holds the VIP."""
        return Condition(
            f"the VIP is on {director.name} alone",
            lambda: self.holders() == [director],
            seen=lambda: f"it is on {[holder.name for holder in self.holders()]}",
        )

    def vip_reaches(self, director: Director) -> Condition:
        """This director holds the VIP, whoever else does."""
        return Condition(f"{director.name} takes the VIP", lambda: director.holds(self.vip))

    def down(self, vms: Iterable[VirtualMachine], *, by: Director | None = None) -> Condition:
        """HAProxy, of the MASTER or of another director, holds every one of these VMs for DOWN."""
        by = by or self.master
        return self._seen(by, vms, "DOWN", lambda server: server.status is Status.DOWN)

    def up(self, vms: Iterable[VirtualMachine]) -> Condition:
        """The MASTER's HAProxy holds every one of these VMs for UP."""
        return self._seen(self.master, vms, "UP", lambda server: server.up)

    def _seen(
        self,
        by: Director,
        vms: Iterable[VirtualMachine],
        state: str,
        is_so: Callable[[Stat], bool],
    ) -> Condition:
        names = [vm.name for vm in vms]

        def not_yet() -> list[str]:
            servers = by.haproxy().servers(self.topology.haproxy.backend)
            return [name for name in names if not is_so(servers[name])]

        return Condition(
            f"{by.name}'s HAProxy holds {listed(names)} for {state}",
            lambda: not not_yet(),
            seen=lambda: f"not {listed(not_yet())}",
        )

    def serves(self, vms: Iterable[VirtualMachine]) -> Condition:
        """Each of these VMs accepts connections; those that do are not asked again."""
        waiting, port = list(vms), self.topology.webserver.port

        def all_do() -> bool:
            while waiting and webserver.accepts(waiting[0].address, port):
                waiting.pop(0)
            return not waiting

        return Condition(
            f"every web VM accepts connections on port {port}",
            all_do,
            seen=lambda: f"{waiting[0].name} ({waiting[0].address}) does not",
        )

    def files(self, director: str, configuration: Configuration) -> dict[str, str]:
        """What belongs on a director in a configuration, by path."""
        return deployment.files(director, configuration, self.topology, self.lab.secrets)

    # -- change ------------------------------------------------------------------------------

    def bring_to(self, configuration: Configuration, progress: Progress = lambda _: None) -> None:
        """Change what differs from the configuration, then wait until all of it is steady.

        New VMs serve before a director knows of them, and no director knows of those that go,
        so that clients notice nothing; a VM that gets another web server starts anew. Raises
        :class:`ConfigurationError` for what the topology cannot give, before anything is changed.
        """
        configuration.check(self.topology, self.lab.directors_are)
        wanted = configuration.backends(self.topology)
        if (why := configuration.needs_a_kernel) and not self.lab.directors_have_a_kernel:
            raise LabError(f"{why}: directors of the {self.lab.kind} lab share a kernel")
        if configuration.needs_java and self.lab.guests != "java":
            raise LabError(f"web VMs are {self.lab.guests}, without Java: run with --guests=java")
        self.configuration = None
        progress(f"bringing the cluster to its configuration: {configuration.label}")
        surplus: dict[str, list[str]] = {}
        changed: dict[str, frozenset[str]] = {}

        def server(node: Node) -> None:
            mine = [vm for vm in wanted if vm.server == node.name]
            surplus[node.name] = self.hypervisor.place(
                node, mine, pinned=configuration.vms_pinned, web_server=configuration.web_server
            )

        def director(node: Node) -> None:
            files = self.files(node.name, configuration)
            changed[node.name] = self.directors[node.name].deploy(files)
            # VRRP needs seconds to elect: it does so while the VMs start
            self.directors[node.name].run_keepalived(files, changed[node.name])

        self._each(self.servers, server, also=director)
        self.serves(wanted).until(within=self.hypervisor.serving_within(len(wanted)))
        each(
            (d.node for d in self.directors.values()),
            lambda node: self.directors[node.name].run_haproxy(configuration, changed[node.name]),
        )
        each(
            (self.servers[name] for name, vms in surplus.items() if vms),
            lambda node: self.hypervisor.remove(node, surplus[node.name]),
        )
        self.configuration = configuration
        if configuration.nopreempt:
            self.hand_back()
        self.await_steady()
        if configuration.persistence == "stick-table":
            for each_director in self.directors.values():
                for process in self.processes:
                    each_director.haproxy(process).peered().until(within=15)

    def _each(
        self,
        servers: dict[str, Node],
        server: Callable[[Node], None],
        *,
        also: Callable[[Node], None],
    ) -> None:
        """Servers and directors at once, each with its own work."""
        nodes = [*(d.node for d in self.directors.values()), *servers.values()]
        each(nodes, lambda node: server(node) if node.name in servers else also(node))

    def hand_back(self) -> None:
        """The VIP to the MASTER where it may not preempt, or need not be waited for.

        The BACKUP's keepalived starts anew: it resigns, so that the MASTER waits for its skew_time
        only, and has then heard the MASTER. Nothing is done while the MASTER has the VIP.
        """
        held = Condition("one director holds the VIP", lambda: len(self.holders()) == 1)
        held.until(within=15)
        if self.holders() == [self.backup]:
            self.master.keepalived.hears().until(within=15)
            self.backup.keepalived.restart()
            self.vip_on(self.master).until(within=15)
            self.backup.keepalived.hear(self.master.node.address)

    @contextmanager
    def steered(self, steering: Steering) -> Iterator[None]:
        """The NICs of both directors steered so in the block, and put back after it.

        Raises :class:`halab.errors.LabError` for what the NICs of this lab have not got, with
        nothing changed on either.
        """
        nics = [Nic(director.node) for director in self.directors.values()]
        with nic.steered(nics if steering != Steering() else [], steering):
            yield

    def await_steady(self, within: float = 30) -> None:
        """Wait until there are no findings; raises :class:`halab.errors.NotReached` with them."""
        wait.until(
            lambda: not self.findings(),
            what="the cluster is in its steady state",
            within=within,
            seen=lambda: "; ".join(self.findings()) or "nothing wrong any more",
        )

    def findings(self) -> list[str]:
        """What departs from the steady state, a line each; empty when all is well."""
        return steady_state.findings(self)
