"""Commands that need root on a node, for a user who is not: by sudo, each by its name.

In his shells such a command is a function of the same name that runs it by ``sudo -n``; whatever
is not among them runs as himself. ``docs/remote-lab.md`` has the rules for sudoers.
"""

from __future__ import annotations

LOOKING = ("awk", "cat", "chrt", "find", "kill", "python3", "sed", "socat", "tcpdump")
"""To read what is deployed, ask HAProxy, find files with secrets, and hear and question the LAN.

``chrt`` is for the prober, which must not be late where its machine has other work.
"""

BREAKING = (
    *LOOKING,
    "chmod", "cmp", "cp", "fallocate", "ip", "journalctl", "mkdir", "mount", "mv", "nft", "rm",
    "sh", "ss", "systemctl", "tee", "timeout",
)  # fmt: skip
"""To break what may be broken, and to mend it: as much as root, where the lab is disposable."""

ROOT = "root"


def commands(user: str, *, disposable: bool) -> tuple[str, ...]:
    """What this user needs sudo for; nothing, if he is root."""
    if user == ROOT:
        return ()
    return BREAKING if disposable else LOOKING


def functions(named: tuple[str, ...]) -> str:
    """Shell that makes functions of them."""
    return "".join(f'{name}() {{ sudo -n {name} "$@"; }}; ' for name in named)


def rules(user: str, named: tuple[str, ...]) -> str:
    """The sudoers file that allows them."""
    allowed = ", ".join(f"/usr/bin/{name}, /usr/sbin/{name}" for name in named)
    return f"{user} ALL=(root) NOPASSWD: {allowed}\n"
