"""Light web VMs: systemd-nspawn machines on a server, as instances of ``web-vm@.service``."""

from __future__ import annotations

import re
from collections.abc import Iterable

from halab import templates
from halab.lab.switch import mac
from halab.node import Node
from halab.topology import Topology, VirtualMachine

UNIT = re.compile(r"web-vm@([a-z0-9-]+)\.service")


class ContainerHypervisor:
    """Each VM has a network namespace on the server's bridge, an sshd and an Apache."""

    def __init__(self, topology: Topology) -> None:
        self.prefix = topology.network.prefixlen

    def running(self, server: Node) -> frozenset[str]:
        """The names of the VMs that run on the server."""
        units = server.run(
            "systemctl list-units --plain --no-legend --state=active 'web-vm@*.service'"
        )
        return frozenset(UNIT.findall(units))

    def prepare(self, server: Node, vms: Iterable[VirtualMachine]) -> None:
        """Put the VMs' addresses and pages on the server."""
        rows = "".join(f"{vm.name} {vm.address}/{self.prefix} {mac(vm.address)}\n" for vm in vms)
        server.put_all(
            {
                "/etc/web-vms": rows,
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
