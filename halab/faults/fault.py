"""A fault: a deed and its undoing, with a name, and a line in the lab's journal for each step."""

from __future__ import annotations

import inspect
import itertools
import os
import time
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from types import TracebackType
from typing import ParamSpec, TypeVar

from halab import wait
from halab.budget import Work
from halab.lab import journal
from halab.lab.journal import Entry
from halab.names import listed
from halab.node import Node

P = ParamSpec("P")
T = TypeVar("T")

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Deed:
    """What is done to a node, and what takes it back: safe to do twice, and without the doing.

    ``heals`` is the undoing as shell commands, for who has nothing but the node: of that node, or
    by node where there are several. Without it only a lab with a front panel can have the fault.
    """

    node: Node
    do: Callable[[], object]
    undo: Callable[[], object]
    heals: str | Mapping[Node, str] = ""

    @property
    def healing(self) -> dict[str, str]:
        """``heals`` by the names of the nodes."""
        by_node = {self.node: self.heals} if isinstance(self.heals, str) else self.heals
        return {node.name: commands for node, commands in by_node.items() if commands}


@dataclass(frozen=True)
class Step:
    """Something that was done: ``at`` is seconds of the wall clock, ``took`` is seconds."""

    at: float
    took: float

    def __str__(self) -> str:
        return f"at {datetime.fromtimestamp(self.at):%H:%M:%S.%f} in {self.took:.3f} s"


class Undone(AbstractContextManager[None]):
    """Entering does it, leaving undoes it; so does a doing that fails, before its error goes on."""

    _took = 0.0

    @property
    def doing(self) -> Work:
        """What the doing took, where time is counted from before it; nothing until it is done."""
        return Work("the doing", self._took)

    @abstractmethod
    def do(self) -> None:
        """Do it."""

    @abstractmethod
    def undo(self) -> None:
        """Undo it, whether it has been done, done half-way, or undone already."""

    @abstractmethod
    def finish(self) -> None:
        """Undo it where that was begun and did not come to its end, as by an interrupt."""

    def __enter__(self) -> None:
        began = wait.clock()
        try:
            self.do()
        except BaseException:
            self.undo()
            raise
        self._took = wait.clock() - began

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.undo()


class Fault(Undone):
    """One fault of the catalogue.

    ``done`` and ``undone``, the first time that it was, are None before.
    """

    def __init__(self, name: str, arguments: str, deed: Deed) -> None:
        self.name = name
        self.arguments = arguments
        self.deed = deed
        self.done: Step | None = None
        self.undone: Step | None = None
        self._refused = self._left = False
        self._number = f"{os.getpid()}.{next(_numbers)}"

    def do(self) -> None:
        """Do it."""
        self._refused = True  # a node that may not be broken may not be mended either
        self._journal(journal.DOING)
        self._refused, self._left = False, True
        self.done = self._take(self.deed.do, journal.DONE)

    def undo(self) -> None:
        """Undo it, whether it has been done, done half-way, or undone already.

        What the journal refused was not begun: its word is taken back, and no node is touched.
        """
        if self._refused:
            self._journal(journal.UNDONE)
            return
        try:
            self._journal(journal.UNDOING)
        finally:  # a journal whose disk is full keeps nothing from being mended
            undone = self._take(self.deed.undo, journal.UNDONE)
        self.undone = self.undone or undone
        self._left = False

    def finish(self) -> None:
        """Undo it where that was begun and did not come to its end, as by an interrupt."""
        if self._left:
            self.undo()

    def _take(self, action: Callable[[], object], after: str) -> Step:
        at, began = time.time(), wait.clock()
        try:
            action()
        except BaseException:
            self._journal(journal.FAILED)
            raise
        self._journal(after)
        return Step(at, wait.clock() - began)

    def _journal(self, step: str) -> None:
        node = self.deed.node
        entry = Entry(step, self._number, self.name, node.name, self.arguments, self.deed.healing)
        if node.journal is not None:
            node.journal.write(entry)

    def __str__(self) -> str:
        said = [f"{self.name}({self.arguments})"]
        if self.done:
            said.append(f"done {self.done}")
        said.append(f"undone {self.undone}" if self.undone else "not undone yet")
        return ", ".join(said)


def fault(deed: Callable[P, Deed]) -> Callable[P, Fault]:
    """Make a fault of a function that gives its deed: it has the function's name and arguments.

    >>> @fault
    ... def keepalived_stopped(director: Director) -> Deed:
    ...     return Deed(director.node, director.keepalived.stop, director.keepalived.start)
    """
    signature = inspect.signature(deed)

    @wraps(deed)
    def made(*args: P.args, **kwargs: P.kwargs) -> Fault:
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        values = [v for name, v in given.arguments.items() if name not in ("cluster", "lab")]
        return Fault(deed.__name__, ", ".join(map(_shown, values)), deed(*args, **kwargs))

    return made


def _shown(value: object) -> str:
    """A thing of the cluster by its name, anything else as it is written."""
    name = getattr(value, "name", None)
    return str(name if name is not None else value)


class Together(Undone):
    """Faults that are done at once, as near as sixteen hands can, and undone at once."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)

    @property
    def name(self) -> str:
        """The faults' own, and how many there are."""
        return f"{self.faults[0].name}, {len(self.faults)} at once" if self.faults else "nothing"

    def do(self) -> None:
        """Do all of them; one that fails is undone before the others are."""
        self._all(Fault.__enter__)

    def undo(self) -> None:
        """Undo each of them, whatever becomes of the others; raises all their errors."""
        self._all(Fault.undo)

    def finish(self) -> None:
        """The same for those of which it is not over."""
        self._all(Fault.finish)

    def _all(self, action: Callable[[Fault], None]) -> None:
        if not self.faults:
            return
        begun: list[Future[None]] = []
        with ThreadPoolExecutor(min(len(self.faults), 16)) as pool:
            try:
                begun += [pool.submit(action, one) for one in self.faults]
                futures.wait(begun)
            except BaseException:
                # an interrupt: what is still being done must not be done after it is undone
                pool.shutdown(wait=True)
                raise
        errors = [error for future in begun if (error := future.exception()) is not None]
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise BaseExceptionGroup(f"{len(errors)} faults", errors)

    def __str__(self) -> str:
        name = self.faults[0].name if self.faults else "nothing"
        return f"{name} of {listed(one.arguments for one in self.faults)}"


def each_of(things: Iterable[T], made: Callable[[T], Fault]) -> Together:
    """The same fault of each of these things, together.

    >>> inflict(each_of(half_of(cluster.backends), partial(apache_killed, cluster)))
    """
    return Together([made(thing) for thing in things])


def half_of(things: Sequence[T]) -> Sequence[T]:
    """Every second of them, so that every server has its share; of an odd number the larger half.

    >>> half_of("abcde")
    'ace'
    """
    return things[::2]
