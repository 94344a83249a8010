"""Secrets of this process, kept out of whatever it writes.

Who makes or reads a secret remembers it here; who writes for others asks for :func:`redacted`.
"""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any
from urllib.parse import quote

HIDDEN = "********"
_SHORTEST = 4
"""Characters: a shorter secret would be found in everything, and is given away by its length.

So would a shorter piece of one that was cut.
"""

_QUOTE = r"""(?:\\{0,8}["']|&(?:#x?\d\d|quot|apos);)"""
_LINE = r"(?:\n|\\{1,8}n)"
_LEFT_OUT = r"\.{3,}|…|\\{1,8}u2026|&hellip;"
_JOINT = rf"{_QUOTE}[ ]*{_LINE}(?:[E ]*\?[^\n\\]*{_LINE})?[E +-]*b?{_QUOTE}"
_CUT = re.compile(rf"{_LEFT_OUT}|{_JOINT}")
"""Where a text lacks something, and where what is long was broken, as pprint does it.

Such a break is a quote, the end of a line and another quote; in what pytest has against an equality
there are E, + and - before a line, and lines of marks that begin with ?.
"""

_CUT_ANYWHERE = re.compile(rf"{_CUT.pattern}|{_LINE}[E +-]*|\Z")
"""The same where pytest says that it left out what is alike: then lines begin and end anywhere."""
_ALIKE = re.compile(r"Skipping \d+ identical (?:leading|trailing) characters")

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")

_REPORTED = ("_pytest.reports", "_pytest._code.code")
"""Where pytest has the classes of reports and of what is in them."""

_NUMERIC = str.maketrans({"'": "&#39;", '"': "&#34;", "&": "&amp;", "<": "&lt;", ">": "&gt;"})
"""As Jinja escapes, which makes pytest-html's page."""

_known: set[str] = set()


def remember(secret: str) -> None:
    """From now on it is hidden: each of its lines, however one of those who write it may write it.

    That is as it is, as ``repr`` of text and of bytes, HTML, JSON and shells have it, or in an
    address. A piece of it is hidden, too, where it was cut: see :func:`redacted`.
    """
    for line in secret.splitlines():
        _known.update(form for form in _written(line) if len(form) >= _SHORTEST)


def _written(line: str) -> Iterator[str]:
    # within a longer text repr may escape a quote that it need not escape in the secret alone
    escaped = repr(f"{line}'\"")[1:-4]
    in_bytes = (repr(line.encode())[2:-1], repr(f"{line}'\"".encode())[2:-4])
    for quoted in (line, repr(line)[1:-1], escaped, *in_bytes, json.dumps(line)[1:-1]):
        yield from (quoted, html.escape(quoted), html.escape(quoted, quote=False))
        yield quoted.translate(_NUMERIC)
    yield from (quote(line, safe=""), quote(line), shlex.quote(line)[1:-1])


def remember_basic(user: str, password: str) -> None:
    """What HTTP's basic authentication sends (RFC 7617); not the password by itself.

    For that may be one that is in manuals, and would be hidden in half of the report.
    """
    remember(base64.b64encode(f"{user}:{password}".encode()).decode())


def redacted(text: str) -> str:
    """The text, with every secret that is known hidden.

    Where the text was cut or broken (an ellipsis, or what pprint makes of bytes) a piece of a
    secret of four characters or more is hidden like the whole.
    """
    hidden = _hidden(text)
    if "\x1b[" in text:  # a colour may begin within a secret
        plain = _hidden(_COLOUR.sub("", text))
        return plain if plain.count(HIDDEN) > hidden.count(HIDDEN) else hidden
    return hidden


def end_of(text: str, most: int = 300) -> str:
    """Its last ``most`` characters. Hidden before it is cut: a cut at no mark shows a piece."""
    return redacted(text)[-most:]


def _hidden(text: str) -> str:
    ordered = sorted(_known, key=len, reverse=True)  # one may contain another
    for secret in ordered:
        if secret in text:
            text = text.replace(secret, HIDDEN)
    return _pieces_hidden(text, ordered)


def _pieces_hidden(text: str, secrets: Sequence[str]) -> str:
    made, at, cut_before = [], 0, False
    pattern = _CUT_ANYWHERE if _ALIKE.search(text) else _CUT
    for cut in pattern.finditer(text):
        made += [_piece_hidden(text[at : cut.start()], secrets, cut_before, True), cut[0]]
        at, cut_before = cut.end(), True
    return "".join((*made, _piece_hidden(text[at:], secrets, cut_before, False)))


def _piece_hidden(piece: str, secrets: Sequence[str], cut_before: bool, cut_after: bool) -> str:
    """Of a text that was cut before it, after it or both: what of it is of a secret is hidden."""
    if len(piece) < _SHORTEST:
        return piece
    if cut_before and cut_after and any(piece in secret for secret in secrets):
        return HIDDEN
    end = begin = 0
    if cut_after:
        end = max((_begun(piece, secret) for secret in secrets), default=0)
    if cut_before:
        turned = piece[: len(secrets[0])][::-1] if secrets else ""
        begin = max((_begun(turned, secret[::-1]) for secret in secrets), default=0)
    kept = piece[begin : len(piece) - end]
    return f"{HIDDEN if begin else ''}{kept}{HIDDEN if end else ''}"


def _begun(text: str, secret: str) -> int:
    """How many characters at the end of the text the secret begins with."""
    text = text[-len(secret) :]
    at = text.find(secret[:_SHORTEST])
    while at >= 0 and not secret.startswith(text[at:]):
        at = text.find(secret[:_SHORTEST], at + 1)
    return len(text) - at if at >= 0 else 0


def _lines_redacted(lines: list[str]) -> list[str]:
    """As one text, since what is broken goes on in the next line; as many as there were."""
    rest = iter(redacted("\n".join(lines)).split("\n"))
    return ["\n".join(islice(rest, line.count("\n") + 1)) for line in lines]


def redact(value: Any) -> Any:
    """The same with all text in it redacted: what pytest made of a failure.

    Its reports and representations are changed in place, and nothing else is: containers are
    copied, since a report shares some with the test itself.
    """
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, list):
        if all(isinstance(item, str) for item in value):
            return _lines_redacted(value)
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
