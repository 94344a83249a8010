"""Known remote holes in the programs of a node, from the dated table in ``advisories.yaml``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from ruamel.yaml import YAML

from halab.node import Node

TABLE = Path(__file__).with_name("advisories.yaml")

# What each program's package is called on Debian, and how it tells its version anywhere.
PROGRAMS = {
    "haproxy": ("haproxy", "haproxy -v"),
    "keepalived": ("keepalived", "keepalived --version"),
    "apache2": ("apache2-bin", "apache2 -v || httpd -v"),
    "sshd": ("openssh-server", "ssh -V"),
}
_VERSION = re.compile(r"(?:\d+:)?\d+(?:\.\d+)+[\w.+~-]*")
_DEBIAN = re.compile(r"-[^-]*$")  # a Debian revision, which a release of the program has not


@dataclass(frozen=True)
class Installed:
    """A program on a node; ``release`` is the code name of the node's Debian, if it is one."""

    program: str
    version: str
    release: str = ""

    @property
    def packaged(self) -> bool:
        """The version is a Debian package's."""
        return bool(_DEBIAN.search(self.version))

    @property
    def upstream(self) -> tuple[int, ...]:
        """The program's own version, without Debian's epoch and revision."""
        own = _DEBIAN.sub("", self.version.partition(":")[2] or self.version)
        return _numbers(own)


@dataclass(frozen=True)
class Advisory:
    """One hole; ``fixed`` are the first sound releases, ``debian`` packages by code name."""

    id: str
    program: str
    what: str
    fixed: tuple[str, ...]
    since: str = "0"
    debian: dict[str, str] = field(default_factory=dict)

    def package(self, installed: Installed) -> str | None:
        """The Debian package that decides, where the table has one for this release."""
        return self.debian.get(installed.release) if installed.packaged else None

    def open_in(self, installed: Installed) -> bool:
        """By the program's own version: below the first sound release of its branch.

        A branch is a version without its last number. One that never got a sound release is
        open if it is older than the newest that did.
        """
        version = installed.upstream
        if installed.program != self.program or version < _numbers(self.since):
            return False
        sound = sorted(map(_numbers, self.fixed))
        of_branch = [fix for fix in sound if fix[:-1] == version[: len(fix) - 1]]
        return version < (of_branch or sound)[-1]

    def says(self, node: str, installed: Installed) -> str:
        """The hole in an operator's words, with the way out."""
        sound = self.debian.get(installed.release) or " or ".join(self.fixed)
        have = f"{node}: {installed.program} {installed.version}"
        return f"{have}: {self.id}: {self.what}: upgrade to {sound}"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


@cache
def table() -> tuple[str, tuple[Advisory, ...]]:
    """The date up to which the table was kept, and the advisories in it."""
    read = YAML(typ="safe", pure=True).load(TABLE)
    entries = (Advisory(**{**e, "fixed": tuple(e["fixed"])}) for e in read["advisories"])
    return str(read["as_of"]), tuple(entries)


def installed(node: Node) -> tuple[Installed, ...]:
    """The programs of the table that the node has; where no package tells, they are asked."""
    asked = [
        f"echo {program} $(dpkg-query -W -f '${{Version}}' {package} 2>/dev/null || "
        f"{{ {tells}; }} 2>&1 | head -n 1)"
        for program, (package, tells) in PROGRAMS.items()
    ]
    release, *lines = node.run(
        '. /etc/os-release; echo "${VERSION_CODENAME:-}"; ' + "; ".join(asked)
    ).splitlines()
    told = (line.partition(" ") for line in lines)
    versions = ((program, _VERSION.search(rest)) for program, _, rest in told)
    return tuple(Installed(program, found[0], release) for program, found in versions if found)


def holes(node: Node, programs: Iterable[Installed]) -> tuple[str, ...]:
    """Every hole in these programs of the node, a line each.

    The node's own dpkg compares the versions of packages.
    """
    found: list[str] = []
    decided: list[tuple[str, str, str]] = []
    for program in programs:
        for advisory in table()[1]:
            if advisory.program != program.program:
                continue
            package = advisory.package(program)
            if package is not None:
                decided.append((program.version, package, advisory.says(node.name, program)))
            elif advisory.open_in(program):
                found.append(advisory.says(node.name, program))
    if decided:
        lines = ["dpkg --compare-versions %s lt %s && echo %s"] * len(decided)
        values = (word for triple in decided for word in triple)
        found += node.run("; ".join([*lines, "true"]), *values).splitlines()
    return tuple(dict.fromkeys(found))
