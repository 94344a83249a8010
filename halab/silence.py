"""What a BACKUP heard of its MASTER, and what it made of the silences (RFC 5798 section 6.4.2).

Moments are seconds of one clock: that of a capture on the BACKUP's own NIC.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from halab.director import Director
from halab.vrrp import Advert, Timers


@dataclass(frozen=True)
class Silences:
    """Adverts that a BACKUP ``heard`` and ``said``, and its own ``timers``."""

    heard: tuple[float, ...]
    said: tuple[float, ...]
    timers: Timers

    @classmethod
    def of(
        cls, adverts: Iterable[Advert], master: Director, backup: Director, timers: Timers
    ) -> Self:
        """From a capture of both directors' adverts; a resignation is not counted as said."""
        by = [(a.at, a.source, a.resigns) for a in adverts]
        return cls(
            tuple(at for at, source, _ in by if source == master.node.address),
            tuple(at for at, source, gone in by if source == backup.node.address and not gone),
            timers,
        )

    @property
    def lost(self) -> list[int]:
        """How many adverts in a row were lost, each time that some were.

        A MASTER that hears the BACKUP sends one between times, which loses none.
        """
        gaps = (round((then - one) / self.timers.advert_int) - 1 for one, then in self._pairs)
        return [gap for gap in gaps if gap > 0]

    @property
    def due(self) -> list[float]:
        """When Master_Down_Timer ran out: the moments at which it had to take over."""
        longest = self.timers.master_down_interval
        return [one + longest for one, then in self._pairs if then - one > longest]

    @property
    def takeovers(self) -> list[float]:
        """When it did: its first advert, each time that it began to advertise."""
        pause = 1.5 * self.timers.advert_int
        return [at for before, at in pairwise([-math.inf, *self.said]) if at - before > pause]

    @property
    def _pairs(self) -> list[tuple[float, float]]:
        return list(pairwise(self.heard))
