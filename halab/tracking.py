"""What keepalived watches of HAProxy, and gives the VIP away for; all times are seconds.

Who tracks something with weight 0 goes to FAULT when it is lost, and says so by an advert of
priority 0 (keepalived 2.2.7, vrrp_track.c, down_instance; vrrp.c, vrrp_state_leave_master). With
another weight its priority falls, and the BACKUP takes over when its timer has run out.
"""

from __future__ import annotations

from dataclasses import dataclass

TRACKING = ("interface", "process", "script")

SCRIPT = "/etc/keepalived/check-haproxy"
"""Asks every HAProxy process of this director."""

USER = "/etc/sysusers.d/halab-keepalived.conf"
"""Declares the user that the script runs as: keepalived's own default, which Debian has not."""


@dataclass(frozen=True)
class VrrpScript:
    """A ``vrrp_script``: weight 0 puts who tracks it in FAULT, another moves its priority."""

    name: str
    script: str = ""
    interval: float = 1.0
    timeout: float = 1.0  # after so long a run is killed and has failed; unset: the interval
    fall: int = 1
    rise: int = 1
    weight: int = 0

    def detection(self, *, hanging: bool) -> float:
        """Longest time until the script has failed ``fall`` times, at once or by ``hanging``.

        What it watches may die just after a good run, and runs start every ``interval``, even
        while one hangs: 2.2.7 logs "skipping run" and runs it all the same. So only the last run
        adds its ``timeout`` (vrrp_scheduler.c, vrrp_script_thread, vrrp_script_child_thread).

        >>> script = VrrpScript("haproxy", interval=2, timeout=1, fall=2)
        >>> script.detection(hanging=False), script.detection(hanging=True)
        (4, 5)
        """
        return self.fall * self.interval + (self.timeout if hanging else 0)

    @property
    def recovery(self) -> float:
        """Longest time until it has succeeded ``rise`` times."""
        return self.rise * self.interval


@dataclass(frozen=True)
class VrrpTrackProcess:
    """A ``vrrp_track_process``: told by the kernel, so only its delays pass before it counts.

    The kernel tells of processes that begin and end: it never finds one that is frozen. It tells
    only in the first network namespace (drivers/connector, cn_init), and keepalived 2.2.7 does not
    notice where it does not.
    """

    name: str
    process: str = ""
    fork_delay: float = 0.0
    terminate_delay: float = 0.0
    weight: int = 0
    quorum: int = 1

    @property
    def detection(self) -> float:
        """From the death of one too many until it counts (core/track_process.c)."""
        return self.terminate_delay


# What the suite deploys. The timeout is below the interval so that runs never overlap: they share
# one state in 2.2.7.
DEPLOYED = VrrpScript("haproxy", SCRIPT, interval=2, timeout=1, fall=2, rise=2)
