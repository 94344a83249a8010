"""How long a compilation takes: of Linux where its source is, else of the program beside this.

A brief one is of the program anyway: it shows that a platform compiles, and Linux takes minutes.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from halab.errors import NodeError
from halab.platform import Platform
from halab.yardstick.yardstick import WHOLE, Program, Quantity, Reading

TIME = Quantity("compile", "s", less_is_better=True)

PROGRAM = Path(__file__).with_name("program")
SOURCE = "/run/halab-program"
"""Where the program's source is put on a platform."""

SAYS = 1667403081
"""What the program says that gcc and tcc make of it, with any optimization."""

_TIMED = """\
set -e
folder=$(mktemp -d /var/tmp/halab-XXXXXX)
trap 'rm -rf "$folder"' EXIT
make -s -C %s O="$folder" defconfig >/dev/null
began=$(date +%%s%%N)
make -s -C %s O="$folder" -j %s >/dev/null
ended=$(date +%%s%%N)
echo $((ended - began))
%s
"""


class Compiling(Program):
    """With one job more than there are CPUs, as annex A.2 does it."""

    name = "make"
    quantities = (TIME,)
    limit = 3600.0

    def missing(self, platform: Platform) -> str:
        """make, a compiler, or the kernel's source where one was named."""
        if platform.kernel and platform.node.ask("test -e %s", f"{platform.kernel}/Kbuild").rc != 0:
            return f"{platform.node.name} has no source of Linux in {platform.kernel}"
        needed = ("make", "cc", "gcc") if platform.kernel else ("make", "cc")
        lacking = [name for name in needed if not platform.has(name)]
        return f"{platform.node.name} has no {' and no '.join(lacking)}" if lacking else ""

    def once(self, platform: Platform) -> bool:
        """Where it is Linux."""
        return bool(platform.kernel)

    def measure(self, platform: Platform, seconds: float) -> tuple[Reading, ...]:
        """Bring the source there first, where it is ours."""
        if not _kernel(platform, seconds):
            sources = {f"{SOURCE}/{file.name}": file.read_text() for file in PROGRAM.iterdir()}
            platform.node.put_all(sources)
        return super().measure(platform, seconds)

    def command(self, platform: Platform, seconds: float) -> str:
        """It takes as long as it takes."""
        kernel = _kernel(platform, seconds)
        source = shlex.quote(kernel or SOURCE)
        result = f'test -e "$folder/vmlinux" && echo {SAYS}' if kernel else '"$folder/program"'
        return _TIMED % (source, source, platform.threads + 1, result)

    def read(self, said: str) -> tuple[Reading, ...]:
        """The time, where what was compiled is right."""
        try:
            nanoseconds, result = map(int, said.split())
        except ValueError:
            raise NodeError(f"the compilation said {said.strip()[-200:]!r}") from None
        if result != SAYS:
            raise NodeError(f"what was compiled says {result}, not {SAYS}")
        return (Reading(TIME, nanoseconds / 1e9),)


def _kernel(platform: Platform, seconds: float) -> str:
    """The folder of the Linux that is compiled; empty where it is the program."""
    return platform.kernel if seconds >= WHOLE else ""
