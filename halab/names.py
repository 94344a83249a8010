"""Names that end up in other programs' files and in the kernel: what each kind may be made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from halab.redaction import remember

LABEL = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"  # RFC 1123 section 2.1, in lower case
LAB_NAME = "^[a-z]([a-z0-9-]{0,22}[a-z0-9])?$"  # leaves room in machine and namespace names
IDENTIFIER = "^[A-Za-z][A-Za-z0-9_.-]{0,30}$"
NIC = "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$"  # IFNAMSIZ is 16, with the final NUL
HOST_NAME = "^[a-z][a-z0-9]{0,11}$"  # with "vm-" before it the name of a NIC
USER = "^[A-Za-z0-9_.-]{1,32}$"
FILE = r"^[^\x00-\x1f]+$"
URI = "^/[A-Za-z0-9._~/?=&;%-]*$"

WORDS = {
    LABEL: "1 to 63 lowercase letters, digits or inner hyphens (an RFC 1123 label)",
    LAB_NAME: "1 to 24 lowercase letters, digits or inner hyphens, a letter first",
    IDENTIFIER: "1 to 31 letters, digits or _ . - with a letter first",
    NIC: "a Linux NIC name: 1 to 15 letters, digits or _ . - and no . or - first",
    HOST_NAME: "1 to 12 lowercase letters or digits, a letter first",
    USER: "1 to 32 letters, digits or _ . -",
    FILE: "a file's path, without control characters",
    URI: "a path that begins with / and has no space",
}
"""What each pattern asks for, for the message when a name does not match it."""

# Comments, variables, quotes, escapes and blocks of keepalived.conf and haproxy.cfg. keepalived
# ends a block at a brace within a word, too.
_UNSAFE = set("!#$\"'\\~{}")


def _safe(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    remember(text)
    if not text or not all("!" < c <= "~" and c not in _UNSAFE for c in text):
        raise ValueError("must be printable ASCII without spaces, quotes or any of ! # $ ~ { } \\")
    return secret


Label = Annotated[str, Field(pattern=LABEL)]
LabName = Annotated[str, Field(pattern=LAB_NAME)]
Identifier = Annotated[str, Field(pattern=IDENTIFIER)]
Nic = Annotated[str, Field(pattern=NIC)]
HostName = Annotated[str, Field(pattern=HOST_NAME)]
User = Annotated[str, Field(pattern=USER)]
File = Annotated[str, Field(pattern=FILE)]
Uri = Annotated[str, Field(pattern=URI)]
Password = Annotated[SecretStr, AfterValidator(_safe)]


def listed(names: Iterable[str], most: int = 6) -> str:
    """Names for a message, web2 before web10; of many the first and how many more there are."""
    ordered = sorted(names, key=lambda name: (len(name), name))
    more = f" and {len(ordered) - most} more" if len(ordered) > most else ""
    return ", ".join(ordered[:most]) + more
