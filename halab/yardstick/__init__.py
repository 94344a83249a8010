"""Yardsticks by which platforms are compared, in the six groups of section 3.2.1."""

from __future__ import annotations

from dataclasses import dataclass

from halab.yardstick.bonnie import Bonnie
from halab.yardstick.compiling import Compiling
from halab.yardstick.fio import Fio
from halab.yardstick.mbw import Mbw
from halab.yardstick.nbench import Nbench
from halab.yardstick.ping import Ping
from halab.yardstick.ramspeed import Ramspeed
from halab.yardstick.stress_ng import StressNg
from halab.yardstick.sysbench import SysbenchCpu, SysbenchMemory
from halab.yardstick.web import BY_AB, BY_H2LOAD
from halab.yardstick.yardstick import Quantity, Yardstick


@dataclass(frozen=True)
class Group:
    """A group of tests: the thesis's figure of it, and the yardsticks."""

    name: str
    title: str
    figure: int
    section: str
    yardsticks: tuple[Yardstick, ...]


GROUPS = {
    group.name: group
    for group in (
        Group("compile", "Compiling", 8, "3.2.2", (Compiling(),)),
        Group("cpu", "CPU", 9, "3.2.3", (SysbenchCpu(), StressNg(), Nbench())),
        Group("memory", "Memory", 10, "3.2.4", (Mbw(), SysbenchMemory(), Ramspeed())),
        Group("disk", "Disk", 11, "3.2.5", (Fio(), Bonnie())),
        Group("network", "Network", 12, "3.2.6", (Ping(),)),
        Group("web", "Web server", 13, "3.2.7", (BY_H2LOAD, BY_AB)),
    )
}

QUANTITIES: dict[str, Quantity] = {
    quantity.name: quantity
    for group in GROUPS.values()
    for yardstick in group.yardsticks
    for quantity in yardstick.quantities
}
