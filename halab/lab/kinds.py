"""The kinds of labs: those that are built on this machine, and that of real machines."""

from __future__ import annotations

from halab.errors import LabError
from halab.lab import rack
from halab.lab.embedded import EmbeddedLab
from halab.lab.emulated import EmulatedLab
from halab.lab.hosting import GUESTS
from halab.lab.remote import RemoteLab

BUILT: dict[str, type[EmbeddedLab]] = {lab.kind: lab for lab in (EmbeddedLab, EmulatedLab)}
KINDS = (*BUILT, RemoteLab.kind)


def built(kind: str | None, name: str) -> type[EmbeddedLab]:
    """The kind asked for; else that of the lab which stands by this name; else embedded."""
    if kind is None and (rack.state(name) / "lab.json").exists():
        kind = rack.facts(name).get("kind")  # none in a lab of an older version
    return BUILT[kind or EmbeddedLab.kind]


def guests(asked: str | None, name: str) -> str:
    """What the web VMs are to be: as asked for; else those of the standing lab; else containers.

    Raises :class:`LabError` when the lab that stands by this name has others than asked for.
    """
    standing = None
    if (rack.state(name) / "lab.json").exists():
        standing = rack.facts(name).get("guests", GUESTS[0])
    if asked and standing and asked != standing:
        raise LabError(
            f"the VMs of the standing lab {name!r} are {standing}, not {asked}: ./run lab down, "
            "or give the other one another name"
        )
    return asked or standing or GUESTS[0]
