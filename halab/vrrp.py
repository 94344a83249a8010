"""VRRP: its timers, and what adverts on the wire say of who advertises.

Words are keepalived's: MASTER and BACKUP where RFC 9568 says Active and Backup. Times are seconds.
Only IPv4 is read: VRRPv2 has no other, and the clusters here have no other VIP.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address
from itertools import pairwise

from halab.capture import ETHERNET_HEADER, Ethernet

VERSIONS = (2, 3)
GROUP = IPv4Address("224.0.0.18")
"""Where adverts go unless ``unicast_peer`` is set (RFC 9568 section 5.1.1.2)."""

_ETHERTYPE_IPV4 = 0x0800
PROTOCOL = 112  # RFC 9568 section 5.1.1.4
_ADVERTISEMENT = 1  # RFC 9568 section 5.2.2: the only type there is
_IP_HEADER = 20  # keepalived sends no IP options
_HEADER = 8  # version and type to checksum; the addresses follow, then the v2 auth data
_CENTISECOND = 0.01


def snaplen(addresses: int) -> int:
    """How many bytes of a frame hold an advert of so many addresses, and nothing after them.

    Ethernet 14 + IPv4 20 + VRRP 8 + 4 for each address: 46 for one. VRRPv2's authentication data,
    the password in clear, comes right after the addresses (RFC 2338 section 5.1), so a capture
    of this length never takes it off the node. It holds only when every speaker on the wire
    advertises at least so many addresses: give the fewest, 0 when that is not known
    (:meth:`Advert.decode` then finds no addresses and all the rest). An ARP needs 42.
    """
    if addresses < 0:
        raise ValueError("an advert cannot have fewer than no addresses")
    return ETHERNET_HEADER + _IP_HEADER + _HEADER + 4 * addresses


SNAPLEN = snaplen(1)


@dataclass(frozen=True)
class Timers:
    """The timers of one virtual router, from its advert_int (seconds) and priority.

    Raises ValueError for a version, interval or priority that no RFC knows; priority 0 is in
    adverts only. In VRRPv3 a BACKUP takes the interval from the MASTER's adverts
    (Active_Adver_Interval), so give that of the MASTER.

    >>> Timers(version=2, advert_int=1, priority=100).master_down_interval
    3.609375
    """

    version: int
    advert_int: float
    priority: int
    down_timer_adverts: int = 3
    """keepalived's departure from the RFCs: how many intervals of silence are let pass."""

    def __post_init__(self) -> None:
        if self.version not in VERSIONS:
            raise ValueError(f"VRRP has versions 2 and 3, not {self.version}")
        if not 1 <= self.priority <= 255:
            raise ValueError(f"a router's priority is from 1 to 255, not {self.priority}")
        if self.advert_int <= 0 or self.down_timer_adverts < 1:
            raise ValueError("advert_int and down_timer_adverts must be more than 0")

    @property
    def skew_time(self) -> float:
        """Skew_Time in seconds: how long a BACKUP waits after a priority-0 advert.

        v2: (256 - priority) / 256, whatever the interval (RFC 3768 section 6.1). v3: the same
        fraction of the interval (RFC 5798 and RFC 9568, section 6.1).
        """
        fraction = (256 - self.priority) / 256
        return fraction if self.version == 2 else fraction * self.advert_int

    @property
    def master_down_interval(self) -> float:
        """Master_Down_Interval in seconds: how long a BACKUP bears a silent MASTER.

        3 * advert_int + skew_time (RFC 3768, RFC 5798 section 6.1; Active_Down_Interval in
        RFC 9568 section 6.1).
        """
        return self.down_timer_adverts * self.advert_int + self.skew_time

    @property
    def adverts_outlasted(self) -> int:
        """So many adverts of one MASTER in a row take longer than Master_Down_Interval.

        >>> Timers(version=2, advert_int=1, priority=100).adverts_outlasted
        5
        """
        return math.ceil(self.master_down_interval / self.advert_int) + 1


@dataclass(frozen=True)
class Advert:
    """One VRRP advertisement; ``at`` is the capture's time, ``advert_int`` seconds."""

    at: float
    source: IPv4Address
    destination: IPv4Address
    source_mac: str
    destination_mac: str
    version: int
    virtual_router_id: int
    priority: int
    advert_int: float
    addresses: tuple[IPv4Address, ...]
    """The VIPs; fewer than were sent when the snap length cut them."""

    @property
    def resigns(self) -> bool:
        """Priority 0: the MASTER goes of its own will (RFC 9568 section 5.2.4)."""
        return self.priority == 0

    @classmethod
    def decode(cls, at: float, frame: bytes) -> Advert | None:
        """Read an Ethernet frame, VLAN tags or none; None for anything but a VRRP advert.

        The frame may end anywhere after the VRRP header: no checksum is verified, and what
        follows the addresses is never looked at.
        """
        ethernet = Ethernet.decode(frame)
        if ethernet is None or ethernet.ethertype != _ETHERTYPE_IPV4:
            return None
        packet = ethernet.payload
        if len(packet) < _IP_HEADER or packet[0] >> 4 != 4 or packet[9] != PROTOCOL:
            return None
        if int.from_bytes(packet[6:8], "big") & 0x1FFF:  # a later fragment has no VRRP header
            return None
        vrrp = packet[(packet[0] & 0x0F) * 4 :]
        if len(vrrp) < _HEADER or vrrp[0] >> 4 not in VERSIONS or vrrp[0] & 0x0F != _ADVERTISEMENT:
            return None
        version, count = vrrp[0] >> 4, vrrp[3]
        listed = vrrp[_HEADER : _HEADER + 4 * count]
        return cls(
            at=at,
            source=IPv4Address(packet[12:16]),
            destination=IPv4Address(packet[16:20]),
            source_mac=ethernet.source_mac,
            destination_mac=ethernet.destination_mac,
            version=version,
            virtual_router_id=vrrp[1],
            priority=vrrp[2],
            # v2: a byte of seconds after the auth type (RFC 3768 section 5.1); v3: 12 bits of
            # centiseconds (RFC 9568 section 5.2.6).
            advert_int=float(vrrp[5])
            if version == 2
            else (int.from_bytes(vrrp[4:6], "big") & 0x0FFF) * _CENTISECOND,
            addresses=tuple(
                IPv4Address(listed[n : n + 4]) for n in range(0, len(listed) - len(listed) % 4, 4)
            ),
        )


def speakers(adverts: Iterable[Advert]) -> dict[IPv4Address, tuple[Advert, ...]]:
    """Who advertised, in the order in which each was first heard; each one's adverts by time.

    Routers of several instances share one key: choose by ``virtual_router_id`` first.
    """
    heard: dict[IPv4Address, list[Advert]] = defaultdict(list)
    for advert in sorted(adverts, key=lambda advert: advert.at):
        heard[advert.source].append(advert)
    return {source: tuple(theirs) for source, theirs in heard.items()}


def intervals(adverts: Iterable[Advert]) -> tuple[float, ...]:
    """Seconds between consecutive adverts of one speaker for one virtual router.

    A resignation is left out: it is sent at once, not when the Adver_Timer fires. Raises
    ValueError when there is more than one speaker or virtual router among them.
    """
    regular = sorted((a for a in adverts if not a.resigns), key=lambda advert: advert.at)
    if len({(advert.source, advert.virtual_router_id) for advert in regular}) > 1:
        raise ValueError("these adverts are of several speakers or virtual routers")
    return tuple(after.at - before.at for before, after in pairwise(regular))
