"""A YAML 1.2 file as plain data, with the line on which each of its values stands.

Built on the events of ruamel.yaml, because its constructors stop at the first duplicate key,
and because YAML 1.1 rules (``no`` as False, a MAC address as an integer) must not apply.
No message repeats a value of the file, which may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

Step = str | int
Place = tuple[Step, ...]
"""Where a value is: the keys and list indexes (from 0) that lead to it."""

DEEPEST = 32

# The plain scalars of the YAML 1.2 core schema that a topology needs; all others are text.
# 18 digits fit 64 bits; a longer run of digits is no quantity.
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")


class _Unreadable(Exception):
    """Reading cannot go on; the line (from 1) and why."""

    def __init__(self, line: int, message: str) -> None:
        self.line = line
        self.message = message
        super().__init__(message)


@dataclass
class SourceLines:
    """``data`` is None when the file cannot be read as a mapping; ``faults`` tell why."""

    data: dict[str, object] | None = None
    lines: dict[Place, int] = field(default_factory=dict)
    faults: list[tuple[int, Place, str]] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> SourceLines:
        """Read the file; every mistake is in ``faults`` as (line from 1, place, message)."""
        source = cls()
        try:
            events = _events(_text(path))
            value = source._value(next(events, None), (), events)
            next(events, None)  # what follows the document must be sound, too
        except _Unreadable as stop:
            source.faults.append((stop.line, (), stop.message))
            return source
        if isinstance(value, dict):
            source.data = value
        elif not source.faults:
            message = "the file is empty" if value is None else "must be a mapping, key: value"
            source.faults.append((source.line(()), (), message))
        return source

    def line(self, place: Place) -> int:
        """The line (from 1) of the value, or of the innermost part of it that is there."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def _fault(self, event: Event, place: Place, message: str) -> None:
        self.faults.append((_line(event), place, message))

    def _value(self, event: Event | None, place: Place, events: Iterator[Event]) -> object:
        if event is None:
            return None
        self.lines.setdefault(place, _line(event))
        if isinstance(event, NodeEvent) and (event.anchor or getattr(event, "ctag", None)):
            message = "anchors, aliases and tags are not taken; put text that begins with &, * or !"
            self._fault(event, place, message + " in quotes")
        if isinstance(event, ScalarEvent):
            return event.value if event.style else _scalar(event.value)
        if len(place) > DEEPEST:
            raise _Unreadable(_line(event), f"nested deeper than {DEEPEST} levels")
        if isinstance(event, SequenceStartEvent):
            items: list[object] = []
            while not isinstance(item := next(events), SequenceEndEvent):
                items.append(self._value(item, (*place, len(items)), events))
            return items
        if isinstance(event, MappingStartEvent):
            return self._mapping(place, events)
        return None

    def _mapping(self, place: Place, events: Iterator[Event]) -> dict[str, object]:
        mapping: dict[str, object] = {}
        while not isinstance(key := next(events), MappingEndEvent):
            if not isinstance(key, ScalarEvent):
                self._fault(key, place, "a key must be text; quote it if it begins with [, { or *")
                self._value(key, (*place, "?"), events)
                self._value(next(events), (*place, "?"), events)
                continue
            name = str(key.value)
            inner = (*place, name)
            if name in mapping:
                first = self.lines[inner]
                self._fault(key, inner, f"duplicate key, first on line {first}; keep one of them")
                self._value(next(events), inner, events)
                continue
            self.lines.setdefault(inner, _line(key))
            mapping[name] = self._value(next(events), inner, events)
        return mapping


def _line(event: Event) -> int:
    return int(event.start_mark.line) + 1


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise _Unreadable(1, f"cannot be read: {error.strerror}") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _Unreadable(raw.count(b"\n", 0, error.start) + 1, "is not UTF-8 text") from None


def _events(text: str) -> Iterator[Event]:
    """The events of the first document's content; a second document is refused."""
    documents = 0
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents == 2:
                    raise _Unreadable(_line(event), "a second document; keep one in the file")
            elif isinstance(event, NodeEvent | SequenceEndEvent | MappingEndEvent):
                yield event
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _Unreadable(line, "a character that YAML does not allow") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = _QUOTED.sub(_hidden, error.problem or "cannot be read")
        if error.context and error.context_mark:
            problem += f", {error.context} that began on line {error.context_mark.line + 1}"
        raise _Unreadable(mark.line + 1 if mark else 1, f"not YAML: {problem}") from None
    except (YAMLError, ValueError, OverflowError):  # such as a \U escape past the last character
        raise _Unreadable(1, "not YAML") from None


def _hidden(quoted: re.Match[str]) -> str:
    """Keep a single character or a <kind of token>; anything longer comes from the file."""
    harmless = len(quoted[0]) <= 3 or re.fullmatch("'<[a-z ]+>'", quoted[0])
    return quoted[0] if harmless else "something"


def _scalar(text: str) -> object:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
