"""One director: its HAProxy processes, its keepalived, and what is deployed there."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Interface

from halab.haproxy import HAProxy
from halab.keepalived import Keepalived
from halab.node import Node

# Files are laid here first, and checked by the programs that will read them.
CANDIDATE = "/etc/halab-candidate"


class Director:
    """A node with HAProxy and keepalived."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.name = node.name
        self.keepalived = Keepalived(node)

    def __repr__(self) -> str:
        return f"<director {self.name}>"

    def haproxy(self, process: int = 1) -> HAProxy:
        """The HAProxy process of that number, from 1."""
        return HAProxy(self.node, process)

    def haproxy_processes(self) -> frozenset[int]:
        """The numbers of the HAProxy processes that run."""
        units = self.node.run(
            "systemctl list-units --plain --no-legend --state=active 'haproxy@*.service'"
        )
        return frozenset(int(number) for number in re.findall(r"haproxy@(\d+)\.service", units))

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
        there = self.node.ask("sha256sum -- " + " ".join(["%s"] * len(files)), *files).stdout
        same = {tuple(line.split(maxsplit=1)) for line in there.splitlines()}
        changed = {
            path: content
            for path, content in files.items()
            if (hashlib.sha256(content.encode()).hexdigest(), path) not in same
        }
        if changed:
            self.node.put_all({CANDIDATE + p: text for p, text in changed.items()}, mode=0o600)
            steps = ["set -e", f"trap 'rm -rf {CANDIDATE}' EXIT"]
            steps += [_check(path) for path in changed]
            steps += [f"install -D -m {_mode(path)} {CANDIDATE}{path} {path}" for path in changed]
            if any(path.endswith(".service") for path in changed):
                steps.append("systemctl daemon-reload")
            if any(path.startswith("/etc/sysctl.d/") for path in changed):
                steps += [f"sysctl -q -p {p}" for p in changed if p.startswith("/etc/sysctl.d/")]
            self.node.run("\n".join(step for step in steps if step))
        return frozenset(changed)


def _check(path: str) -> str:
    """The command that has a candidate checked by the program that reads it."""
    if path.endswith(".cfg"):
        return f"haproxy -c -q -f {CANDIDATE}{path}"
    if path.endswith("keepalived.conf"):
        # It calls the thesis's track_interface of its own interface needless, and so it is; any
        # other remark is an error.
        return (
            f"said=$(keepalived -t -f {CANDIDATE}{path} 2>&1) || "
            "! echo \"$said\" | grep -v 'since own interface' >&2"
        )
    return ""


def _mode(path: str) -> str:
    """Configurations hold passwords; units and sysctls do not."""
    return "600" if path.endswith((".cfg", ".conf")) and "sysctl" not in path else "644"
