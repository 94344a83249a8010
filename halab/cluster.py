"""The cluster: brought to a configuration by changing only what differs, and judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from halab import templates, wait, webserver
from halab.client import Client
from halab.configuration import Configuration
from halab.director import Director
from halab.errors import NodeError, Unreachable
from halab.haproxy_stat import Status
from halab.hypervisor.container import ContainerHypervisor
from halab.node import Node, each
from halab.topology import Topology, VirtualMachine
from halab.webserver import Apache

if TYPE_CHECKING:
    from halab.lab.embedded import EmbeddedLab

Progress = Callable[[str], None]


class Cluster:
    """Directors, servers with their web VMs, and clients, in one lab."""

    def __init__(self, lab: EmbeddedLab) -> None:
        self.lab = lab
        self.topology: Topology = lab.topology
        self.directors = {name: Director(lab.nodes[name]) for name in self.topology.directors}
        self.servers = {name: lab.nodes[name] for name in self.topology.servers}
        self.clients = {name: lab.nodes[name] for name in self.topology.clients}
        self.hypervisor = ContainerHypervisor(self.topology)
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
        assert self.configuration is not None, "the cluster has not been brought to anything yet"
        return self.topology.backends(self.configuration.vms_per_server)

    @property
    def ports(self) -> tuple[int, ...]:
        """The frontend ports of the HAProxy processes that the configuration has."""
        assert self.configuration is not None, "the cluster has not been brought to anything yet"
        return self.topology.haproxy.frontend_ports[: self.configuration.haproxy_processes]

    @property
    def first_client(self) -> Client:
        """What one client suffices for, this one does."""
        return Client(next(iter(self.clients.values())))

    def vm(self, name: str) -> Node:
        """A web VM as a node of its own."""
        return self.lab.vms[name]

    def apache(self, vm: str) -> Apache:
        """The web server of a VM."""
        return Apache(self.vm(vm))

    def holders(self) -> list[Director]:
        """The directors that have the VIP on their NIC now; one that is away has it not."""

        def holds(node: Node) -> bool:
            try:
                return self.directors[node.name].holds(self.vip)
            except Unreachable:
                return False

        nodes = [director.node for director in self.directors.values()]
        return [self.directors[name] for name, here in each(nodes, holds).items() if here]

    def sees_down(self, vms: Iterable[VirtualMachine]) -> bool:
        """True while the MASTER's HAProxy holds every one of these VMs for DOWN."""
        servers = self.master.haproxy().servers(self.topology.haproxy.backend)
        return all(servers[vm.name].status is Status.DOWN for vm in vms)

    def sees_up(self, vms: Iterable[VirtualMachine]) -> bool:
        """True while the MASTER's HAProxy holds every one of these VMs for UP."""
        servers = self.master.haproxy().servers(self.topology.haproxy.backend)
        return all(servers[vm.name].up for vm in vms)

    def _first_holder(self) -> Director:
        return self.master

    # -- change ------------------------------------------------------------------------------

    def bring_to(self, configuration: Configuration, progress: Progress = lambda _: None) -> None:
        """Change what differs from the configuration, then wait until all of it is steady.

        New VMs serve before a director knows of them, and no director knows of those that go,
        so that clients notice nothing. Raises :class:`halab.errors.ConfigurationError` for what
        the topology cannot give, before anything is changed.
        """
        configuration.check(self.topology)
        wanted = self.topology.backends(configuration.vms_per_server)
        progress(f"bringing the cluster to {configuration}")
        surplus: dict[str, list[str]] = {}
        reload_later: dict[str, frozenset[str]] = {}

        def server(node: Node) -> None:
            ours = self.topology.servers[node.name].vms
            mine = [vm for vm in ours if vm in wanted]
            running = self.hypervisor.running(node)
            surplus[node.name] = sorted(running - {vm.name for vm in mine})
            missing = [vm for vm in mine if vm.name not in running]
            if missing:
                self.hypervisor.prepare(node, ours)
                self.hypervisor.start(node, missing)

        def director(node: Node) -> None:
            files = self._files(self.directors[node.name], configuration)
            reload_later[node.name] = self.directors[node.name].deploy(files)
            # VRRP needs seconds to elect: it does so while the VMs start
            self._run_keepalived(self.directors[node.name], reload_later[node.name])

        self._each(self.servers, server, also=director)
        self._await_web(wanted)
        each(
            (d.node for d in self.directors.values()),
            lambda node: self._run_haproxy(
                self.directors[node.name], reload_later[node.name], configuration
            ),
        )
        each(
            (self.servers[name] for name, vms in surplus.items() if vms),
            lambda node: self.hypervisor.remove(node, surplus[node.name]),
        )
        self.configuration = configuration
        self.await_steady()

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

    def _files(self, director: Director, configuration: Configuration) -> dict[str, str]:
        """What belongs on a director, by path."""
        facts = {
            "name": director.name,
            "director": self.topology.directors[director.name],
            "directors": tuple(self.topology.directors.values()),
            "vrrp": self.topology.vrrp,
            "haproxy": self.topology.haproxy,
            "vip": self.vip,
            "backends": self.topology.backends(configuration.vms_per_server),
            "web_port": self.topology.webserver.port,
            "check_inter_ms": round(self.topology.haproxy.check.inter * 1000),
            "vrrp_password": self.lab.secrets.vrrp,
            "stats_password": self.lab.secrets.stats,
        }
        count = len(self.topology.backends(configuration.vms_per_server))
        files = {
            # HAProxy of the BACKUP binds the VIP before it has it
            "/etc/sysctl.d/90-vip.conf": "net.ipv4.ip_nonlocal_bind = 1\n",
            "/etc/systemd/system/haproxy@.service": templates.text("haproxy@.service"),
            "/etc/keepalived/keepalived.conf": templates.render("keepalived.conf.j2", **facts),
        }
        for process in range(1, configuration.haproxy_processes + 1):
            files[f"/etc/haproxy/haproxy-{process}.cfg"] = templates.render(
                "haproxy.cfg.j2",
                process=process,
                socket=f"/run/haproxy/HAProxy{count}{process}.sock",
                **facts,
            )
        return files

    def _run_keepalived(self, director: Director, changed: frozenset[str]) -> None:
        if any(path.endswith("keepalived.conf") for path in changed):
            director.keepalived.reload()
        else:
            director.keepalived.start()

    def _run_haproxy(
        self, director: Director, changed: frozenset[str], configuration: Configuration
    ) -> None:
        running = director.haproxy_processes()
        for process in range(1, configuration.haproxy_processes + 1):
            haproxy = director.haproxy(process)
            if haproxy.config in changed:
                haproxy.reload()
            elif process not in running:
                haproxy.start()
        for surplus in sorted(p for p in running if p > configuration.haproxy_processes):
            director.haproxy(surplus).stop()

    def _await_web(self, vms: Iterable[VirtualMachine], within: float = 30) -> None:
        port = self.topology.webserver.port
        for vm in vms:
            wait.until(
                lambda vm=vm: webserver.accepts(vm.address, port),  # type: ignore[misc]
                what=f"{vm.name} ({vm.address}) accepts connections on port {port}",
                within=within,
                every=0.02,
            )

    def await_vip_on(self, director: Director, within: float = 30) -> None:
        """Wait until this director alone holds the VIP."""
        wait.until(
            lambda: self.holders() == [director],
            what=f"the VIP is on {director.name} alone",
            within=within,
            every=0.02,
            seen=lambda: [holder.name for holder in self.holders()],
        )

    def await_down(self, vms: Iterable[VirtualMachine], within: float = 60) -> None:
        """Wait until the MASTER's HAProxy holds all of these VMs for DOWN."""
        vms = list(vms)
        wait.until(
            lambda: self.sees_down(vms), what=f"{_listed(v.name for v in vms)} DOWN", within=within
        )

    # -- steady state ------------------------------------------------------------------------

    def await_steady(self, within: float = 30) -> None:
        """Wait until there are no findings; raises :class:`halab.errors.NotReached` with them."""
        wait.until(
            lambda: not self.findings(),
            what="the cluster is in its steady state",
            within=within,
            every=0.05,
            seen=lambda: "; ".join(self.findings()) or "nothing wrong any more",
        )

    def findings(self) -> list[str]:
        """What departs from the steady state, a line each; empty when all is well.

        Steady is: every director runs what the configuration says, sees every backend UP by a
        check that has been made, and the VIP is on the MASTER alone.
        """
        found: list[str] = []
        for seen in each(
            (director.node for director in self.directors.values()),
            lambda node: self._director_findings(self.directors[node.name]),
        ).values():
            found += seen
        return found

    def _director_findings(self, director: Director) -> list[str]:
        try:
            return self._away_from_steady(director)
        except NodeError as error:
            return [str(error)]

    def _away_from_steady(self, director: Director) -> list[str]:
        assert self.configuration is not None, "the cluster has not been brought to anything yet"
        found = []
        holds, should = director.holds(self.vip), director is self.master
        if holds != should:
            found.append(
                f"{director.name}: the VIP {self.vip} is {'' if holds else 'not '}on "
                f"{director.node.nic}"
            )
        expected = {vm.name for vm in self.backends}
        for process in range(1, self.configuration.haproxy_processes + 1):
            haproxy = director.haproxy(process)
            try:
                servers = haproxy.servers(self.topology.haproxy.backend)
            except NodeError as error:
                found.append(str(error))
                continue
            for what, names in (
                ("has no", expected - servers.keys()),
                ("has an unknown", servers.keys() - expected),
                ("sees down", {n for n, s in servers.items() if not s.up}),
                ("has not checked", {n for n, s in servers.items() if s.up and not s.check_passed}),
            ):
                if names:
                    found.append(f"{director.name}: HAProxy {process} {what} {_listed(names)}")
        return found


def _listed(names: Iterable[str], most: int = 6) -> str:
    ordered = sorted(names, key=lambda name: (len(name), name))
    more = f" and {len(ordered) - most} more" if len(ordered) > most else ""
    return ", ".join(ordered[:most]) + more
