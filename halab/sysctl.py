"""Kernel settings of an operator's own on a node, and the way back from them.

What they were is on the node before they change, so that whoever comes next can put them back,
whatever became of who changed them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from halab.node import Node

FILE = "/etc/sysctl.d/95-set-up.conf"
BEFORE = "/var/lib/halab-sysctl-before"

_LINE = re.compile(r"^\s*-?\s*([A-Za-z0-9_./*-]+)\s*=", re.MULTILINE)


def keys(text: str) -> tuple[str, ...]:
    """The settings that a sysctl.conf names, in its order (sysctl.conf(5))."""
    return tuple(dict.fromkeys(_LINE.findall(text)))


def unknown(text: str) -> str:
    """The command that prints which of these settings a node has not; ``-name``: may not change."""
    looks = [
        f"test -e /proc/sys/{_path(key)} || echo {key}; "
        f"test ! -e /proc/sys/{_path(key)} || test -w /proc/sys/{_path(key)} || echo -{key}"
        for key in keys(text)
    ]
    return "; ".join(looks)


def _path(key: str) -> str:
    """Of a setting under /proc/sys: a dot separates, unless a slash comes first (sysctl.d(5))."""
    separator = re.search(r"[./]", key)
    if separator is None or separator[0] == "/":
        return key
    return key.translate(str.maketrans("./", "/."))


def noting(text: str) -> str:
    """The command that notes what these settings are, unless some are noted already."""
    named = " ".join(keys(text))
    return f"test -e {BEFORE} || {{ sysctl -e {named} > {BEFORE}.new; mv {BEFORE}.new {BEFORE}; }}"


def putting_back() -> str:
    """The command that puts back what was noted; it does no harm where nothing was."""
    return f"test ! -e {BEFORE} || {{ sysctl -q -p {BEFORE}; rm -f {FILE} {BEFORE}; }}"


@contextmanager
def applied(node: Node, text: str) -> Iterator[None]:
    """These settings on a node through the block, and its own in their place after it.

    Raises :class:`halab.errors.CommandFailed` for a value that the kernel refuses.
    """
    own = node.run(f"cat {FILE} 2> /dev/null || true")
    try:
        _have(node, text)
        yield
    finally:
        _have(node, own)


def _have(node: Node, text: str) -> None:
    """Put back what is set, and set these, if any: so that the way back is always the kernel's."""
    node.run(putting_back())
    if text:
        node.put(FILE, text)
        node.run(f"{noting(text)} && sysctl -q -p {FILE}")
