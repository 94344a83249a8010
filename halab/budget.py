"""How long, or how much, something may be: a number that shows what it was made of."""

from __future__ import annotations

import math
from dataclasses import dataclass

from halab.haproxy_cfg import Check
from halab.service import Service
from halab.vrrp import Timers


@dataclass(frozen=True)
class Budget:
    """A limit and its terms, for a report to print side by side with what was measured."""

    value: float
    terms: str
    unit: str = "s"

    def __str__(self) -> str:
        return f"{self.value:.3f} {self.unit} ({self.terms})"

    @classmethod
    def resignation(cls, backup: Timers, work: float) -> Budget:
        """From a priority-0 advert to the BACKUP's takeover: RFC 5798 section 6.4.2.

        ``work`` is the seconds that the topology grants for the takeover itself.
        """
        return cls(
            backup.skew_time + work,
            f"skew_time of the BACKUP {backup.skew_time:.3f} s + takeover_work {work:g} s",
        )

    @classmethod
    def silence(cls, backup: Timers, work: float, adverts: float | None = None) -> Budget:
        """From the MASTER's last advert to the BACKUP's takeover: RFC 5798 section 6.1.

        ``adverts``, where the operator asks for it, is the most that it may be, in advert
        intervals; else it is Master_Down_Interval.
        """
        if adverts is not None:
            return cls(adverts * backup.advert_int, f"{adverts:g} × advert_int, as asked for")
        return cls(
            backup.master_down_interval + work,
            f"Master_Down_Interval = {backup.down_timer_adverts} × {backup.advert_int:g} s"
            f" + skew_time {backup.skew_time:.3f} s, + takeover_work {work:g} s",
        )

    @classmethod
    def preemption(cls, master: Timers) -> Budget:
        """For clients, from one MASTER to a better one: both speak for an advert at most.

        The better one has the VIP, and has said so by gratuitous ARP, before the other hears
        its first advert and lets go (RFC 5798 section 6.4.3).
        """
        return cls(master.advert_int, "one advert_int")

    @classmethod
    def detection(cls, check: Check, *, silent: bool) -> Budget:
        """From a server's death to DOWN, when it refuses checks, or when it is ``silent``."""
        how = "each refused at once" if not silent else "each with its timeout"
        terms = f"fall {check.fall} × inter {check.inter:g} s, {how}"
        return cls(check.detection(silent=silent), terms)

    @classmethod
    def recovery(cls, check: Check) -> Budget:
        """From a server's return to UP."""
        return cls(check.recovery(), f"rise {check.rise} × inter {check.inter:g} s")

    @classmethod
    def lost_share(cls, service: Service, detection: Budget, dead: int, backends: int) -> Budget:
        """The requests that go to dead servers before they are DOWN, if each of them is lost.

        Round robin gives each server its share, and to each turn of the wheel that had begun
        belongs one more.
        """
        rate = 1 / service.interval
        share = math.ceil(rate * detection.value * dead / backends) + dead
        return cls(
            share, f"{rate:g}/s × {detection.value:.3f} s × {dead}/{backends} + {dead}", "requests"
        )
