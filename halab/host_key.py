"""Host keys: what becomes of a node that shows one which nobody has told us."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import paramiko

from halab.errors import Unreachable


class UnknownHost(paramiko.MissingHostKeyPolicy):
    """Refuses a node whose host key nobody has told us, and says which it showed."""

    def __init__(self, where: str, known_hosts: Path) -> None:
        self._where = where
        self._known_hosts = known_hosts

    def missing_host_key(
        self, _client: paramiko.SSHClient, _hostname: str, key: paramiko.PKey
    ) -> NoReturn:
        """Raises :class:`Unreachable`."""
        raise Unreachable(
            f"{self._where} shows a host key that {self._known_hosts} has not, {key.get_name()} "
            f"{key.fingerprint}: compare it at the node's console (ssh-keygen -lf "
            "/etc/ssh/ssh_host_*_key.pub), then add it by ssh-keyscan"
        )
