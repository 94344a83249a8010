"""Bonnie++: the thesis's yardstick for disks, annex A.5."""

from __future__ import annotations

from halab.errors import NodeError
from halab.platform import Platform
from halab.yardstick.fio import FOLDER
from halab.yardstick.yardstick import Program, Quantity, Reading

WRITE, READ = Quantity("bonnie-write", "MB/s"), Quantity("bonnie-read", "MB/s")

_WRITE, _READ = 11, 17
"""Of its CSV of format 1.98, the fields of blocks written and read in order, in KiB/s."""


class Bonnie(Program):
    """A file of twice the guest's memory, so that caches do not count; no small files."""

    name = "bonnie++"
    quantities = (WRITE, READ)
    thorough = True
    limit = 1800.0

    def missing(self, platform: Platform) -> str:
        """The program, or room for its file."""
        if lacking := super().missing(platform):
            return lacking
        free = int(platform.node.run(f"df --output=avail -B1M {FOLDER} | tail -n 1"))
        needs = 2 * platform.memory
        short = f"{platform.node.name} has {free} MiB free in {FOLDER}, and bonnie++ needs {needs}"
        return short if free < needs else ""

    def command(self, platform: Platform, _seconds: float) -> str:
        """What people read goes to stderr, its CSV to stdout."""
        return (
            f'folder=$(mktemp -d {FOLDER}/halab-XXXXXX) && bonnie++ -q -d "$folder" '
            f'-r {platform.memory} -n 0 -u "$(id -un)"; status=$?; rm -rf "$folder"; exit $status'
        )

    def read(self, said: str) -> tuple[Reading, ...]:
        """Both speeds; raises :class:`NodeError` for what was too quick to be told, "+++++"."""
        fields = said.strip().rpartition("\n")[2].split(",")
        try:
            written, read = (float(fields[place]) for place in (_WRITE, _READ))
        except (ValueError, IndexError):
            raise NodeError(f"bonnie++: no speeds in its CSV: {said.strip()[-200:]!r}") from None
        return Reading(WRITE, written * 1024 / 1e6), Reading(READ, read * 1024 / 1e6)
