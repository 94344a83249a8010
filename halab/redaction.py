"""Secrets of this process, kept out of whatever it writes.

Who makes or reads a secret remembers it here; who writes for others asks for :func:`redacted`.
"""

from __future__ import annotations

import base64
import html
import json
import shlex
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

HIDDEN = "********"
_SHORTEST = 4
"""Characters: a shorter secret would be found in everything, and is given away by its length."""

_REPORTED = ("_pytest.reports", "_pytest._code.code")
"""Where pytest has the classes of reports and of what is in them."""

_NUMERIC = str.maketrans({"'": "&#39;", '"': "&#34;", "&": "&amp;", "<": "&lt;", ">": "&gt;"})
"""As Jinja escapes, which makes pytest-html's page."""

_known: set[str] = set()


def remember(secret: str) -> None:
    """From now on it is hidden: each of its lines, however one of those who write it may write it.

    That is as it is, as ``repr``, HTML, JSON and shells have it, or in an address.
    """
    for line in secret.splitlines():
        _known.update(form for form in _written(line) if len(form) >= _SHORTEST)


def _written(line: str) -> Iterator[str]:
    for quoted in (line, repr(line)[1:-1], json.dumps(line)[1:-1]):
        yield from (quoted, html.escape(quoted), html.escape(quoted, quote=False))
        yield quoted.translate(_NUMERIC)
    yield from (quote(line, safe=""), quote(line), shlex.quote(line)[1:-1])


def remember_basic(user: str, password: str) -> None:
    """What HTTP's basic authentication sends (RFC 7617); not the password by itself.

    For that may be one that is in manuals, and would be hidden in half of the report.
    """
    remember(base64.b64encode(f"{user}:{password}".encode()).decode())


def redacted(text: str) -> str:
    """The text, with every secret that is known hidden."""
    for secret in sorted(_known, key=len, reverse=True):  # one may contain another
        if secret in text:
            text = text.replace(secret, HIDDEN)
    return text


def redact(value: Any) -> Any:
    """The same with all text in it redacted: what pytest made of a failure.

    Its reports and representations are changed in place, and nothing else is: containers are
    copied, since a report shares some with the test itself.
    """
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, list):
        return [redact(item) for item in value]
    if isinstance(value, tuple):
        made = [redact(item) for item in value]
        return type(value)(*made) if hasattr(value, "_fields") else tuple(made)
    if isinstance(value, dict):
        return {key: redact(item) for key, item in value.items()}
    if type(value).__module__ in _REPORTED:
        for name, item in list(vars(value).items()):
            object.__setattr__(value, name, redact(item))
        # since pytest 9 a test's name is behind a property
        named = getattr(value, "nodeid", "")
        if named != (hidden := redacted(named)):
            value.nodeid = hidden
    return value
