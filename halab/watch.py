"""The service as one client sees it while something happens to the cluster."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from halab import wait
from halab.client import Client
from halab.errors import LabError, NodeError, NotReached
from halab.names import listed
from halab.other_clock import OtherClock, compared
from halab.outage import Losses
from halab.probe import Probe
from halab.service import FAULT, HEALED, Service
from halab.wait import Condition

# A prober that misses more than this share of its sends has no time of its own: what it then
# saw says more about the machine it runs on than about the cluster.
MOST_MISSED = 0.02

# So few are no share of anything: one stall of the machine, which the resolution has in it. It
# lasts as long whatever the interval, and costs a client that asks more often more of its sends.
FEW_MISSED = 10
STALL = 0.05

# Requests in a row that are enough to say that the service answers: two for each of 24 backends.
ENOUGH = 48
# After a fault it must last besides, since what was broken may break again at once. Seconds.
CALM = 0.3


@dataclass(frozen=True)
class Reached:
    """A condition came to hold ``after`` so many seconds, looked at every ``polling`` seconds."""

    after: float
    polling: float


def starved(service: Service) -> bool:
    """Its prober missed too many sends to judge by the others."""
    few = max(FEW_MISSED, STALL / service.interval)
    return service.missed > max(MOST_MISSED * service.meant, few)


def reach(condition: Condition, since: float, within: float) -> Reached:
    """Wait for the condition; ``since`` on :func:`halab.wait.clock` its seconds are counted.

    Raises :class:`NotReached` after ``within`` seconds.
    """
    looked = since
    reached: Reached | None = None

    def holds() -> bool:
        nonlocal looked, reached
        now = wait.clock()
        if condition.holds():
            seen = wait.clock()
            reached = Reached(seen - since, seen - looked)
            return True
        looked = now
        return False

    replace(condition, holds=holds).until(within=within, every=0.01)
    assert reached is not None
    return reached


class Watching(ABC):
    """The service watched by one client or by several, through what happens in a block.

    Probes from before its block until the service is back. The block begins at the mark ``fault``.
    At its end the watch waits for ``until`` (which clients cannot see, such as where the VIP is),
    then for calm; at most ``patience`` seconds for each. A service that does not come back is an
    outage without end; an ``until`` that is not reached raises :class:`NotReached`, and a prober
    that could not do its work :class:`LabError`.
    """

    def __init__(self, until: Condition | None, patience: float) -> None:
        self._until = until
        self._patience = patience
        self._reached: Reached | None = None

    @property
    @abstractmethod
    def watches(self) -> tuple[Watch, ...]:
        """All of them."""

    @abstractmethod
    def start(self) -> None:
        """Begin to probe."""

    @abstractmethod
    def fault(self) -> None:
        """From here on something happens to the cluster."""

    @abstractmethod
    def stop(self) -> None:
        """End the probing, as far as it has begun."""

    @abstractmethod
    def refuse_starved(self) -> None:
        """Raise :class:`LabError` if too many sends were missed to judge by the others."""

    def __enter__(self) -> Self:
        try:
            self.start()
            self.await_calm(0)
            self.fault()
        except BaseException:
            self.stop()
            raise
        self._began = wait.clock()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                if self._until is not None:
                    self._reached = self.awaiting(self._until)
                # clients without answers are the test's finding, not an error of the watch
                with suppress(NotReached):
                    self.await_calm()
        finally:
            self.stop()
        if error is None:
            self.refuse_starved()

    def await_calm(self, lasting: float = CALM) -> None:
        """Wait for a calm of every client that begins now, of so many seconds at least.

        Raises :class:`NotReached` when it does not come.
        """
        began = wait.clock()

        def restless() -> list[str]:
            return [
                watch.client.name for watch in self.watches if not watch.calm_since(began, lasting)
            ]

        wait.until(
            lambda: not restless(),
            what="every request of the clients is answered again",
            within=self._patience,
            every=0.05,
            seen=lambda: f"not those of {listed(restless())}",
        )

    def awaiting(self, condition: Condition) -> Reached:
        """Wait within the block, probing on; seconds count from its beginning or healing."""
        return reach(condition, self._began, self._patience)

    @property
    def reached(self) -> Reached:
        """When ``until`` came to hold, from the block's beginning."""
        if self._reached is None:
            names = listed(watch.client.name for watch in self.watches)
            raise NodeError(f"{names}: nothing is waited for, or it is still waited for")
        return self._reached


class Watch(Watching):
    """One client's watch; after its block it is what was seen. See :class:`Watching`."""

    def __init__(
        self,
        client: Client,
        start: Callable[[], Probe],
        until: Condition | None = None,
        patience: float = 30,
    ) -> None:
        super().__init__(until, patience)
        self.client = client
        self._start = start
        self._probe: Probe | None = None
        self._service: Service | None = None
        self._clock: OtherClock | None = None

    @property
    def watches(self) -> tuple[Watch, ...]:
        """This one."""
        return (self,)

    def start(self) -> None:
        """Begin to probe."""
        self._probe = self._start()

    def fault(self) -> None:
        """From here on something happens to the cluster."""
        self._clock = compared(lambda: self._active.mark(FAULT))

    def at(self, here: float) -> float:
        """A moment of :func:`halab.wait.clock` on the client's clock, known from the fault on."""
        assert self._clock is not None, f"{self.client.name} has seen no fault yet"
        return self._clock.at(here)

    def stop(self) -> None:
        """End the probing, if it has begun: what was seen is there then."""
        if self.probing:
            self._service = self._active.stop()

    @property
    def probing(self) -> bool:
        """It has begun and not ended."""
        return self._probe is not None and self._service is None

    @property
    def _active(self) -> Probe:
        assert self._probe is not None, f"{self.client.name} does not probe yet"
        return self._probe

    def refuse_starved(self) -> None:
        """Raise :class:`LabError` if it missed too many sends to judge by the others."""
        service = self.service
        if starved(service):
            raise LabError(
                f"{self.client.name} missed {service.missed} of {service.meant} sends, so nothing "
                "can be judged by it: its machine has too much else to do"
            )

    def calm_since(self, began: float, lasting: float) -> bool:
        """All that was sent for a while is answered; what was sent before then is not counted.

        What is lost at this moment shows a timeout later, but it is not answered until then.
        """
        enough = max(lasting, ENOUGH * self._active.interval)
        passed = wait.clock() - began
        calm = self._active.calm()
        return min(passed - calm.undecided, calm.lasted) > enough

    def mark(self, name: str) -> None:
        """From here on something holds, by the client's own clock: see :meth:`Service.at`.

        What the client sends after its mark it has sent after this was called.
        """
        self._active.mark(name)

    def healed(self) -> None:
        """From here on all is well again: what is lost or awaited now counts from here."""
        self.mark(HEALED)
        self._began = wait.clock()

    @property
    def ended(self) -> bool:
        """True once all is seen."""
        return self._service is not None

    @property
    def service(self) -> Service:
        """All that was seen; raises :class:`NodeError` while the watch goes on."""
        if self._service is None:
            raise NodeError(f"{self.client.name} is still probing")
        return self._service

    @property
    def longest_outage(self) -> float:
        """Seconds; infinite for an outage that had not ended when patience did."""
        worst = self.service.worst
        if worst is not None and worst.open:
            return math.inf
        return self.service.longest_outage

    @property
    def resolution(self) -> float:
        """Seconds by which ``longest_outage`` may be off."""
        return self.service.resolution

    @property
    def lost(self) -> Losses:
        """Failed requests by class, from the first send to the last."""
        return self.service.lost

    @property
    def through(self) -> int:
        """Requests lost in outages from the fault to its healing."""
        return self.service.through.total()

    @property
    def lost_after(self) -> int:
        """Requests lost once all was well again."""
        return self.service.after.total()

    def __str__(self) -> str:
        return f"{self.client.name}, {self.service.kind}: {self.service.summary()}"
