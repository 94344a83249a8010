"""What takes a fault back, in the shell that a node has.

What fails of it is told, and keeps nothing else from being done; to do it twice does no harm.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from halab import wait
from halab.cluster import Cluster
from halab.errors import CommandFailed
from halab.faults import disk_full, haproxy_held_dead, nic_down
from halab.haproxy import HAProxy
from halab.keepalived import Keepalived
from halab.node import in_turn
from halab.unit import Unit
from halab.webserver import Apache
from tests.answering import Here

NO_SUCH_PID = 1 << 22
"""One more than the largest that Linux gives (proc(5), pid_max)."""


@pytest.fixture
def node(tmp_path: Path) -> Here:
    """Whose systemd does all that it is asked."""
    its = Here("lb1", tmp_path / "lb1", run="/run/apache2", etc="/etc/keepalived")
    for folder in ("run", "etc", "groups/its"):
        (its.place / folder).mkdir(parents=True)
    its.program("findmnt", f"echo {its.place}/groups")
    systemctl(its)
    return its


def systemctl(node: Here, fails: str = "nothing") -> None:
    """It notes what it is asked, and does it but for what ``fails``."""
    node.program(
        "systemctl",
        f"""echo "$*" >> {node.place}/asked
case "$*" in
    *{fails}*) exit 1 ;;
    show*) echo /its ;;
esac
""",
    )


def asked(node: Here) -> list[str]:
    return (node.place / "asked").read_text().splitlines()


@pytest.fixture
def frozen() -> Iterator[subprocess.Popen[bytes]]:
    """A program with a process group of its own that is stopped."""
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as program:
        program.send_signal(signal.SIGSTOP)
        wait.until(lambda: state(program) == "T", what="it is stopped", within=5)
        yield program
        program.kill()


def state(program: subprocess.Popen[bytes]) -> str:
    return Path(f"/proc/{program.pid}/stat").read_text().rpartition(") ")[2][0]


@pytest.mark.parametrize(
    ("first", "last", "status"),
    [("true", "true", 0), ("false", "true", 1), ("true", "false", 1), ("! true", "true", 1)],
)
def test_each_is_done_and_any_that_fails_is_told(
    node: Here, first: str, last: str, status: int
) -> None:
    """Also of what is in turn itself."""
    steps = in_turn(
        in_turn(f"touch {node.place}/1; {first}", "true"), f"touch {node.place}/2; {last}"
    )
    assert node.ask(steps).rc == status
    assert (node.place / "1").exists()
    assert (node.place / "2").exists()


def test_unit_is_thawed(node: Here, frozen: subprocess.Popen[bytes]) -> None:
    """A process that has ended meanwhile is no failure; one that goes on hanging is."""
    pids = node.place / "groups/its/cgroup.procs"
    pids.write_text(f"{NO_SUCH_PID}\n{frozen.pid}\n")
    thawing = Unit(node, "haproxy.service").thawing
    assert node.ask(f"kill() {{ return 1; }}; {thawing}").rc == 1
    for _ in range(2):
        node.run(thawing)
        assert state(frozen) != "T"
    pids.unlink()
    node.run(thawing)


def test_web_server_is_thawed(node: Here, frozen: subprocess.Popen[bytes]) -> None:
    """One that died and left its file is no failure, and none that never was."""
    file = node.place / "run/apache2.pid"
    thawing = Apache(node).thawing
    node.run(thawing)
    file.write_text(f"{frozen.pid}\n")
    hanging = 'kill() { [ "$2" = 0 ]; }; '
    assert node.ask(f"{hanging}{thawing}").rc == 1
    for _ in range(2):
        node.run(thawing)
        assert state(frozen) != "T"
    file.write_text(f"{NO_SUCH_PID}\n")
    node.run(thawing)
    node.run(Apache(node).changing_back)


def test_held_unit_is_started_even_if_it_cannot_be_released(node: Here) -> None:
    """And what could not be done is told."""
    haproxy = HAProxy(node, 1)
    fault = haproxy_held_dead(haproxy)
    systemctl(node, fails="daemon-reload")
    with pytest.raises(CommandFailed):
        fault.undo()
    assert asked(node)[-1] == f"start {haproxy.unit.name}"
    systemctl(node)
    for _ in range(2):
        fault.undo()


def test_file_that_stays_on_a_full_disk_is_told(node: Here) -> None:
    (heals,) = disk_full(node, f"{node.place}").deed.healing.values()
    (node.place / ".full").touch()
    assert node.ask(f"rm() {{ return 1; }}; {heals}").rc == 1
    for _ in range(2):
        node.run(heals)
    assert not (node.place / ".full").exists()


def test_nic_s_unit_that_goes_on_is_told(node: Here) -> None:
    """One that has ended by itself is not."""
    lab: Any = SimpleNamespace(nic_down_lasts=1.0)
    cluster: Cluster = SimpleNamespace(lab=lab)  # type: ignore[assignment]
    director: Any = SimpleNamespace(node=node)
    (heals,) = nic_down(cluster, director).deed.healing.values()
    assert node.ask(heals).rc == 1
    systemctl(node, fails="halab-nic-down")
    for _ in range(2):
        node.run(heals)


def test_priority_is_not_back_until_keepalived_has_taken_it_over(node: Here) -> None:
    """What keeps it stays so long, and is tried again."""
    config = node.place / "etc/keepalived.conf"
    config.write_text("priority 150\n")
    keepalived = Keepalived(node)
    keepalived.set_priority(10)
    systemctl(node, fails="reload-or-restart")
    with pytest.raises(CommandFailed):
        keepalived.put_priority_back()
    assert config.read_text() == "priority 150\n"
    systemctl(node)
    before = len(asked(node))
    for _ in range(2):
        keepalived.put_priority_back()
    assert len(asked(node)) == before + 1
    assert [path.name for path in config.parent.iterdir()] == [config.name]


@pytest.mark.parametrize(
    ("running", "says", "status"),
    [(False, "exit 1", 0), (True, "exit 1", 1), (True, "true", 1), (True, "echo", 0)],
    ids=["dead", "deaf", "hanging", "well"],
)
def test_haproxy_that_runs_and_is_not_told_is_a_failure(
    node: Here, running: bool, says: str, status: int
) -> None:
    haproxy = HAProxy(node, 1)
    systemctl(node, fails="nothing" if running else "is-active")
    node.program("socat", f"cat > /dev/null; {says}")
    assert node.ask(haproxy.telling("set server web/web1 state ready")).rc == status
