"""What the cluster shows to whoever is on its network or has an account on its nodes."""

from __future__ import annotations

import pytest

from fixtures.evidence import Evidence
from halab import advisory, secret_file, webserver
from halab.advisory import Installed
from halab.cluster import Cluster
from halab.node import Node, each

pytestmark = pytest.mark.observe

BOTH = pytest.mark.parametrize("role", ["master", "backup"])

# Nobody's password and those that are in manuals; HAProxy's own documentation has the first.
KNOWN_TO_ALL = (None, ("admin", "admin"), ("haproxy", "haproxy"), ("admin", "password"))

STATISTICS = "Statistics Report for HAProxy"
"""The title of the page (HAProxy's stats.c); whoever is refused gets another."""

ANY = ("*", "0.0.0.0")
ON_NO_NETWORK = ("127.", "localhost")
"""Addresses on which a director alone is asked, and who asks it from there."""


@BOTH
def test_statistics_are_for_whoever_has_the_password(cluster: Cluster, role: str) -> None:
    """The page tells every backend's address and load: each one that is served wants a password."""
    director, opened = getattr(cluster, role), []
    for process in cluster.processes:
        for (address, port), uri in director.haproxy(process).deployed().stats_pages:
            if port is None or address.startswith(ON_NO_NETWORK):
                continue
            where = director.node.address if address in ANY else address
            opened += [
                f"{where}:{port}{uri} to {auth or 'anyone'}"
                for auth in KNOWN_TO_ALL
                if STATISTICS in webserver.get(where, port, uri, auth=auth).page
            ]
    assert not opened, f"give each a password of its own by 'stats auth': {opened}"


@BOTH
def test_admin_sockets_are_on_no_network(cluster: Cluster, role: str) -> None:
    """Whoever reaches one can take servers out: a file has a mode, and a TCP port has none."""
    haproxy = getattr(cluster, role).haproxy
    exposed = [
        f"{socket.address} (level {socket.level})"
        for process in cluster.processes
        for socket in haproxy(process).admin_sockets()
        if socket.path is None
    ]
    assert not exposed, f"make it a UNIX socket, 'stats socket /run/haproxy/…': {exposed}"


@BOTH
def test_admin_sockets_are_closed_to_others(cluster: Cluster, role: str) -> None:
    """To connect is to write: others of the director may not.

    It is the socket that counts: a reload hands it on as it is, whatever the file says by then.
    """
    director = getattr(cluster, role)
    paths = [
        socket.path
        for process in cluster.processes
        for socket in director.haproxy(process).admin_sockets()
        if socket.path is not None
    ]
    assert paths, "no admin socket: nobody can ask HAProxy anything"
    modes = {path: director.node.host.file(path).mode for path in paths}
    opened = {path: f"{mode:o}" for path, mode in modes.items() if mode & 0o002}
    assert not opened, f"give it 'mode 660' in its stats socket line, and restart: {opened}"


def test_keys_and_passwords_are_closed_to_others(cluster: Cluster) -> None:
    """Private keys, and the configurations with VRRP's and the statistics' passwords, on all nodes.

    Each node has a key of its sshd at least: a search that does not find it proves nothing.
    """
    found = each(cluster.lab.nodes.values(), secret_file.secret_files)
    unsearched = [
        node for node, files in found.items() if not any("ssh_host_" in path for path in files)
    ]
    assert not unsearched, "no key of sshd was found there: may this user read all files?"
    opened = [
        f"{node}: {path} ({told})"
        for node, files in found.items()
        for path, told in secret_file.open_to_others(files).items()
    ]
    assert not opened, f"chmod 600 and chown root: {opened}"


def test_no_program_has_a_known_remote_hole(cluster: Cluster, evidence: Evidence) -> None:
    """By the table of halab/advisories.yaml; of HAProxy it is the running one that counts, too."""
    as_of, known = advisory.table()
    evidence.note(f"{len(known)} advisories, kept up to {as_of}")
    web = cluster.vm(cluster.backends[0].name)
    nodes = [*cluster.lab.nodes.values(), *([web] if web.lets_in() else [])]
    installed = each(nodes, advisory.installed)
    for director in cluster.directors.values():
        release = installed[director.name][0].release
        for process in cluster.processes:
            version = director.haproxy(process).info()["Version"]
            installed[director.name] += (Installed("haproxy", version, release),)

    def holes(node: Node) -> tuple[str, ...]:
        return advisory.holes(node, installed[node.name])

    unknown = [
        f"{name}: {program}"
        for name in cluster.directors
        for program in ("haproxy", "keepalived", "sshd")
        if program not in {its.program for its in installed[name]}
    ]
    assert not unknown, f"no package has it, and it is not in PATH to be asked: {unknown}"
    known_holes = [hole for found in each(nodes, holes).values() for hole in found]
    assert not known_holes, "; ".join(known_holes)
