"""What each yardstick says, read from real outputs of it in tests/samples."""

from __future__ import annotations

import shutil
import subprocess
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from halab.client import Client
from halab.errors import InvalidRun, NodeError
from halab.load import Load, Served
from halab.node import Node
from halab.platform import Platform, page
from halab.transport import Access
from halab.yardstick import GROUPS, QUANTITIES, web
from halab.yardstick.bonnie import Bonnie
from halab.yardstick.compiling import PROGRAM, SAYS, SOURCE, Compiling
from halab.yardstick.fio import Fio
from halab.yardstick.mbw import Mbw
from halab.yardstick.nbench import Nbench
from halab.yardstick.ping import Ping
from halab.yardstick.ramspeed import Ramspeed
from halab.yardstick.stress_ng import StressNg
from halab.yardstick.sysbench import SysbenchCpu, SysbenchMemory
from halab.yardstick.yardstick import BRIEF, WHOLE, Reading

SAMPLES = Path(__file__).with_name("samples")


def sample(name: str) -> str:
    return (SAMPLES / name).read_text()


def values(readings: tuple[Reading, ...]) -> dict[str, float]:
    return {reading.quantity.name: reading.value for reading in readings}


@pytest.mark.parametrize(
    ("yardstick", "file", "read"),
    [
        (SysbenchCpu(), "sysbench-cpu.txt", {"cpu": 2049.64}),
        (SysbenchMemory(), "sysbench-memory-write.txt", {"memory-write": 4643.0}),
        (StressNg(), "stress-ng-floating-point.txt", {"floating-point": 398.43}),
        (Mbw(), "mbw-memory-copy.txt", {"memory-copy": 1095.765}),
        (Fio(), "fio-disk-write.txt", {"disk-write": 780.3, "disk-read": 225.2}),
        (Compiling(), "compile-ok.txt", {"compile": 1.618}),
        (Ping(), "ping-ok.txt", {"latency": 0.022}),
        (Bonnie(), "bonnie-ok.csv", {"bonnie-write": 29.62, "bonnie-read": 620.1}),
        (
            Ramspeed(),
            "ramsmp-ok.txt",
            {
                "ramspeed-integer": 9592.93,
                "ramspeed-floating-point": 22498.0,
                "ramspeed-mmx": 20878.73,
                "ramspeed-sse": 24279.14,
            },
        ),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_what_a_yardstick_says_is_read(
    yardstick: object, file: str, read: dict[str, float]
) -> None:
    found = yardstick.read(sample(file))  # type: ignore[attr-defined]
    assert values(found) == pytest.approx(read, rel=1e-3)
    assert [reading.quantity for reading in found] == [*yardstick.quantities]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "yardstick",
    [its for group in GROUPS.values() for its in group.yardsticks if hasattr(its, "read")],
    ids=lambda its: f"{its.name}-{its.quantities[0].name}",
)
@pytest.mark.parametrize("said", ["", "command not found\n", "0 0 0\n", "{}"])
def test_anything_else_is_an_error(yardstick: object, said: str) -> None:
    with pytest.raises(NodeError):
        yardstick.read(said)  # type: ignore[attr-defined]


def test_no_work_is_an_error() -> None:
    """Programs that ended well and did nothing: a figure of 0 is none."""
    with pytest.raises(NodeError, match="sysbench did no work"):
        SysbenchCpu().read("    events per second:     0.00\n")
    with pytest.raises(NodeError, match="stress-ng did no work"):
        StressNg().read(sample("stress-ng-floating-point.txt").replace("398.43", "0.00"))


def test_a_whole_ping_is_annex_a_6_s(tmp_path: Path) -> None:
    """60 requests, ten a second; a third of them show that there is an answer."""
    assert Ping().command(place(tmp_path), WHOLE) == "ping -q -i 0.1 -c 60 127.0.0.1"
    assert Ping().command(place(tmp_path), BRIEF) == "ping -q -i 0.1 -c 20 127.0.0.1"


def test_lost_answers_are_an_error() -> None:
    with pytest.raises(NodeError, match="5 of 5 echo requests had no answer"):
        Ping().read(sample("ping-silent.txt"))
    one = sample("ping-ok.txt").replace("5 received", "4 received")
    with pytest.raises(NodeError, match="1 of 5 echo requests had no answer"):
        Ping().read(one)


def test_a_block_that_is_not_read_back_is_an_error() -> None:
    wrong = sample("fio-disk-write.txt").replace('"error" : 0', '"error" : 84')
    with pytest.raises(NodeError, match="write, read, check"):
        Fio().read(wrong)


def test_a_speed_that_bonnie_could_not_tell_is_an_error() -> None:
    """Of a file that was written in less than half a second it says "+++++"."""
    with pytest.raises(NodeError, match=r"no speeds in its CSV.*\+\+\+\+\+"):
        Bonnie().read(sample("bonnie-too-quick.csv"))


def test_what_was_compiled_wrong_is_an_error() -> None:
    with pytest.raises(NodeError, match=f"says 956154659, not {SAYS}"):
        Compiling().read("1618229984\n956154659\n")


PAGE_BYTES = len(page().encode())


def seen(succeeded: int = 1000, **said: object) -> Served:
    usual: dict[str, object] = {
        "load": Load(), "generator": "h2load", "requests_per_second": 500.0, "seconds": 2.0,
        "succeeded": succeeded, "errors": {}, "bytes": 300 + succeeded * PAGE_BYTES,
        "latency": {}, "client_cpu": {"client1": 0.4},
    }  # fmt: skip
    return Served(**(usual | said))  # type: ignore[arg-type]


LIMITED = "client1 used 95% of its CPU, more than 70%"


def test_requests_that_a_client_limits_are_no_figure_but_work() -> None:
    assert web.rate(seen(), brief=False) == 500
    with pytest.raises(InvalidRun, match="used 95% of its CPU") as caught:
        web.rate(seen(invalid=(LIMITED,)), brief=False)
    assert not caught.value.failed
    assert web.rate(seen(invalid=(LIMITED,)), brief=True) == 500


@pytest.mark.parametrize("brief", [True, False])
def test_a_page_that_comes_short_or_not_at_all_is_no_work(brief: bool) -> None:
    with pytest.raises(InvalidRun, match=f"bytes for 1000 answers of {1000 * PAGE_BYTES}"):
        web.rate(seen(bytes=1000 * PAGE_BYTES - 1), brief=brief)
    why = ("999 of 1000 requests succeeded (1 5xx)",)
    with pytest.raises(InvalidRun, match="1 5xx"):
        web.rate(seen(999, errors={"5xx": 1}, invalid=why), brief=brief)
    with pytest.raises(InvalidRun, match="none of 12 requests"):
        web.rate(seen(0, invalid=("none of 12 requests succeeded",)), brief=brief)


def test_every_quantity_has_one_yardstick() -> None:
    every = [q for g in GROUPS.values() for its in g.yardsticks for q in its.quantities]
    assert len(every) == len(QUANTITIES)


def place(tmp_path: Path, kernel: str = "") -> Platform:
    node = Node("server1", IPv4Address("127.0.0.1"), Access("root", tmp_path, tmp_path))
    return Platform("none", node, node, Client(node), 80, 2, 2048, kernel)


@pytest.mark.skipif(shutil.which("gcc") is None, reason="this machine has no gcc")
@pytest.mark.skipif(shutil.which("make") is None, reason="this machine has no make")
def test_the_program_says_what_any_compiler_makes_of_it(tmp_path: Path) -> None:
    """gcc here, tcc on the nodes."""
    command = Compiling().command(place(tmp_path), 1.0).replace("/run/halab-program", str(PROGRAM))
    (tmp_path / "cc").write_text('#!/bin/sh\nexec gcc -O2 "$@"\n')
    (tmp_path / "cc").chmod(0o755)
    done = subprocess.run(
        ["sh", "-c", command],
        env={"PATH": f"{tmp_path}:/usr/local/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert values(Compiling().read(done.stdout))["compile"] > 0


@pytest.mark.skipif(shutil.which("make") is None, reason="this machine has no make")
def test_a_kernel_is_compiled_where_its_source_is(tmp_path: Path) -> None:
    """By its own Makefile: the default configuration first, which is not timed, then vmlinux."""
    source = tmp_path / "linux"
    source.mkdir()
    (source / "Makefile").write_text(
        "all: $(O)/.config\n\ttouch $(O)/vmlinux\ndefconfig:\n\ttouch $(O)/.config\n"
    )
    there = place(tmp_path, str(source))
    assert SOURCE not in Compiling().command(there, WHOLE)
    assert SOURCE in Compiling().command(there, BRIEF)
    assert Compiling().once(there)
    assert not Compiling().once(place(tmp_path))
    command = Compiling().command(there, WHOLE)
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
    assert values(Compiling().read(done.stdout))["compile"] > 0
    (source / "Makefile").write_text("all:\ndefconfig:\n")
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0


def test_nbench_s_indexes_are_those_for_linux() -> None:
    """It prints the original's before, of another machine, by the same names."""
    found = values(Nbench().read(sample("nbench-ok.txt")))
    assert [*found] == ["nbench-integer", "nbench-floating-point", "nbench-memory"]
    assert all(value > 0 for value in found.values())


@pytest.mark.parametrize(
    ("yardstick", "file", "line"),
    [(Nbench(), "nbench-ok.txt", "MEMORY INDEX"), (Ramspeed(), "ramsmp-ok.txt", "MMX")],
    ids=lambda value: getattr(value, "name", None),
)
def test_a_figure_that_is_not_there_is_named(
    yardstick: Nbench | Ramspeed, file: str, line: str
) -> None:
    said = "\n".join(each for each in sample(file).splitlines() if not each.startswith(line))
    with pytest.raises(NodeError, match=f"{yardstick.name} says no {line}"):
        yardstick.read(said)
