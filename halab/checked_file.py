"""A YAML file read into a pydantic model, with every mistake in it and the line of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from halab import schema_errors
from halab.errors import FileError, Problem
from halab.source_lines import Place, SourceLines

Model = TypeVar("Model", bound=BaseModel)
Findings = Callable[[dict[str, object]], Iterable[tuple[Place, str]]]
"""What is wrong with a file beyond what its model tells: each place, and why."""

Filling = Callable[
    [dict[str, object], Path], tuple[dict[str, object], dict[Place, Place], list[tuple[Place, str]]]
]
"""Puts in place what a file only names, from its folder: the data, where each came from, and what
cannot be had."""


def _as_it_is(
    data: dict[str, object], _: Path
) -> tuple[dict[str, object], dict[Place, Place], list[tuple[Place, str]]]:
    return data, {}, []


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of a file, for editors and for the words of messages.

    Parts whose names are the file's own take none that is no name.
    """
    schema = model.model_json_schema()
    for part in schema["properties"].values():
        if "patternProperties" in part:
            part["additionalProperties"] = False
    return schema


def read(
    path: Path,
    model: type[Model],
    findings: Findings,
    error: type[FileError],
    filling: Filling = _as_it_is,
) -> Model:
    """Read and check the file.

    Raises the ``error`` with every mistake. One in one part does not hide those in others; only
    what is not YAML at all hides what follows.
    """
    source, schema = SourceLines.read(path), schema_of(model)
    found = list(source.faults)
    taken: Model | None = None
    if source.data is not None:
        data, origins, mistakes = filling(source.data, path.parent)
        mistakes += findings(source.data)
        try:
            taken = model.model_validate(data)
        except ValidationError as why:
            errors = why.errors(include_url=False, include_input=False)
            told = (schema_errors.explained(each, schema) for each in errors)
            mistakes += [(origins.get(place, place), text) for place, text in told]
        known = {place for _, place, _ in found}
        found += [(source.line(p), p, text) for p, text in mistakes if p not in known]
    if taken is None or found:
        problems = {Problem(n, schema_errors.shown(p, schema), text) for n, p, text in found}
        raise error(str(path), tuple(problems))
    return taken
