"""What topology.yaml says of each kind of lab."""

from __future__ import annotations

from pydantic import Field

from halab.topology_part import Address, Part


class Embedded(Part):
    """``operator`` is the address from which the tests speak."""

    operator: Address


class Emulated(Part):
    """``takeover_work`` is the seconds that emulation adds to a takeover as clients see it.

    ``queues`` are the receive queues of each director's NIC, of which Linux uses no more than it
    has CPUs: an emulated director has 16.
    """

    takeover_work: float = Field(default=0.4, ge=0, le=1)
    queues: int = Field(default=1, ge=1, le=16)


class Labs(Part):
    """What each kind of lab needs to know beyond the cluster itself.

    The emulated lab is the embedded one but for its directors, and has its operator.
    """

    embedded: Embedded
    emulated: Emulated = Emulated()
