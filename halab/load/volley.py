"""Commands started on several clients at one moment, and when and how each of them ended."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halab import wait
from halab.client import Client
from halab.errors import NodeError
from halab.other_clock import compared
from halab.transport import LineChannel

STARTER = "/run/halab-load-starter.py"

AHEAD = 0.1
"""Seconds between the order to start and the start: time for the order to reach every client."""

QUESTIONS = 5
"""Each client is asked for its clock so often; the quickest answer is the one that is believed."""

ANSWERS = 20
"""Seconds in which a client tells its clock: a busy one takes some to load what does so."""

REPORTING = 20
"""Seconds that the reports may take after the last command has ended."""


@dataclass(frozen=True)
class Command:
    """A shell command, and the one that afterwards tells what it recorded in $RECORD, if any."""

    line: str
    report: str = ""


@dataclass(frozen=True)
class Ended:
    """A command that has ended; ``start`` and ``end`` are on :func:`halab.wait.clock`.

    ``cpu`` is the seconds of CPU time that it and its children took, ``cpus`` how many CPUs of
    its client it may use.
    """

    client: str
    status: int
    out: str
    err: str
    report: str
    start: float
    end: float
    cpu: float
    cpus: int


def fire(
    commands: Mapping[Client, Sequence[Command]], *, longest: float, delays: Sequence[float] = ()
) -> tuple[Ended, ...]:
    """Start all of them at one moment and wait for all; in their order, client by client.

    Clients share no clock. Each says its own over SSH, and is told to start at a moment of it:
    they differ by half the quickest of five round trips at most, which is less than a
    millisecond in a LAN. A command that has not ended after ``longest`` seconds is killed.
    ``delays`` are seconds by which each client is to start later; none is no delay.
    Raises :class:`NodeError` when a client cannot start its commands.
    """
    late = dict(zip(commands, delays, strict=True)) if delays else dict.fromkeys(commands, 0.0)
    with ExitStack() as open_ones:
        crew = {}
        for client, orders in commands.items():
            client.node.put(STARTER, Path(__file__).with_name("starter.py").read_bytes())
            channel = client.node.converse(f"python3 {STARTER}")
            open_ones.callback(channel.close)
            told = [(_limited(order.line, longest), order.report) for order in orders]
            channel.send_line(json.dumps(told))
            crew[client] = channel
        ahead = {client: _ahead(channel) for client, channel in crew.items()}
        start = wait.clock() + AHEAD
        for client, channel in crew.items():
            channel.send_line(json.dumps(start + ahead[client] + late[client]))
        within = longest + AHEAD + max(late.values()) + REPORTING
        said = {client: json.loads(channel.read_line(within)) for client, channel in crew.items()}
    return tuple(
        _ended(client, told, said[client]["cpus"], ahead[client])
        for client in crew
        for told in said[client]["done"]
    )


def _limited(command: str, longest: float) -> str:
    return f"exec timeout -s KILL {longest:g} /bin/sh -c {shlex.quote(command)}"


def _ahead(channel: LineChannel) -> float:
    """By how many seconds the client's clock is ahead of ours."""

    def told() -> float:
        channel.send_line("null")
        clock = json.loads(channel.read_line(ANSWERS))
        if not isinstance(clock, float):
            raise NodeError(f"{channel.name}: its clock is {clock!r}")
        return clock

    return min((compared(told) for _ in range(QUESTIONS)), key=lambda clock: clock.error).ahead


def _ended(client: Client, told: Mapping[str, Any], cpus: int, ahead: float) -> Ended:
    return Ended(
        client=client.name,
        status=told["status"],
        out=told["out"],
        err=told["err"],
        report=told["report"],
        start=told["start"] - ahead,
        end=told["end"] - ahead,
        cpu=told["cpu"],
        cpus=cpus,
    )
