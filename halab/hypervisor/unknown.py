"""Web VMs whose host nobody has described: they serve, and nothing is done to them from outside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NoReturn

from halab import webserver
from halab.errors import LabError
from halab.names import listed
from halab.node import Node
from halab.topology import VirtualMachine


class UnknownHypervisor:
    """Every verb raises :class:`LabError` with what was asked for."""

    kind = "unknown"

    def running(self, server: Node) -> frozenset[str]:
        """Not to be told."""
        _refuse(server, "say what runs")

    def serving_within(self, vms: int) -> float:
        """Not to be told."""
        raise LabError(f"what hosts {vms} web VMs is not described, nor how long they take")

    def place(
        self,
        server: Node,
        vms: Sequence[VirtualMachine],
        *,
        pinned: bool,
        web_server: str = webserver.APACHE,
    ) -> list[str]:
        """Not to be had."""
        where = "on CPUs of their own" if pinned else "anywhere"
        _refuse(server, f"place {listed(vm.name for vm in vms)} {where} with {web_server}")

    def start(self, server: Node, vms: Iterable[VirtualMachine]) -> None:
        """Not to be had."""
        _refuse(server, f"start {listed(vm.name for vm in vms)}")

    def power_off(self, server: Node, vms: Iterable[str]) -> None:
        """Not to be had."""
        _refuse(server, f"switch off {listed(vms)}")

    def remove(self, server: Node, vms: Iterable[str]) -> None:
        """Not to be had."""
        _refuse(server, f"remove {listed(vms)}")

    def filter(self, server: Node, vm: Node, rules: str) -> None:
        """Not to be had, unless the VM's address is that of a machine of its own."""
        if vm.ask("test -d /run/systemd/system").rc != 0:
            _refuse(server, f"filter what comes to {vm.name}, which is no machine of its own")
        vm.run("nft -f -", stdin=rules)


def _refuse(server: Node, asked: str) -> NoReturn:
    raise LabError(f"{server.name}: what hosts its web VMs is not described, and cannot {asked}")
