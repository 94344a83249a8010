"""Asks the LAN again and again who has an address, and leaves no trace in any ARP table.

Answers go to the asking node alone, so that only a capture on it has them: without questions nobody
on a switched LAN sees that an address is there twice. They go there to a MAC that is not its own,
so that its own ARP table learns nothing either: of two who answer, it would follow now one and now
the other, and each time its clients' connections would be reset.
"""

from __future__ import annotations

import shlex
from ipaddress import IPv4Address

from halab.capture import Arp

_NOBODY = IPv4Address(0)
# An ARP probe of RFC 5227 section 2.1.1: the sender's address is 0.0.0.0, which nobody learns.
# Linux answers it as it answers duplicate address detection (net/ipv4/arp.c, arp_process).
_PROGRAM = """
import contextlib, socket, sys
nic, address, interval = sys.argv[1:]
lan = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
lan.settimeout(float(interval))
lan.bind((nic, 0))
own = lan.getsockname()[4]
mac = bytes([own[0] ^ 4 | 2]) + own[1:]  # another, locally administered
ethernet = b"\\xff" * 6 + mac + b"\\x08\\x06"
request = bytes.fromhex("0001 0800 06 04 0001")
probe = ethernet + request + mac + bytes(4) + bytes(6) + socket.inet_aton(address)
while True:
    with contextlib.suppress(TimeoutError):
        lan.send(probe)
        lan.recv(1)  # nothing, for an interval: a socket of no protocol receives nothing
"""


def command(nic: str, address: IPv4Address, interval: float) -> str:
    """The shell command that asks every ``interval`` seconds until it is killed."""
    return shlex.join(["python3", "-c", _PROGRAM, nic, str(address), f"{interval:g}"])


def asked(arp: Arp) -> bool:
    """True for such a question, whoever asks."""
    return arp.sender_ip == _NOBODY
