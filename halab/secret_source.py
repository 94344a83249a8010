"""Passwords that topology.yaml names and does not contain: in a file, or in the environment.

Beside ``auth_pass`` there may be ``auth_pass_file`` or ``auth_pass_env`` in its place, and so for
the statistics' ``password``. A file holds the password on its only line; a path that is not
absolute begins where topology.yaml is.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from halab.address_plan import Finding, mapping
from halab.source_lines import Place

SECRETS: tuple[Place, ...] = (
    ("vrrp", "authentication", "auth_pass"),
    ("haproxy", "stats", "password"),
)
SOURCES = ("file", "env")


class _Missing(Exception):
    """The password cannot be had; its text says why, and how to mend it."""


def filled_in(
    data: dict[str, object], folder: Path
) -> tuple[dict[str, object], dict[Place, Place], list[Finding]]:
    """The file's ``data`` with the passwords in place.

    Also from where each came, and what is wrong with those that cannot be had.
    """
    origins: dict[Place, Place] = {}
    findings: list[Finding] = []
    for place in SECRETS:
        *holder, key = map(str, place)
        part = mapping(data, *holder)
        named = [f"{key}_{kind}" for kind in SOURCES if part.get(f"{key}_{kind}") is not None]
        here = [name for name in (key, *named) if part.get(name) is not None]
        if not named:
            continue
        at = (*holder, named[0])
        if len(here) > 1:
            findings.append((at, f"{' and '.join(here)} are both given; keep one of them"))
            continue
        source = part[named[0]]
        if not isinstance(source, str):
            continue  # the schema tells
        try:
            secret = _from_file(folder / source) if at[-1].endswith("file") else _from_env(source)
        except _Missing as missing:
            findings.append((at, str(missing)))
        else:
            data = _with(data, place, secret)
            origins[place] = at
    return data, origins, findings


def _from_env(name: str) -> str:
    secret = os.environ.get(name) if name and "\0" not in name and "=" not in name else None
    if secret is None:
        raise _Missing("the environment has no such variable; export it")
    return secret


def _from_file(path: Path) -> str:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise _Missing(f"others may read the file (mode {mode:o}); chmod 600")
        text = path.read_bytes().decode()
    except OSError as error:
        raise _Missing(f"the file cannot be read: {error.strerror}") from None
    except ValueError:  # a NUL in the path, or what is no UTF-8 in the file
        raise _Missing("the file cannot be read: not a text file") from None
    return text.removesuffix("\n").removesuffix("\r")


def _with(data: Mapping[str, object], place: Place, value: object) -> dict[str, object]:
    """A copy, with the value in its place."""
    step, *rest = place
    inner = _with(mapping(data, str(step)), tuple(rest), value) if rest else value
    return {**data, str(step): inner}
