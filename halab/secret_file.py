"""Files with secrets on a node, and who else can read them."""

from __future__ import annotations

from halab.node import Node

PLACES = ("/etc", "/usr/local/etc", "/root", "/srv", "/home", "/var/lib")
"""Where a node keeps keys and configurations; each on its own filesystem only."""

# A private key in PEM, or a password in keepalived.conf or haproxy.cfg.
_SECRET = (
    r"^-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY-----"
    r"|^[[:space:]]*(auth_pass|stats[[:space:]]+auth)[[:space:]]"
    r"|^[[:space:]]*user[[:space:]]+[^[:space:]]+[[:space:]]+insecure-password[[:space:]]"
)


def secret_files(node: Node) -> dict[str, str]:
    """Each file with a secret, by path, and its mode, owner and group: ``600 root:root``.

    Samples that come with a program have no secret. No content leaves the node.
    """
    # read by what find starts, since whoever has find by sudo has not grep; files come and go
    shown = node.run(
        f"for place in {' '.join(PLACES)}; do test ! -d $place || find $place -xdev -type f "
        "-size -256k ! -name '*.sample' -exec sh -c %s %s {} + || true; done",
        'grep -lIE -e "$0" -- "$@" | xargs -r -d "\\n" stat -c "%a %U:%G %n" --',
        _SECRET,
    )
    rows = (line.split(" ", 2) for line in shown.splitlines())
    return {path: f"{mode} {owner}" for mode, owner, path in rows}


def open_to_others(files: dict[str, str]) -> dict[str, str]:
    """Those of :func:`secret_files` that others may read, or that their group may write."""
    return {path: told for path, told in files.items() if int(told.split()[0], 8) & 0o037}
