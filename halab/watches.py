"""The service as several clients see it, through one and the same fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from halab.wait import Condition
from halab.watch import Watch, Watching


class Watches(Watching):
    """Watches that begin together, wait for one ``until``, and are each judged for themselves.

    All have the mark ``fault`` within some milliseconds. See :class:`Watching`.
    """

    def __init__(
        self, by_kind: dict[str, Watch], until: Condition | None = None, patience: float = 30
    ) -> None:
        super().__init__(until, patience)
        self.by_kind = by_kind

    def __getitem__(self, kind: str) -> Watch:
        return self.by_kind[kind]

    @property
    def watches(self) -> tuple[Watch, ...]:
        """All of them."""
        return tuple(self.by_kind.values())

    def __iter__(self) -> Iterator[Watch]:
        return iter(self.watches)

    def start(self) -> None:
        """All begin to probe, at once."""
        self._each(Watch.start)

    def fault(self) -> None:
        """All have the mark, one right after the other."""
        for watch in self:
            watch.fault()

    def stop(self) -> None:
        """End all that have begun and not ended, at once."""
        self._each(Watch.stop)

    def refuse_starved(self) -> None:
        """Raise :class:`LabError` for the first that missed too many sends."""
        for watch in self:
            watch.refuse_starved()

    def _each(self, step: Callable[[Watch], None]) -> None:
        """The step with all at once; the first failure is raised when all have done it."""
        with ThreadPoolExecutor(len(self.by_kind)) as pool:
            done = [pool.submit(step, watch) for watch in self]
        for one in done:
            one.result()
