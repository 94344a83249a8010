"""Light web VMs: systemd-nspawn machines on a server, as instances of ``web-vm@.service``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from halab import templates, webserver
from halab.errors import ConfigurationError
from halab.lab.switch import mac
from halab.node import Node
from halab.topology import Topology, VirtualMachine

UNIT = re.compile(r"web-vm@([a-z0-9-]+)\.service")

_MACHINE = re.compile(r" --machine=(\S+) .*/web-vm (\S+)$", re.MULTILINE)


class ContainerHypervisor:
    """Each VM has a network namespace on the server's bridge, an sshd and a web server."""

    kind = "container"

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self.prefix = topology.network.prefixlen

    def running(self, server: Node) -> frozenset[str]:
        """The names of the VMs that run on the server."""
        units = server.run(
            "systemctl list-units --plain --no-legend --state=active 'web-vm@*.service'"
        )
        return frozenset(UNIT.findall(units))

    def serving_within(self, vms: int) -> float:
        """Seconds; 4 s were measured for 48, and for Tomcat 10 on a busy machine."""
        return 30 + 0.5 * vms

    def web_servers(self, server: Node) -> dict[str, str]:
        """What each VM that runs was started with, by the VM's name."""
        # pgrep finds none where no VM runs
        return dict(_MACHINE.findall(server.ask("pgrep -a -x systemd-nspawn").stdout))

    def place(
        self,
        server: Node,
        vms: Sequence[VirtualMachine],
        *,
        pinned: bool,
        web_server: str = webserver.APACHE,
    ) -> list[str]:
        """Have these VMs run; the names of others. There are no vCPUs, so none can be pinned."""
        if pinned:
            raise ConfigurationError("the VMs are containers, which have no vCPUs to pin")
        running, served_by = self.running(server), self.web_servers(server)
        otherwise = [
            vm.name for vm in vms if vm.name in running and served_by.get(vm.name) != web_server
        ]
        self.power_off(server, otherwise)
        missing = [vm for vm in vms if vm.name not in running - {*otherwise}]
        if missing:
            self._prepare(server, self.topology.servers[server.name].vms, web_server)
            self.start(server, missing)
        return sorted(running - {vm.name for vm in vms})

    def _prepare(self, server: Node, vms: Iterable[VirtualMachine], web_server: str) -> None:
        """Put the VMs' addresses and pages on the server, and what is to serve them."""
        rows = "".join(f"{vm.name} {vm.address}/{self.prefix} {mac(vm.address)}\n" for vm in vms)
        server.put_all(
            {
                "/etc/web-vms": rows,
                "/etc/web-server": f"WEB_SERVER={web_server}\n",
                **{f"/srv/www/{name}": page for name, page in templates.pages().items()},
            }
        )

    def start(self, server: Node, vms: Iterable[VirtualMachine]) -> None:
        """Switch the VMs on, now and at the server's every boot."""
        self._systemctl(server, "enable", [vm.name for vm in vms], "start")

    def power_off(self, server: Node, vms: Iterable[str]) -> None:
        """Cut the VMs' power, cable first."""
        self._systemctl(server, "stop", vms)

    def remove(self, server: Node, vms: Iterable[str]) -> None:
        """Cut the VMs' power and keep them from the server's next boot."""
        self._systemctl(server, "disable", vms, "stop")

    def filter(self, server: Node, vm: Node, rules: str) -> None:
        """Have nft work in the VM's network namespace: the VM itself may not."""
        server.run("nsenter --net=%s nft -f -", f"/run/netns/{vm.name}", stdin=rules)

    def _systemctl(self, server: Node, verb: str, vms: Iterable[str], then: str = "") -> None:
        units = [f"web-vm@{vm}.service" for vm in vms]
        if not units:
            return
        names = " ".join(["%s"] * len(units))
        command = f"systemctl --quiet --no-reload {verb} {names}"
        if then:
            command += f" && systemctl {then} {names}"
            units *= 2
        server.run(command, *units)
