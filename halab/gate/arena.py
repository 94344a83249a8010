"""Runs on a director: HAProxys side by side on one CPU, each alone in a network of its own.

In such a network every address is this machine's: an haproxy.cfg runs there as it is written,
its servers are a stand-in behind their own addresses and ports, and nothing of it reaches, or is
reached by, anybody outside. Told by lines of JSON on stdin: first what to start, then what to
run; answers each with a line. All of it ends with this program, which is PID 1 of a namespace of
its own. Needs no more than Python 3's own library.
"""

from __future__ import annotations

import itertools
import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

URGENT = -10
"""Nice value of this program: what it reads late it reads wrong."""
FOLDER = Path("/run/halab-arena")
LOG = FOLDER / "log"
STARTS_WITHIN = 10.0
"""Seconds in which a HAProxy listens."""
ANSWERS_WITHIN = 5.0
"""Seconds in which it answers, or is asked no more."""

# Every IPv4 address is local here: one may be bound, and connected to, without being on a NIC.
NETWORK = "ip link set lo up && ip route add local 0.0.0.0/0 dev lo"
# Sockets and PID files of its own, and a log that somebody reads, also where it is chrooted.
FILES = """\
set -e
mkdir -p /run/haproxy
mount -t tmpfs tmpfs /run/haproxy
[ ! -e /dev/log ] || mount --bind "$LOG" "$(readlink -f /dev/log)"
if [ -n "$CHROOT" ]; then
    mkdir -p "$CHROOT"
    mount -t tmpfs tmpfs "$CHROOT"
    mkdir "$CHROOT/dev"
    touch "$CHROOT/dev/log"
    mount --bind "$LOG" "$CHROOT/dev/log"
fi
exec "$@"
"""

_numbers = itertools.count(1)


class Place:
    """A network with a HAProxy in it, and the stand-in for its servers."""

    def __init__(self, name: str, told: dict[str, Any], stage: int, beside: set[int]) -> None:
        self.name, self.beside = name, beside
        self.folder = FOLDER / str(next(_numbers))  # a name is anything
        self.folder.mkdir(mode=0o711)
        self.ready: list[list[Any]] = told["ready"]
        self.url: str = told["url"]
        self.said = (self.folder / "said").open("w+b")
        origin = self._written("origin", told["origin"])
        self.origin = self._started(
            beside, ["unshare", "--net", "sh", "-c", f'{NETWORK} && exec "$@"', "sh",
                     "haproxy", "-db", "-f", origin]
        )  # fmt: skip
        self._await(self.origin, told["origin_ready"])
        self.socket = str(self.folder / "socket")
        asked = f"global\n    stats socket {self.socket} level user\n"
        self.haproxy = self._started(
            {stage},
            [*self._inside, "unshare", "--mount", "sh", "-c", FILES, "sh",
             told["binary"], "-db", "-f", self._written("haproxy", told["haproxy"]),
             "-f", self._written("asked", asked)],
            {"CHROOT": told["chroot"], "LOG": str(LOG)},
        )  # fmt: skip
        self._await(self.haproxy, self.ready)
        # a cpu-map of its own may have moved it
        for task in self._tasks():
            os.sched_setaffinity(int(task.name), {stage})

    @property
    def _inside(self) -> list[str]:
        return ["nsenter", f"--net=/proc/{self.origin.pid}/ns/net"]

    def _written(self, what: str, text: str) -> str:
        path = self.folder / f"{what}.cfg"
        path.write_text(text)
        return str(path)

    def _started(
        self, cpus: set[int], command: list[str], more: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        def begin() -> None:
            os.sched_setaffinity(0, cpus)
            os.nice(-URGENT)

        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self.said,
            stderr=self.said,
            env={**os.environ, **(more or {})},
            preexec_fn=begin,
        )

    def _await(self, process: subprocess.Popen[bytes], endpoints: list[list[Any]]) -> None:
        """Until it listens on all of these; raises OSError with what it said when it does not."""
        wanted = {(str(address), int(port)) for address, port in endpoints}
        deadline = time.monotonic() + STARTS_WITHIN
        while not wanted <= _listening(process.pid):
            if process.poll() is not None or time.monotonic() > deadline:
                self.said.seek(0)
                said = self.said.read().decode(errors="replace").strip()
                said = f"…{said[-600:]}" if len(said) > 600 else said
                raise OSError(f"it did not start: {said or 'it said nothing'}")
            select.select((), (), (), 0.02)

    def _tasks(self) -> list[Path]:
        return list(Path(f"/proc/{self.haproxy.pid}/task").iterdir())

    def cpu(self) -> int:
        """Nanoseconds that its HAProxy has run, all threads together."""
        spent = 0
        for task in self._tasks():
            spent += int((task / "schedstat").read_text().split()[0])
        return spent

    def counted(self) -> dict[str, int]:
        """CPU time, as in :meth:`cpu`, and what its frontends have answered, with 2xx and at all.

        Raises OSError when it answers no more.
        """
        before = self.cpu()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked:
            asked.settimeout(ANSWERS_WITHIN)
            asked.connect(self.socket)
            asked.sendall(b"show stat -1 1 -1\n")  # frontends alone
            said = b"".join(iter(lambda: asked.recv(65536), b"")).decode()
        head, *rows = said.removeprefix("# ").strip().splitlines()
        words = head.split(",")
        total = {"requests": "req_tot", "answered": "hrsp_2xx"}
        found = {
            what: sum(int(row.split(",")[words.index(column)] or 0) for row in rows)
            for what, column in total.items()
        }
        return {**found, "cpu": (before + self.cpu()) // 2}

    def load(self, connections: int) -> subprocess.Popen[bytes]:
        """Start to ask it for pages, more of them than anybody waits for."""
        command = [
            *self._inside, "h2load", "--h1", "-c", str(connections), "-t", "1",
            "-n", "100000000", self.url,
        ]  # fmt: skip
        return self._started(self.beside, command)


def _listening(pid: int) -> set[tuple[str, int]]:
    """IPv4 addresses and ports that are listened on in the network of this process.

    None before it has one of its own: in ours the director's own HAProxy may listen on the same.
    """
    try:
        if os.readlink(f"/proc/{pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            return set()
        rows = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    except OSError:  # it has ended
        return set()
    found = set()
    for row in rows:
        _, local, _, state, *_ = row.split()
        if state == "0A":
            address, port = local.split(":")
            found.add((socket.inet_ntoa(bytes.fromhex(address)[::-1]), int(port, 16)))
    return found


def run(places: dict[str, Place], told: dict[str, Any]) -> dict[str, Any]:
    """Ask these HAProxys for pages at the same time, in the order in which they are named.

    What is counted is so many seconds in which all of them were being asked.
    """
    both = [places[name] for name in told["names"]]
    loads = []
    try:
        idle = {place.name: place.counted()["requests"] for place in both}
        loads = [place.load(told["connections"]) for place in both]
        for place in both:
            deadline = time.monotonic() + ANSWERS_WITHIN
            while place.counted()["requests"] < idle[place.name] + told["connections"]:
                if time.monotonic() > deadline:
                    return {"error": "it answers nothing", "who": place.name}
                select.select((), (), (), 0.02)
        first = {place.name: place.counted() for place in both}
        select.select((), (), (), told["seconds"])
        last = {place.name: place.counted() for place in both}
        for place, load in zip(both, loads, strict=True):
            if load.poll() is not None:
                return {"error": "its load has ended by itself", "who": place.name}
    except OSError as error:
        gone = [place.name for place in both if place.haproxy.poll() is not None]
        why = "it ended by itself" if gone else str(error)
        return {"error": why, "who": gone[0] if gone else ""}
    finally:
        for load in loads:
            load.kill()
            load.wait()
    return {
        "done": {
            name: {what: last[name][what] - count for what, count in counts.items()}
            for name, counts in first.items()
        }
    }


def read_log() -> None:
    """Have somebody read what the HAProxys log: nobody would make it cheaper than it is."""
    reader = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    reader.bind(str(LOG))
    LOG.chmod(0o666)

    def read() -> None:
        while True:
            reader.recv(65536)

    threading.Thread(target=read, daemon=True).start()


def main() -> None:
    """Speak as the module says, until stdin ends."""
    cpus = sorted(os.sched_getaffinity(0))
    stage, beside = cpus[0], set(cpus[1:]) or set(cpus)
    os.sched_setaffinity(0, beside)
    os.nice(URGENT)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=711", "tmpfs", str(FOLDER)], check=True)
    os.umask(0o077)
    read_log()
    places: dict[str, Place] = {}
    for line in sys.stdin:
        told = json.loads(line)
        try:
            if "places" in told:
                for name, place in told["places"].items():
                    places[name] = Place(name, place, stage, beside)
                answer: dict[str, Any] = {"done": {}}
            else:
                answer = run(places, told)
        except OSError as error:
            answer = {"error": str(error), "who": ""}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
