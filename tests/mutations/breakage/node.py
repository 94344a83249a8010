"""Ways to break whatever runs on a node, each with its way back."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from halab.director import Director
from halab.node import Node
from halab.unit import Unit

Break = AbstractContextManager[None]


@contextmanager
def done(node: Node, command: str, undo: str) -> Iterator[None]:
    """A command on a node, and the one that takes it back."""
    try:
        node.run(command)
        yield
    finally:
        node.run(undo)


def meanwhile(node: Node, script: str, undo: str = "true") -> Break:
    """A script that the node runs by itself while the test goes on."""
    unit = "mutation-meanwhile"
    return done(
        node,
        f"systemd-run --quiet --collect --unit={unit} sh -c {shlex.quote(script)}",
        f"systemctl --quiet stop {unit} 2>/dev/null; {undo}",
    )


@contextmanager
def edited(node: Node, path: str, expression: str, tell: Callable[[], object]) -> Iterator[None]:
    """The file changed by a sed expression and its program told; put back at the end."""
    before = node.read(path)
    try:
        node.run("sed -i -E %s %s", expression, path)
        assert node.read(path) != before, f"{expression} changes nothing in {path}"
        tell()
        yield
    finally:
        node.put(path, before, 0o600)
        tell()


@contextmanager
def unit_with(unit: Unit, settings: str) -> Iterator[None]:
    """A unit with other settings; it runs again at the end, whatever they made of it."""
    place = f"/etc/systemd/system/{unit.name}.d/mutation.conf"
    undo = f"rm {place}; systemctl daemon-reload; systemctl start {unit.name}"
    unit.node.put(place, settings + "\n")
    with done(unit.node, "systemctl daemon-reload", undo):
        yield


@contextmanager
def not_at_boot(unit: Unit) -> Iterator[None]:
    """A unit that runs, and that the next boot does not start."""
    link = f"/etc/systemd/system/multi-user.target.wants/{unit.name}"
    there = unit.node.run("readlink %s", link).strip()
    put = f"ln -sf {there} {link}; systemctl daemon-reload; systemctl start {unit.name}"
    with done(unit.node, f"rm {link}", put):
        yield


@contextmanager
def sysctl(director: Director, name: str, value: int) -> Iterator[None]:
    """A kernel setting of a director's network."""
    before = director.node.run("sysctl -n %s", name).strip()
    put = "sysctl -q -w {}={}".format
    with done(director.node, put(name, value), put(name, before)):
        yield


def nft(node: Node, family: str, hook: str, rule: str) -> Break:
    """A rule in a table of its own."""
    table = f"{family} mutation"
    return done(
        node,
        f"nft 'add table {table}; add chain {table} c {{ type filter hook {hook} priority 0; }}; "
        f"add rule {table} c {rule}'",
        f"nft delete table {table}",
    )


def hard_wired(node: Node, address: str, mac: str) -> Break:
    """A node's ARP table with a MAC for good."""
    return done(
        node,
        f"ip neigh replace {address} lladdr {mac} nud permanent dev {node.nic}",
        f"ip neigh del {address} dev {node.nic}",
    )


def packaged_as(node: Node, package: str, version: str) -> Break:
    """The node's dpkg says that another version of a package is installed."""
    expression = f"/^Package: {package}$/,/^$/s/^Version: .*/Version: {version}/"
    return edited(node, "/var/lib/dpkg/status", expression, lambda: None)


def wrapped(node: Node, program: str, script: str) -> Break:
    """A program that another of its name is found before."""
    path = f"/usr/local/bin/{program}"
    lines = shlex.quote(f"#!/bin/sh\n{script}\n")
    return done(node, f"printf %s {lines} > {path} && chmod 755 {path}", f"rm {path}")
