"""A cluster that the suite did not build, and how an operator's commands are run beside it."""

from __future__ import annotations

import difflib
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from halab import doctor, found, wait
from halab.errors import HalabError
from halab.found import FoundCluster
from halab.lab import image, namespace
from halab.lab.remote import RemoteLab
from halab.node import each
from halab.topology import Topology
from tests.counted import counted_as_a_lab

T = TypeVar("T")

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]
KINDS = ("failure", "error", "skipped")


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its status, what it said, each test's outcome by its name, its seconds."""

    status: int
    said: str
    tests: dict[str, str]
    took: float

    def names(self, outcome: str) -> list[str]:
        """The tests that ended so: "passed", "failure", "error" or "skipped"."""
        return [name for name, its in self.tests.items() if its == outcome]


@dataclass
class Operator:
    """Somebody at a prompt who sees the machines; ``enters`` is what puts a command there."""

    topology: Path
    place: Path | None = None
    """The network namespace that he is in; none is that of this process."""

    @property
    def enters(self) -> list[str]:
        """What puts a command there."""
        return ["nsenter", f"--net={self.place}"] if self.place else []

    @cached_property
    def lab(self) -> RemoteLab:
        """The machines, for :meth:`does`."""
        topology = Topology.load(self.topology)
        return RemoteLab(topology, topology.name, allowed=True)

    def does(self, action: Callable[[RemoteLab], T]) -> T:
        """Do something to the machines, in a thread that is where he is."""
        with ThreadPoolExecutor(1, initializer=self._enter) as there:
            return there.submit(action, self.lab).result()

    def _enter(self) -> None:
        if self.place:
            with self.place.open() as place:
                namespace.enter_network(place.fileno())

    def pytest(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin a run against the machines."""
        report = self.topology.parent / "reports"
        words = [f"--junitxml={report}/junit.xml", f"--html={report}/report.html"]
        return self._start("pytest", "--lab=remote", *words, *arguments)

    def judges(self, *arguments: str, limit: float = 280) -> Outcome:
        """A run against the machines, to its end."""
        (self.topology.parent / "reports/junit.xml").unlink(missing_ok=True)
        began = wait.clock()
        run = self.pytest(*arguments)
        said, _ = run.communicate(timeout=limit)
        return Outcome(run.returncode, said, self._tests(), wait.clock() - began)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """``./run doctor`` or ``./run heal``."""
        run = self._start("halab.remote_cli", *words)
        said, _ = run.communicate(timeout=120)
        return subprocess.CompletedProcess(words, run.returncode, said)

    def _start(self, module: str, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [
                *self.enters, sys.executable, "-m", module, *words, f"--topology={self.topology}",
            ],
            cwd=CHECKOUT,
            env={k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )  # fmt: skip

    def _tests(self) -> dict[str, str]:
        report = self.topology.parent / "reports/junit.xml"
        if not report.exists():
            return {}
        tests = {}
        for case in ET.parse(report).getroot().iter("testcase"):
            (kind, *_) = [*(child.tag for child in case if child.tag in KINDS), "passed"]
            tests[str(case.get("name"))] = kind
        return tests


@contextmanager
def raised(folder: Path) -> Iterator[Operator]:
    """The foreign cluster, as long as the block runs."""
    layer = image.cache() / "foreign-2"
    command = [HERE / "raise", image.ensure(print), layer, folder]
    with (
        counted_as_a_lab(f"foreign-{os.getpid()}"),
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as cluster,
    ):
        assert cluster.stdin is not None
        assert cluster.stdout is not None
        try:
            word, _, inside = cluster.stdout.readline().strip().partition(" ")
            assert word == "up", "the foreign cluster was not raised: see its stderr"
            operator = Operator(folder / "topology.yaml", Path(f"/proc/{inside}/ns/net"))
            operator.does(lambda lab: lab.await_nodes())
            yield operator
        finally:
            cluster.stdin.close()
            cluster.wait(20)


# What a run may have changed on a machine and must not: files, units, processes, links, addresses,
# rules, ARP entries that stay, mounts with their sizes, programs that are stopped, what HAProxy was
# told of its servers, and whatever lies where programs leave things.
PICTURE = """
export LC_ALL=C
find /etc /root /usr/local /var/lib/halab -xdev -type f 2>/dev/null | sort | xargs sha256sum
systemctl list-unit-files --no-legend | sort
systemctl list-units --plain --no-legend --all 'halab*' 'run-*' '*haproxy*' '*keepalived*' \
    'nginx*' | tr -s ' '
ps -eo user=,comm= --sort comm | grep -vE ' (ps|sh|sort|sshd|bash|grep|tr|uniq)$' | uniq -c
ps -eo state=,comm= | grep ^T
findmnt -rn -o TARGET,FSTYPE,OPTIONS | sort
find /sys/fs/cgroup -name cgroup.freeze -exec grep -l 1 {} + 2>/dev/null
[ ! -e /run/haproxy/admin.sock ] || echo show servers state | socat - /run/haproxy/admin.sock |
    cut -d ' ' -f 2,4,5,7,8 | sort
ip -4 rule
tc qdisc show
ip -br link | tr -s ' '
ip -br -4 address | tr -s ' '
ip -4 route
ip neigh show nud permanent
nft list ruleset
ls -A /run /tmp /dev/shm /var/lib /run/systemd/system 2>/dev/null
sysctl -a 2>/dev/null | grep -E '^net.ipv4.(ip_|conf)' | grep -v rt_cache
"""


def pictures(operator: Operator) -> dict[str, str]:
    """A picture of each machine."""
    return operator.does(lambda lab: each(lab.strikable, lambda node: node.run(PICTURE, limit=60)))


def differing(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """The lines that are in one picture of a machine and not in the other."""
    return [
        f"{name}: {line}"
        for name in before
        for line in difflib.ndiff(before[name].splitlines(), after[name].splitlines())
        if line[:1] in "+-"
    ]


@contextmanager
def unplugged(operator: Operator, node: str) -> Iterator[None]:
    """A machine that answers nobody while the block runs: its cable is out at the switch."""

    def cable(state: str) -> None:
        there = [*operator.enters, "ip", "link", "set", f"port-{node}", state]
        subprocess.run(there, check=True)

    cable("down")
    try:
        yield
    finally:
        cable("up")


def become_well(operator: Operator, within: float = 60) -> None:
    """Wait until the doctor finds nothing."""
    wait.until(
        lambda: not operator.does(ails),
        what="the foreign cluster is well",
        within=within,
        every=0.2,
        seen=lambda: operator.does(ails),
    )


def ails(lab: RemoteLab) -> list[str]:
    """What the doctor finds, or why he cannot look."""
    try:
        return doctor.ails(FoundCluster(lab, found.look(lab)))
    except HalabError as error:
        return [str(error)]


def healed(operator: Operator) -> dict[str, list[str]]:
    """Mend all, and say what; a NIC that was taken down comes up by itself first."""

    def heal(lab: RemoteLab) -> dict[str, list[str]] | None:
        try:
            return lab.heal()
        except HalabError:
            return None

    mended: list[dict[str, list[str]]] = []

    def tried() -> bool:
        left = operator.does(heal)
        mended.extend([] if left is None else [left])
        return left is not None

    wait.until(tried, what="all nodes can be healed", within=40, every=0.2)
    return mended[0]
