"""What topology.yaml says of each kind of lab."""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator

from halab.names import File, Label, User
from halab.topology_part import Address, Part, Port


class Embedded(Part):
    """``operator`` is the address from which the tests speak."""

    operator: Address


class Emulated(Part):
    """``takeover_work`` is the seconds that emulation adds to a takeover as clients see it.

    ``queues`` are the receive queues of each director's NIC, of which Linux uses no more than it
    has CPUs: an emulated director has 16. With two ``nics`` a director has both in a bond.
    """

    takeover_work: float = Field(default=0.4, ge=0, le=1)
    queues: int = Field(default=1, ge=1, le=16)
    nics: int = Field(default=1, ge=1, le=2)


class Remote(Part):
    """How to get into real machines, and what may be done to them.

    ``user`` logs in by ``key``, a private key's file, at nodes whose host keys are in
    ``known_hosts``; ``~`` is the operator's home. ``lab_id`` is what the file
    /etc/halab-lab-id says on every node of a lab that is ``disposable``: one that may be broken.
    A client that watches the service sends a request every ``probe_interval`` seconds.
    After ``silence`` seconds without a sign of life of a run, nodes mend what it broke.
    """

    user: User = "root"
    key: File
    known_hosts: File
    port: Port = 22
    lab_id: Label | None = None
    probe_interval: float = Field(default=0.005, ge=0.001, le=1)
    silence: int = Field(default=90, ge=5, le=3600)
    disposable: bool = False

    @field_validator("disposable")
    @classmethod
    def _named(cls, disposable: bool, info: ValidationInfo) -> bool:
        if disposable and info.data.get("lab_id") is None:
            raise ValueError("needs a lab_id, which every node has in /etc/halab-lab-id; add it")
        return disposable


class Labs(Part):
    """What each kind of lab needs to know beyond the cluster itself.

    The emulated lab is the embedded one but for its directors, and has its operator.
    """

    embedded: Embedded | None = None
    emulated: Emulated = Emulated()
    remote: Remote | None = None
