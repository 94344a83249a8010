"""Secrets of this process, kept out of whatever it writes.

Who makes or reads a secret remembers it here; who writes for others asks for :func:`redacted`.
"""

from __future__ import annotations

from typing import Any

HIDDEN = "********"
_SHORTEST = 4
"""Characters: a shorter secret would be found in everything, and is given away by its length."""

_REPORTED = ("_pytest.reports", "_pytest._code.code")
"""Where pytest has the classes of reports and of what is in them."""

_known: set[str] = set()


def remember(secret: str) -> None:
    """From now on it is hidden: each of its lines, and as ``repr`` writes it, too."""
    for line in secret.splitlines():
        for written in (line, repr(line)[1:-1]):
            if len(written) >= _SHORTEST:
                _known.add(written)


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
    return value
