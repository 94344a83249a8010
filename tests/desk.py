"""The machine at which an operator sits: all that a run may leave on it is there to be seen."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from halab import wait
from halab.lab import image
from tests.counted import counted_as_a_lab

CHECKOUT = Path(__file__).parents[1]
SIZE = "96m"
"""Of /run and of /tmp, so that they can be filled."""
ADDRESS = "10.77.0.3/24"
"""In the foreign lab."""

_numbers = itertools.count(1)

# /tmp is new, but for the folders that are named; the inotify limit is the host's, on which other
# labs rest, so that here a file stands for it.
_BOOT = f"""
set -e
mount --make-rprivate /
# what others build there meanwhile, and will rename
awk -v under="$1/" 'index($5, under) == 1 {{print $5}}' /proc/self/mountinfo | tac |
    xargs -r umount -l
shift
mount -t tmpfs -o size={SIZE} tmpfs /mnt
for folder; do
    mkdir -p "/mnt/${{folder#/tmp/}}"
    mount --bind "$folder" "/mnt/${{folder#/tmp/}}"
done
mount --move /mnt /tmp
mount -t tmpfs -o size={SIZE},mode=755 tmpfs /run
mount -t tmpfs tmpfs /dev/shm
mkdir -p /run/lock /run/netns
echo 128 > /dev/shm/inotify
mount --bind /dev/shm/inotify /proc/sys/fs/inotify/max_user_instances
ip link set lo up
echo up
read -r _
"""

PICTURE = """
export LC_ALL=C
running=$(ps -eo comm=)
echo "$running" | sort
cut -d ' ' -f 4- /proc/self/mountinfo | sort
lsns --noheadings --output TYPE | sort | uniq -c
ip -o link show | cut -d ' ' -f 2- | grep -v '^eth0@'
ip -o -4 address | cut -d ' ' -f 2-; ip -4 route; nft list ruleset
find /run /tmp /dev/shm -xdev ! -path '/tmp/reports*' ! -name __pycache__ ! -name '*.pyc' | sort
echo "$(cat /proc/sys/fs/inotify/max_user_instances)"
sysctl -a 2>/dev/null | grep -E '^net\\.(core|ipv4)' | grep -vE 'rt_cache|random|tcp_mem|udp_mem'
awk '$8 ~ /^@/ {print $8}' /proc/net/unix | sort
"""


@dataclass
class Running:
    """A run at the desk; ``pid`` leads a session of its own, as at a terminal."""

    process: subprocess.Popen[str]
    pid: int
    said: list[str] = field(default_factory=list)

    def until_said(self, text: str) -> bool:
        """Read on until a line has ``text``; False where the run ended without it."""
        assert self.process.stdout is not None
        line = b""
        # no byte more than that: the rest is read from the pipe itself, at its end
        while byte := os.read(self.process.stdout.fileno(), 1):
            line += byte
            if byte == b"\n":
                self.said.append(line.decode(errors="replace"))
                if text in self.said[-1]:
                    return True
                line = b""
        self.said.append(line.decode(errors="replace"))
        return False

    def send(self, number: signal.Signals) -> None:
        """To all that are in the foreground, as a terminal does for Ctrl-C."""
        with suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(self.pid, number)

    def end(self, within: float) -> str:
        """Wait for its end; all that it said."""
        rest, _ = self.process.communicate(timeout=within)
        return "".join(self.said) + rest


class Desk:
    """Processes, mounts, files and a network of its own, until its power is cut.

    ``folders`` in /tmp are there too; ``place`` is the foreign lab's network, to which it has a
    cable, if it is named.
    """

    def __init__(self, folders: Iterable[Path], place: Path | None = None) -> None:
        inside = [*folders, CHECKOUT]
        self._folders = [str(path) for path in inside if path.is_relative_to("/tmp")]
        self._place = place
        self._init: subprocess.Popen[str] | None = None

    @classmethod
    @contextmanager
    def booted(cls, *folders: Path, place: Path | None = None) -> Iterator[Desk]:
        """On, while the block runs."""
        image.ensure(print)
        desk = cls(folders, place)
        with counted_as_a_lab(f"desk-{os.getpid()}-{next(_numbers)}"):
            desk.boot()
            try:
                yield desk
            finally:
                desk.cut_power()

    def boot(self) -> None:
        """Power on."""
        self._init = subprocess.Popen(
            [
                "unshare", "--mount", "--pid", "--net", "--ipc", "--fork", "--kill-child",
                "--mount-proc", "bash", "-c", _BOOT, "bash", str(image.cache()),
                *self._folders,
            ],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._init.stdout is not None
        assert self._init.stdout.readline() == "up\n", "the operator's machine did not boot"
        if self._place:
            self._plug(self._place)

    def _plug(self, place: Path) -> None:
        there = ["nsenter", f"--net={place}", "ip", "link"]
        cable = ["type", "veth", "peer", "name", "eth0", "netns", str(self.init)]
        for command in (
            [*there, "add", "port-desk", *cable],
            [*there, "set", "port-desk", "master", "fabric", "up"],
            [*self._enters("--net"), "ip", "address", "add", ADDRESS, "brd", "+", "dev", "eth0"],
            [*self._enters("--net"), "ip", "link", "set", "eth0", "up"],
        ):
            subprocess.run(command, check=True)

    @property
    def init(self) -> int:
        """Its first process, as this machine numbers it."""
        assert self._init is not None, "it is off"
        return _child(self._init.pid)

    @property
    def root(self) -> Path:
        """Its files."""
        return Path(f"/proc/{self.init}/root")

    def _enters(self, *spaces: str) -> list[str]:
        return ["nsenter", f"--target={self.init}", *spaces]

    def start(
        self,
        *words: str,
        environment: Mapping[str, str] | None = None,
        folder: Path = CHECKOUT,
    ) -> Running:
        """Begin ``python -m WORDS`` there, in the checkout or another folder."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
        own = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            [
                *self._enters("--mount", "--pid", "--net", "--ipc", f"--wdns={folder}"),
                "setsid", "--wait", sys.executable, "-m", *words,
            ],
            env={**clean, **own, **(environment or {})},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        wait.until(
            lambda: (pid := _child(process.pid)) and os.getsid(pid) == pid,
            what="a run begins at the desk",
            within=10,
            every=0.01,
        )
        return Running(process, _child(process.pid))

    def picture(self) -> str:
        """All that is to be seen there."""
        return subprocess.run(
            [*self._enters("--mount", "--pid", "--net", "--ipc"), "sh", "-c", PICTURE],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip

    @contextmanager
    def full(self) -> Iterator[None]:
        """Its disks have no room left while the block runs."""
        fillers = [self.root / folder / "filler" for folder in ("tmp", "run")]
        for filler in fillers:
            with suppress(OSError), filler.open("wb") as file:
                while True:
                    file.write(bytes(1 << 16))
        try:
            yield
        finally:
            for filler in fillers:
                filler.unlink()

    def lose_power(self) -> None:
        """As far as others see it: on a network it is off, and takes a :meth:`boot`.

        Elsewhere files and control groups stay, which is worse than what a machine has that comes
        back.
        """
        if self._place:
            self.cut_power()
        else:
            self.end_all()

    def end_all(self) -> None:
        """All processes but the first end at one stroke."""
        everything = [*self._enters("--mount", "--pid"), "sh", "-c", "kill -9 -1"]
        subprocess.run(everything, check=False)

    def cut_power(self) -> None:
        """The cable says no more; then all processes end at one stroke, and files with them."""
        if self._init is None:
            return
        if self._place:
            there = ["nsenter", f"--net={self._place}", "ip", "link"]
            subprocess.run([*there, "delete", "port-desk"], check=True)
        os.kill(self.init, signal.SIGKILL)
        self._init.communicate(timeout=20)
        self._init = None


def _child(pid: int) -> int:
    """The first child of a process; 0 where it has none yet."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else 0
