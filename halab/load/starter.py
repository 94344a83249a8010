"""Runs on a client: starts commands at one moment of its own monotonic clock, and times them.

Told by lines of JSON on stdin: a list of commands, each with the one that reports on it, then the
start moment, in seconds of its clock; ``null`` asks for the clock. A command may record something
in the file $RECORD, and its report, which runs when all commands have ended, reads it there.
Needs no more than Python 3's own library.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from typing import IO, Any, NamedTuple


class Running(NamedTuple):
    """A command that has not ended."""

    place: int
    start: float
    child: subprocess.Popen[bytes]


def main() -> None:
    """Speak as the module says; ends with one line of what each command did."""
    commands = json.loads(sys.stdin.readline())
    for line in sys.stdin:
        said = json.loads(line)
        if said is None:
            print(json.dumps(time.monotonic()), flush=True)
            continue
        select.select((), (), (), max(said - time.monotonic(), 0))
        print(json.dumps(run(commands)), flush=True)
        return


def run(commands: list[tuple[str, str]]) -> dict[str, Any]:
    """Start all at once, wait for all; times on the monotonic clock, CPU time by the kernel."""
    running: dict[int, Running] = {}
    ended: list[dict[str, Any]] = []
    with ExitStack() as files:
        said = [
            [files.enter_context(tempfile.TemporaryFile()) for _ in ("out", "err")]
            for _ in commands
        ]
        folder = files.enter_context(tempfile.TemporaryDirectory())
        records = [{**os.environ, "RECORD": f"{folder}/{place}"} for place in range(len(commands))]
        for place, ((command, _), (out, err)) in enumerate(zip(commands, said, strict=True)):
            start = time.monotonic()
            child = subprocess.Popen(
                ["/bin/sh", "-c", command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=records[place],
            )
            running[child.pid] = Running(place, start, child)
        while running:
            pid, status, used = os.wait4(-1, 0)
            end = time.monotonic()
            one = running.pop(pid)
            one.child.returncode = os.waitstatus_to_exitcode(status)
            ended.append(
                {
                    "place": one.place,
                    "status": one.child.returncode,
                    "start": one.start,
                    "end": end,
                    "cpu": used.ru_utime + used.ru_stime,
                }
            )
        ended.sort(key=lambda told: told["place"])
        for told, (out, err) in zip(ended, said, strict=True):
            told |= {"out": _written(out), "err": _written(err)}
        for told, (_, report), record in zip(ended, commands, records, strict=True):
            told["report"] = subprocess.run(
                ["/bin/sh", "-c", report], env=record, stdout=subprocess.PIPE, text=True, check=True
            ).stdout
    return {"cpus": len(os.sched_getaffinity(0)), "done": ended}


def _written(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


if __name__ == "__main__":
    main()
