"""A set-up as an operator writes it: a folder with files of directors, beside the templates' own.

What the folder has not stays as the cluster's configuration makes it. Files for both directors
are in the folder itself, those of one in a folder of its name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from halab import deployment, keepalived, sysctl, templates
from halab.configuration import Configuration
from halab.errors import ConfigurationError, Problem, TopologyError, UserError
from halab.haproxy import HAProxy
from halab.lab.plan import Secrets
from halab.source_lines import SourceLines
from halab.topology import Topology

HAPROXY, KEEPALIVED, SYSCTL, CLUSTER = (
    "haproxy.cfg",
    "keepalived.conf",
    "sysctl.conf",
    "cluster.yaml",
)
OF_DIRECTORS = (HAPROXY, KEEPALIVED, SYSCTL)
PATHS = {
    HAPROXY: HAProxy.config_of(1),
    KEEPALIVED: keepalived.CONFIG,
    SYSCTL: sysctl.FILE,
}
MOST = 1 << 20
"""Bytes of a file: a configuration is no bigger."""

# The words after which a password stands, in haproxy.cfg and keepalived.conf.
_SECRET = re.compile(
    r"^\s*(?:auth_pass\s+(\S+)|stats\s+auth\s+[^\s:]+:(\S+)"
    r"|user\s+\S+\s+(?:insecure-)?password\s+(\S+))",
    re.MULTILINE,
)


@dataclass(frozen=True)
class SetUp:
    """Files by name and director, and the cluster's configuration; without any, today's.

    ``files`` have ``{{ … }}`` where facts of the templates are to stand, such as
    ``{{ vrrp_password }}`` or ``{{ director.priority }}``.
    """

    folder: Path | None = None
    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    configuration: Configuration = field(default_factory=Configuration)

    @classmethod
    def load(cls, folder: Path, topology: Topology, today: SetUp | None = None) -> SetUp:
        """Read a folder; what it has not is as in ``today``.

        Raises :class:`UserError` that names what cannot be taken, before anything is touched.
        """
        if not folder.is_dir():
            raise UserError(f"{folder}: there is no such folder")
        files: dict[str, dict[str, str]] = {}
        configuration = today.configuration if today else Configuration()
        found = False
        for path in sorted(folder.iterdir()):
            if path.is_dir() and path.name in topology.directors:
                for own in sorted(path.iterdir()):
                    if own.name not in OF_DIRECTORS:
                        raise _unknown(own, OF_DIRECTORS)
                    files.setdefault(own.name, {})[path.name] = _text(own)
                    found = True
            elif path.name in OF_DIRECTORS and not path.is_dir():
                text, of = _text(path), files.setdefault(path.name, {})
                of |= {name: text for name in topology.directors if name not in of}
                found = True
            elif path.name == CLUSTER and not path.is_dir():
                configuration = _configuration(path)
                found = True
            else:
                raise _unknown(path, (*OF_DIRECTORS, CLUSTER, *topology.directors))
        if not found:
            raise UserError(f"{folder}: it is empty; known are {_listed((*OF_DIRECTORS, CLUSTER))}")
        before = today.files if today else {}
        names = {*before, *files}
        whole = {name: {**before.get(name, {}), **files.get(name, {})} for name in names}
        if HAPROXY in whole and configuration.haproxy_processes > 1:
            raise UserError(
                f"{folder}: {HAPROXY} is of one process, and {CLUSTER} asks for "
                f"{configuration.haproxy_processes}"
            )
        return cls(folder, whole, configuration)

    def written(self, name: str, director: str, topology: Topology, secrets: Secrets) -> str | None:
        """The text of one of its files, with the facts filled in; None if it has none."""
        text = self.files.get(name, {}).get(director)
        if text is None:
            return None
        facts = deployment.facts(director, self.configuration, topology, secrets)
        facts |= deployment.facts_of_process(1, self.configuration, topology)
        return templates.filled(text, f"{self.folder}/{name}", **facts)

    def own(self, director: str, topology: Topology, secrets: Secrets) -> dict[str, str]:
        """Its own files of a director by path."""
        texts = {path: self.written(n, director, topology, secrets) for n, path in PATHS.items()}
        return {path: text for path, text in texts.items() if text is not None}

    def deployed(self, director: str, topology: Topology, secrets: Secrets) -> dict[str, str]:
        """All files of a director by path: the templates', with its own in their place."""
        files = deployment.files(director, self.configuration, topology, secrets)
        return files | self.own(director, topology, secrets)

    def has(self, name: str) -> bool:
        """True if it has a file of that name, for any director."""
        return name in self.files


def scrubbed(said: str, texts: list[str]) -> str:
    """What a program said of these files, without a password that is in them."""
    secrets = {word for text in texts for words in _SECRET.findall(text) for word in words if word}
    for secret in sorted(secrets, key=len, reverse=True):
        said = said.replace(secret, "…")
    return said


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST:
            raise UserError(f"{path}: it is too big: {MOST} bytes at most")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: it cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: it is not UTF-8 text") from None
    if not text.strip():
        raise UserError(f"{path}: it is empty")
    return text if text.endswith("\n") else text + "\n"


def _configuration(path: Path) -> Configuration:
    source = SourceLines.read(path)
    problems = [Problem(line, ".".join(map(str, at)), why) for line, at, why in source.faults]
    known = {setting.name for setting in fields(Configuration)} - {"placement"} | {"rps_mask"}
    data: dict[str, Any] = source.data or {}
    for key in data.keys() - known:
        why = f"unknown key; known: {', '.join(sorted(known))}"
        problems.append(Problem(source.line((key,)), key, why))
    if not problems:
        try:
            mask = data.pop("rps_mask", "")
            typed = TypeAdapter(Configuration).validate_python(data)
            given = {key: getattr(typed, key) for key in data}
            return Configuration.declared(rps_mask=str(mask), **given)
        except ValidationError as error:
            for wrong in error.errors():
                at = tuple(wrong["loc"])
                problems.append(
                    Problem(source.line(at), ".".join(map(str, at)), wrong["msg"].lower())
                )
        except ConfigurationError as error:
            raise UserError(f"{path}: {error}") from None
    raise TopologyError(str(path), tuple(problems))


def _unknown(path: Path, known: tuple[str, ...]) -> UserError:
    return UserError(f"{path}: it is none of {_listed(known)}")


def _listed(known: tuple[str, ...]) -> str:
    return ", ".join(known)
