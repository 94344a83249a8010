"""One director: its HAProxy processes, its keepalived, and what is deployed there."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Interface

from halab import sysctl, tracking
from halab.bond import Bond
from halab.configuration import Configuration
from halab.haproxy import HAProxy, Place
from halab.ipvs import Ipvs
from halab.keepalived import CONFIG, DROP_IN, FIREWALL, Keepalived
from halab.node import Node

# Files are laid here first, and checked by the programs that will read them.
CANDIDATE = "/etc/halab-candidate"
UNITS = "/etc/systemd/system/"
UNIT = UNITS + "haproxy@.service"


class Director:
    """A node with HAProxy and keepalived; ``places`` are of processes that others deployed."""

    def __init__(self, node: Node, places: Mapping[int, Place] | None = None) -> None:
        self.node = node
        self.places = places or {}
        self.name = node.name
        self.keepalived = Keepalived(node, at_boot=not self.places)

    def __repr__(self) -> str:
        return f"<director {self.name}>"

    def haproxy(self, process: int = 1) -> HAProxy:
        """The HAProxy process of that number, from 1."""
        return HAProxy(self.node, process, self.places.get(process))

    def haproxy_processes(self) -> frozenset[int]:
        """The numbers of the HAProxy processes that run."""
        if self.places:
            units = [place.unit for place in self.places.values()]
            asked = f"systemctl is-active --{' %s' * len(units)}"
            states = self.node.ask(asked, *units).stdout.split()
            each = zip(self.places, states, strict=True)
            return frozenset(number for number, state in each if state == "active")
        shown = self.node.run(
            "systemctl list-units --plain --no-legend --state=active 'haproxy@*.service'"
        )
        return frozenset(int(number) for number in re.findall(r"haproxy@(\d+)\.service", shown))

    @property
    def bond(self) -> Bond:
        """Its NIC as a bond, which it may be."""
        return Bond(self.node)

    @property
    def ipvs(self) -> Ipvs:
        """What its kernel balances, where it does."""
        return Ipvs(self.node)

    def run_keepalived(self, files: Mapping[str, str], changed: frozenset[str]) -> None:
        """Have its keepalived, with what changed of these files taken over; see :meth:`deploy`."""
        if DROP_IN in changed:  # what comes before its start is no matter of a reload
            self.keepalived.restart()
        elif CONFIG in changed:
            self.keepalived.take_over(files[CONFIG])
        else:
            self.keepalived.start()

    def run_haproxy(self, configuration: Configuration, changed: frozenset[str]) -> None:
        """Have its HAProxy processes, each with what changed taken over, and stop all others.

        ``changed`` are the paths that :meth:`deploy` gave. Returns when each process that was
        running listens anew, alone: systemd returns earlier, and for a moment either the old or
        the new one may get a connection.
        """
        running = self.haproxy_processes()
        wanted = [self.haproxy(n) for n in configuration.processes]
        new = [haproxy for haproxy in wanted if haproxy.process not in running]
        kept = [haproxy for haproxy in wanted if haproxy.process in running]
        # another program, or another way to start it, is no matter of a reload
        renewed = kept if UNIT in changed else []
        reloaded = [haproxy for haproxy in kept if haproxy.config in changed and not renewed]
        surplus = [self.haproxy(n) for n in sorted(running - {*configuration.processes})]
        before = [haproxy.listeners() for haproxy in reloaded]
        moved = [
            haproxy.moving(frozenset(configuration.cpus_of(haproxy.process)))
            for haproxy in kept
            if haproxy.cpus_file in changed
        ]
        if moved:  # before the reload: a new worker begins where its master is
            self.node.run("; ".join(moved))
        self._systemctl(
            ("--quiet --no-reload disable", surplus),
            ("stop", surplus),
            ("--quiet --no-reload enable", new),
            ("start", new),
            ("reload", reloaded),
            ("restart", renewed),
        )
        left = [path for haproxy in surplus for path in (haproxy.config, haproxy.cpus_file)]
        if left:
            self.node.run("rm -f" + " %s" * len(left), *left)
        for haproxy, old in zip(reloaded, before, strict=True):
            haproxy.listens_without(old).until(within=10)

    def _systemctl(self, *steps: tuple[str, list[HAProxy]]) -> None:
        lines = [
            f"systemctl {verb} {' '.join(haproxy.unit.name for haproxy in processes)}"
            for verb, processes in steps
            if processes
        ]
        if lines:
            self.node.run(" && ".join(lines))

    def addresses(self) -> tuple[IPv4Interface, ...]:
        """The IPv4 addresses on its NIC, with their prefixes, as the kernel has them now."""
        (link,) = json.loads(self.node.run("ip -j -4 address show dev %s", self.node.nic))
        return tuple(
            IPv4Interface((entry["local"], entry["prefixlen"])) for entry in link["addr_info"]
        )

    def holds(self, vip: IPv4Address) -> bool:
        """True while the VIP is on its NIC."""
        return any(interface.ip == vip for interface in self.addresses())

    def mac(self) -> str:
        """The hardware address of its NIC."""
        return self.node.run("cat -- %s", f"/sys/class/net/{self.node.nic}/address").strip()

    def deploy(self, files: Mapping[str, str]) -> frozenset[str]:
        """Bring these files to the node and give the paths of those that differed.

        A candidate is checked by ``haproxy -c`` or ``keepalived -t`` before it replaces the
        file in place; raises :class:`halab.errors.CommandFailed` with what the program said,
        and then nothing was changed.
        """
        there = self.node.ask(
            f"{'' if sysctl.FILE in files else sysctl.putting_back() + ';'} sha256sum -- "
            + " ".join(["%s"] * len(files)),
            *files,
        ).stdout
        same = {tuple(line.split(maxsplit=1)) for line in there.splitlines()}
        changed = {
            path: content
            for path, content in files.items()
            if (hashlib.sha256(content.encode()).hexdigest(), path) not in same
        }
        if changed:
            self.node.put_all({CANDIDATE + p: text for p, text in changed.items()}, mode=0o600)
            steps = ["set -e", f"trap 'rm -rf {CANDIDATE}' EXIT"]
            # what keepalived -t wants to find already; nothing refers to it before
            first = [path for path in changed if path in (tracking.USER, tracking.SCRIPT)]
            steps += [_install(path) for path in first]
            steps += [f"systemd-sysusers {path}" for path in first if path == tracking.USER]
            steps += [_check(path, _program(files)) for path in changed]
            if sysctl.FILE in changed:  # others may be set, which are none of these
                steps.append(sysctl.putting_back())
            steps += [_install(path) for path in changed if path not in first]
            if any(path.startswith(UNITS) for path in changed):
                steps.append("systemctl daemon-reload")
            if sysctl.FILE in changed:
                steps.append(sysctl.noting(changed[sysctl.FILE]))
            if FIREWALL in changed:  # where keepalived runs, nobody else loads it
                steps.append(f"nft -f {FIREWALL}")
            if any(path.startswith("/etc/sysctl.d/") for path in changed):
                steps += [f"sysctl -q -p {p}" for p in changed if p.startswith("/etc/sysctl.d/")]
            self.node.run("\n".join(step for step in steps if step))
        return frozenset(changed)


def _program(files: Mapping[str, str]) -> str:
    """The HAProxy that its unit starts."""
    found = re.search(r"^ExecStart=.* (/\S+) -Ws ", files.get(UNIT, ""), re.MULTILINE)
    return found[1] if found else "haproxy"


def _check(path: str, haproxy: str) -> str:
    """The command that has a candidate checked by the program that reads it."""
    if path.endswith(".cfg"):
        # with -q it would say nothing of what is wrong either
        return f"{haproxy} -c -f {CANDIDATE}{path} >/dev/null"
    if path.endswith("keepalived.conf"):
        # It calls the thesis's track_interface of its own interface needless, and so it is; any
        # other remark is an error.
        return (
            f"said=$(keepalived -t -f {CANDIDATE}{path} 2>&1) || "
            "! echo \"$said\" | grep -v 'since own interface' >&2"
        )
    if path == FIREWALL:
        return f"nft -c -f {CANDIDATE}{path}"
    return ""


def _install(path: str) -> str:
    """The command that puts a candidate in its place."""
    return f"install -D -m {_mode(path)} {CANDIDATE}{path} {path}"


def _mode(path: str) -> str:
    """Configurations hold passwords; units and sysctls do not."""
    if path == tracking.SCRIPT:
        return "755"
    return "600" if path.endswith((".cfg", "keepalived.conf")) else "644"
