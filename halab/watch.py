"""The service as one client sees it while something happens to the cluster."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import TracebackType

from halab import wait
from halab.client import Client
from halab.errors import NodeError, NotReached
from halab.probe import Probe
from halab.service import FAULT, Losses, Service

# Requests answered without a loss for this long, beyond the time in which the last of them
# are still undecided, are taken for a service that is there. Seconds.
CALM = 0.3


class Watch:
    """Probes from before its block until the service is back; then it is what was seen.

    The block begins at the mark ``fault``. At its end the watch waits for ``until`` (which
    clients cannot see, such as where the VIP is), then for calm; at most ``patience`` seconds
    for each. A service that does not come back is an outage without end.

    ``awaited`` is the seconds from the block's beginning until ``until`` was seen to hold
    (infinite if it never did), and ``polling`` the time since it was last seen not to.
    """

    def __init__(
        self,
        client: Client,
        start: Callable[[], Probe],
        until: Callable[[], object] | None = None,
        patience: float = 30,
    ) -> None:
        self.client = client
        self._start = start
        self._until = until
        self._patience = patience
        self._probe: Probe | None = None
        self._service: Service | None = None
        self.gave_up: NotReached | None = None
        self.awaited = math.inf
        self.polling = 0.0

    def __enter__(self) -> Watch:
        self._probe = self._start()
        self._await_calm(self._probe)
        self._probe.mark(FAULT)
        self._began = wait.clock()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        probe = self._probe
        assert probe is not None
        try:
            if error is None:
                if self._until is not None:
                    self._await(self._until)
                self._await_calm(probe)
        except NotReached as gave_up:
            self.gave_up = gave_up
        finally:
            self._service = probe.stop()
        if self.gave_up is not None and self._until is not None and math.isinf(self.awaited):
            raise NotReached(f"{self.gave_up}; {self}") from self.gave_up

    def _await(self, condition: Callable[[], object]) -> None:
        looked = self._began

        def holds() -> bool:
            nonlocal looked
            now = wait.clock()
            if condition():
                self.awaited, self.polling = wait.clock() - self._began, wait.clock() - looked
                return True
            looked = now
            return False

        wait.until(holds, what="what the watch waits for", within=self._patience, every=0.01)

    def _await_calm(self, probe: Probe) -> None:
        wait.until(
            lambda: probe.calm() > probe.timeout + CALM,
            what=f"{self.client.name} gets answers again",
            within=self._patience,
            every=0.05,
        )

    def mark(self, name: str) -> float:
        """Name this moment; seconds on the client's clock."""
        assert self._probe is not None
        return self._probe.mark(name)

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
        """Requests lost in outages that overlap the time from the fault on."""
        return self.service.through.total()

    def __str__(self) -> str:
        return f"{self.client.name}: {self.service.summary()}"
