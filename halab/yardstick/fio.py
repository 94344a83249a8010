"""fio: a file written and read in order, past the cache; and one that is read back and checked."""

from __future__ import annotations

import json

from halab.errors import NodeError
from halab.platform import Platform
from halab.yardstick.yardstick import Program, Quantity, Reading

WRITE, READ = Quantity("disk-write", "MB/s"), Quantity("disk-read", "MB/s")

MIB_A_SECOND = 32
"""The size of the file for each second asked for; a disk of 256 MiB must have room for it."""
CHECKED = 8  # MiB

FOLDER = "/var/tmp"


class Fio(Program):
    """Blocks of 1 MiB by O_DIRECT, so that no cache of the platform's own counts."""

    name = "fio"
    quantities = (WRITE, READ)

    def command(self, _platform: Platform, seconds: float) -> str:
        """Three jobs, one after the other; the checked one has a checksum in each block."""
        size = round(MIB_A_SECOND * seconds)
        return (
            f"set -e; folder=$(mktemp -d {FOLDER}/halab-XXXXXX); trap 'rm -rf \"$folder\"' EXIT; "
            'fio --output-format=json --directory="$folder" --ioengine=psync --direct=1 --bs=1M '
            f"--size={size}M --end_fsync=1 --filename=measured "
            "--name=write --rw=write --name=read --stonewall --rw=read "
            f"--name=check --stonewall --rw=write --size={CHECKED}M --verify=crc32c"
        )

    def read(self, said: str) -> tuple[Reading, ...]:
        """MB/s of 10⁶ bytes; what failed to verify is an error of its job."""
        try:
            # what it has against a disk comes before its report
            jobs = {job["jobname"]: job for job in json.loads(said[said.index("{") :])["jobs"]}
            wrong = [name for name, job in jobs.items() if job["error"]]
            written, read = jobs["write"]["write"], jobs["read"]["read"]
            checked = jobs["check"]["read"]["io_bytes"]
        except (ValueError, KeyError) as why:
            raise NodeError(f"fio: {why!r} in its report: {said.strip()[-200:]!r}") from None
        if wrong or checked != CHECKED << 20:
            raise NodeError(f"fio: {', '.join(wrong) or 'check'}: {checked} bytes read back right")
        return (
            Reading(WRITE, written["bw_bytes"] / 1e6),
            Reading(READ, read["bw_bytes"] / 1e6),
        )
