"""What pydantic found wrong, said in the words of the file, without a value from it."""

from __future__ import annotations

import difflib
from typing import Any

from pydantic_core import ErrorDetails

from halab.names import WORDS
from halab.source_lines import Place

# A password with an unquoted comma ends up, in part, as a key of these.
SECRET_HOLDERS: tuple[Place, ...] = (("vrrp", "authentication"), ("haproxy", "stats"))

_WORDING = {
    "missing": "is missing; add it",
    "string_type": "must be text; put it in quotes",
    "int_type": "must be a whole number, not in quotes",
    "float_type": "must be a number, not in quotes",
    "dict_type": "must be a mapping, key: value",
    "model_type": "must be a mapping, key: value",
    "tuple_type": "must be a list, [a, b]",
}


def explained(error: ErrorDetails, schema: dict[str, Any]) -> tuple[Place, str]:
    """The place of the error and a message that says how to mend it."""
    place: Place = tuple(error["loc"])
    context = error.get("ctx", {})
    match error["type"]:
        case "extra_forbidden":
            return place, _unknown(str(place[-1]), _keys(place[:-1], schema))
        case "string_pattern_mismatch":
            message = f"must be {WORDS[context['pattern']]}"
        case "too_short":
            message = f"has {context['actual_length']}, needs at least {context['min_length']}"
        case "too_long":
            message = f"has more than the {context['max_length']} it can have"
        case kind:
            plain = error["msg"].removeprefix("Value error, ").replace("Input should", "must")
            message = _WORDING.get(kind, plain)
    if place and place[-1] == "[key]":  # pydantic's mark for the key itself
        place, message = place[:-1], f"the name {message}"
    return place, message


def shown(place: Place, schema: dict[str, Any]) -> str:
    """The dotted path of a place, cut short where a key may be a piece of a password."""
    for holder in SECRET_HOLDERS:
        inside = len(place) > len(holder) and place[: len(holder)] == holder
        if inside and place[len(holder)] not in _keys(holder, schema):
            place = holder
    path = ""
    for step in place:
        if isinstance(step, int):
            path += f"[{step}]"
        else:
            path += ("." if path else "") + (step if step.isprintable() else ascii(step))
    return path or "(file)"


def _unknown(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    return f"unknown key; {f'did you mean {close[0]}?' if close else 'known: ' + ', '.join(known)}"


def _keys(place: Place, schema: dict[str, Any]) -> list[str]:
    """The keys that the schema knows at a place."""
    part = schema
    for step in place:
        named = part.get("patternProperties") or {"": part.get("additionalProperties")}
        part = part.get("properties", {}).get(step) or next(iter(named.values())) or {}
        if "$ref" in part:
            part = schema["$defs"][part["$ref"].removeprefix("#/$defs/")]
    return list(part.get("properties", {}))
