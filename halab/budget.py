"""How long, or how much, something may be: a number that shows what it was made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from halab.bond import State as BondState
from halab.connecting import Connecting
from halab.health_check import HealthCheck
from halab.keepalived_conf import VrrpInstance
from halab.service import Service
from halab.tracking import VrrpScript, VrrpTrackProcess
from halab.virtual_server import TcpCheck
from halab.vrrp import Timers


@dataclass(frozen=True)
class Work:
    """Seconds that something may take beyond what a protocol says; ``name`` tells who grants it."""

    name: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.name} {self.seconds:g} s"


@dataclass(frozen=True)
class Budget:
    """A limit and its terms, for a report to print side by side with what was measured."""

    value: float
    terms: str
    unit: str = "s"

    def __str__(self) -> str:
        return f"{self.value:.3f} {self.unit} ({self.terms})"

    def and_(self, *works: Work) -> Budget:
        """This budget with these terms more."""
        terms = " + ".join([self.terms, *map(str, works)])
        return Budget(self.value + _seconds(works), terms, self.unit)

    def then(self, other: Budget) -> Budget:
        """This budget, and once it has run out another."""
        return Budget(self.value + other.value, f"{self.terms}, + {other.terms}")

    @classmethod
    def resignation(cls, backup: Timers, works: Sequence[Work]) -> Budget:
        """From a priority-0 advert to the BACKUP's takeover: RFC 5798 section 6.4.2.

        ``works`` is what is granted for the takeover itself.
        """
        terms = [f"skew_time of the BACKUP {backup.skew_time:.3f} s", *map(str, works)]
        return cls(backup.skew_time + _seconds(works), " + ".join(terms))

    @classmethod
    def silence(cls, backup: Timers, works: Sequence[Work], adverts: float | None = None) -> Budget:
        """From the MASTER's last advert to the BACKUP's takeover: RFC 5798 section 6.1.

        ``adverts``, where the operator asks for it, is the most that it may be, in advert
        intervals; else it is Master_Down_Interval.
        """
        if adverts is not None:
            terms = f"{adverts:g} × advert_int {backup.advert_int:g} s, as asked for"
            return cls(adverts * backup.advert_int, terms)
        interval = (
            f"Master_Down_Interval = {backup.down_timer_adverts} × {backup.advert_int:g} s"
            f" + skew_time {backup.skew_time:.3f} s"
        )
        return cls(
            backup.master_down_interval + _seconds(works), ", + ".join([interval, *map(str, works)])
        )

    @classmethod
    def given_away(
        cls, lost: Budget, backup: Timers, works: Sequence[Work], *, weight: int = 0
    ) -> Budget:
        """From the loss of what the MASTER tracks, known after ``lost``, to the BACKUP's takeover.

        With weight 0 the MASTER goes to FAULT and resigns (keepalived 2.2.7, vrrp.c,
        vrrp_state_leave_master); with another, the BACKUP passes over its adverts of lower
        priority until Master_Down_Timer has run out (RFC 5798 section 6.4.2). Where its NIC is
        what was lost it cannot say anything: that is :meth:`silence`.
        """
        return lost.then(cls.silence(backup, works) if weight else cls.resignation(backup, works))

    @classmethod
    def script(cls, script: VrrpScript, *, hanging: bool) -> Budget:
        """From HAProxy's death to the script's, by exit status or by ``hanging``."""
        timeout = f" + timeout {script.timeout:g} s" if hanging else ""
        terms = f"fall {script.fall} × interval {script.interval:g} s{timeout}"
        return cls(script.detection(hanging=hanging), terms)

    @classmethod
    def process(cls, process: VrrpTrackProcess) -> Budget:
        """From a tracked process's death until it counts: the kernel tells at once."""
        return cls(process.detection, f"terminate_delay {process.terminate_delay:g} s")

    @classmethod
    def failback(cls, returning: VrrpInstance) -> Budget:
        """From the start of a better keepalived until it has the VIP again; inf under nopreempt.

        It hears the other's adverts for ``preempt_delay`` from the first of them on, and each
        sets its timer anew; those after are passed over (keepalived 2.2.7, vrrp.c,
        vrrp_state_backup).
        """
        if returning.nopreempt:
            return cls(math.inf, "nopreempt")
        own = returning.timers
        down = f"Master_Down_Interval {own.master_down_interval:.3f} s"
        if not returning.preempt_delay:
            return cls(own.master_down_interval, down)
        delay = f"advert_int {own.advert_int:g} s + preempt_delay {returning.preempt_delay:g} s"
        value = own.advert_int + returning.preempt_delay + own.master_down_interval
        return cls(value, f"{delay} + {down}")

    @classmethod
    def held(cls, connecting: Connecting, *, silent: bool, bound: bool = False) -> Budget:
        """How long HAProxy may hold a request for a server that takes no connection.

        ``bound``: by a cookie, to that server.
        """
        longest = connecting.longest(silent=silent, bound=bound)
        return cls(longest, connecting.in_words(silent=silent, bound=bound))

    @classmethod
    def preemption(cls, master: Timers) -> Budget:
        """For clients, from one MASTER to a better one: both speak for an advert at most.

        The better one has the VIP, and has said so by gratuitous ARP, before the other hears
        its first advert and lets go (RFC 5798 section 6.4.3).
        """
        return cls(master.advert_int, f"advert_int {master.advert_int:g} s")

    @classmethod
    def announced_again(cls, delay: float, works: Sequence[Work]) -> Budget:
        """From a worse director's moment as MASTER until nobody follows it any more.

        Both announce themselves at that moment, in whatever order. Whoever heard the worse one last
        hears the better one's second announcement (keepalived 2.2.7, vrrp.c, vrrp_state_master_rx
        and vrrp_lower_prio_gratuitous_arp_thread), ``vrrp_garp_lower_prio_delay`` seconds later.
        """
        terms = " + ".join([f"vrrp_garp_lower_prio_delay {delay:g} s", *map(str, works)])
        return cls(delay + _seconds(works), terms)

    @classmethod
    def detection(cls, check: HealthCheck, *, silent: bool) -> Budget:
        """From a server's death to DOWN, when it refuses checks, or when it is ``silent``."""
        each = f"{check.fall} × {check.timeout:g} s until a check is given up"
        how = f" + {each}" if silent else ", each refused at once"
        return cls(check.detection(silent=silent), check.intervals_down + how)

    @classmethod
    def detection_of_frozen(cls, check: HealthCheck) -> Budget:
        """From the freezing of a server's process to DOWN; inf where TCP checks pass."""
        answer = check.timeout_check or check.inter
        terms = f"{check.intervals_down} + {check.fall} × {answer:g} s for an answer"
        return cls(check.detection_of_frozen, terms if check.http else "a TCP check passes")

    @classmethod
    def detection_of_errors(cls, check: HealthCheck) -> Budget:
        """From a server's first 5xx to DOWN; inf where TCP checks pass."""
        terms = f"{check.intervals_down}, each failed by its status"
        return cls(check.detection_of_errors, terms if check.http else "a TCP check passes")

    @classmethod
    def recovery(cls, check: HealthCheck, *, silent: bool = False) -> Budget:
        """From a server's return to UP; after silence a check may be under way that is lost."""
        lost = f" + {check.timeout:g} s for a check that is still lost" if silent else ""
        return cls(check.recovery(silent=silent), check.intervals_up + lost)

    @classmethod
    def carrier_lost(cls, bond: BondState, works: Sequence[Work]) -> Budget:
        """From the loss of a port's carrier until the bond sends by another, and has said so.

        The kernel looks every ``miimon`` and waits for ``downdelay`` (its bonding.rst).
        """
        terms = [f"miimon {bond.miimon:g} s + downdelay {bond.downdelay:g} s", *map(str, works)]
        return cls(bond.miimon + bond.downdelay + _seconds(works), " + ".join(terms))

    @classmethod
    def sent_no_more(cls, check: TcpCheck, *, silent: bool) -> Budget:
        """From a real server's death until IPVS sends it no new connection."""
        terms = f"delay_loop {check.delay_loop:g} s + retry {check.retry} × "
        terms += f"delay_before_retry {check.delay_before_retry:g} s"
        if silent:
            terms += f" + (retry {check.retry} + 1) × connect_timeout {check.connect_timeout:g} s"
        return cls(check.detection(silent=silent), terms)

    @classmethod
    def sent_again(cls, check: TcpCheck, *, silent: bool) -> Budget:
        """From a real server's return until IPVS sends it connections: by one good check."""
        longer = max(check.delay_loop, check.delay_before_retry)
        lost = f" + connect_timeout {check.connect_timeout:g} s" if silent else ""
        terms = f"the longer of delay_loop and delay_before_retry {longer:g} s{lost}"
        return cls(check.recovery(silent=silent), terms)

    @classmethod
    def thawed(cls, frozen: float, service: Service) -> Budget:
        """From HAProxy's freezing, ``frozen`` seconds long, until it answers in time again.

        First come, first served, whether its client still waits or not: at worst one after the
        other, each for as long as an answer took before in the mean. Who comes meanwhile waits for
        that, and is lost if it lasts longer than a request's timeout.
        """
        itself = f"the fault itself {frozen:.3f} s"
        answer = service.before_fault.mean
        waiting = math.ceil(frozen / service.interval)
        late = waiting * answer - service.timeout
        if late <= 0:
            return cls(frozen, itself)
        turns = f"{waiting} × {answer:.5f} s for what waited - timeout {service.timeout:g} s"
        return cls(frozen + late, f"{itself} + {turns}")

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


def _seconds(works: Sequence[Work]) -> float:
    return sum(work.seconds for work in works)
