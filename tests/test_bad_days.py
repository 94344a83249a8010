"""Real machines on a bad day: each is a clear word or a right verdict, and in bounded time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from halab import wait
from halab.lab.remote import RemoteLab
from halab.names import listed
from halab.node import Node, each
from tests.foreign_lab import HERE, Operator, become_well, unplugged

pytestmark = pytest.mark.slow

LOOK = ("suites/ha", "-m", "observe")
SERVICE = ("suites/ha/test_service.py", "suites/ha/test_nodes.py")
SOUND = "test_nothing_is_wrong_with_any_node_or_the_cluster"


@contextmanager
def changed(operator: Operator, node: str, change: str, back: str) -> Iterator[None]:
    """A change on one machine for the block."""

    def run(command: str) -> Callable[[RemoteLab], str]:
        return lambda lab: lab.nodes[node].run(command)

    operator.does(run(change))
    try:
        yield
    finally:
        operator.does(run(back))
        become_well(operator)


FAKE_DATE = "/usr/local/bin/date"
AHEAD = (
    f'printf \'#!/bin/sh\\nexec /bin/date -d "1 minute" "$@"\\n\' > {FAKE_DATE} && '
    f"chmod 755 {FAKE_DATE}"
)
FILL_RUN = (
    "mount -o remount,size=$(($(df --output=used -B1K /run | tail -n 1) + 64))k /run && "
    "{ head -c 1M /dev/zero > /run/full 2>/dev/null; true; }"
)
DAYS = {
    "a full disk": (
        "gen1",
        FILL_RUN,
        "rm /run/full && mount -o remount,size=20% /run",
        "/run is full",
    ),
    "a clock off by a minute": (
        "edge2",
        AHEAD,
        f"rm {FAKE_DATE}",
        "its clock is +60 s from ours: have both follow NTP",
    ),
    "no Python": (
        "gen2",
        "mv /usr/bin/python3 /usr/bin/python3.away",
        "mv /usr/bin/python3.away /usr/bin/python3",
        "it has no python3: apt-get install python3-minimal",
    ),
    "a NIC with another name": (
        "host2",
        "ip link set ens3 down; ip link set ens3 name enp9s0; ip link set enp9s0 up",
        "ip link set enp9s0 down; ip link set enp9s0 name ens3; ip link set ens3 up",
        "it has no NIC ens3, but enp9s0, lo; 10.77.0.22 is on enp9s0",
    ),
}


@pytest.mark.parametrize("day", DAYS)
def test_it_is_told_by_name_and_rejected(foreign: Operator, day: str) -> None:
    """By the doctor, at the start of a run, and in its verdict; nothing is broken meanwhile."""
    node, change, back, told = DAYS[day]
    with changed(foreign, node, change, back):
        began = wait.clock()
        examined = foreign.command("doctor")
        took = wait.clock() - began
        outcome = foreign.judges(*SERVICE, "suites/ha/test_failover.py", "--allow-disruption")
    assert (examined.returncode, outcome.status) == (1, 1), outcome.said
    assert told in examined.stdout
    assert f"not well: {node}: {told}" in outcome.said
    assert SOUND in outcome.names("failure")
    assert len(outcome.names("skipped")) >= 5, "it was broken further"
    assert took < 12
    assert outcome.took < 60


def no_tcpdump(operator: Operator) -> AbstractContextManager[None]:
    """Something else that is wrong, on gen2."""
    away = ("mv /usr/bin/tcpdump /usr/bin/away", "mv /usr/bin/away /usr/bin/tcpdump")
    return changed(operator, "gen2", *away)


def test_dead_machine_is_named_and_the_rest_is_judged(foreign: Operator) -> None:
    """It costs its own time and hides nothing; nothing is broken beside it."""
    with no_tcpdump(foreign), unplugged(foreign, "host2"):
        outcome = foreign.judges(*SERVICE, "suites/ha/test_failover.py", "--allow-disruption")
    said = outcome.said
    assert outcome.status == 1, said
    assert "not well: host2: not reached: host2 (10.77.0.22:22): " in said
    assert "not well: gen2: it has no tcpdump: apt-get install tcpdump" in said
    assert SOUND in outcome.names("failure")
    assert len(outcome.names("passed")) >= 5, said
    assert len(outcome.names("skipped")) >= 5, "it was broken further"
    assert outcome.took < 90


def test_dead_director_ends_the_run_with_all_that_is_wrong(foreign: Operator) -> None:
    """Half a cluster cannot be judged, and the lab cannot be held: at once, and by name."""
    with no_tcpdump(foreign), unplugged(foreign, "edge2"):
        outcome = foreign.judges(*LOOK)
    assert outcome.status == 3, outcome.said
    assert "not well: edge2: not reached: edge2 (10.77.0.12:22): " in outcome.said
    assert "not well: gen2: it has no tcpdump: apt-get install tcpdump" in outcome.said
    assert outcome.took < 30


def test_who_does_not_mend_what_he_broke_ends_the_session(foreign: Operator) -> None:
    """By name, though the service goes on: nothing is broken further by those after him."""
    try:
        outcome = foreign.judges("tests/foreign_lab/left_broken.py", "--allow-disruption")
        came_after = foreign.does(lambda lab: lab.nodes["edge2"].ask("ls /tmp/came-after").rc == 0)
    finally:
        foreign.does(
            lambda lab: lab.nodes["edge2"].run(
                "rm -f /run/full /tmp/came-after; mount -o remount,size=20% /run"
            )
        )
        become_well(foreign)
    said = outcome.said
    assert outcome.status != 0, said
    assert "test_that_leaves_a_disk_full left the cluster broken" in said
    assert "edge2: /run is full" in said
    assert not came_after


def test_node_that_hangs_on_commands_is_named_in_time(foreign: Operator) -> None:
    """It lets everybody in, and no command ever begins: its login shell sees to that."""
    hangs = (
        "until=$(($(date +%s) + 25)); "
        'echo "while [ \\$(date +%s) -lt $until ]; do sleep 0.2; done" > /root/.bashrc'
    )
    foreign.does(lambda lab: lab.nodes["host1"].run(hangs))
    foreign.does(lambda lab: lab.close())
    began = wait.clock()
    examined = foreign.command("doctor")
    took = wait.clock() - began
    become_well(foreign)
    foreign.does(lambda lab: lab.nodes["host1"].run("rm /root/.bashrc"))
    assert examined.returncode == 1
    assert "host1  it lets us in and then answers nothing within" in examined.stdout
    assert examined.stdout.count("well") == 6
    assert took < 12


NEXT = "/etc/systemd/system/haproxy.service.d/next.conf"
NEXT_HAPROXY = """\
[Service]
RootDirectory=/opt/next
MountAPIVFS=yes
BindReadOnlyPaths=/etc/haproxy /etc/passwd /etc/group
BindPaths=/run /var/lib/haproxy
"""


@contextmanager
def next_haproxy(operator: Operator) -> Iterator[list[str]]:
    """Both directors run Debian's next HAProxy while the block runs; its versions."""
    restart = "systemctl daemon-reload && systemctl restart haproxy"

    def on_directors(action: Callable[[Node], str]) -> list[str]:
        names = operator.lab.topology.directors
        return [*operator.does(lambda lab: each((lab.nodes[n] for n in names), action)).values()]

    def missing(node: Node) -> str:
        return node.run("test -e /opt/next || echo %s", node.name)

    def install(node: Node) -> str:
        node.put(NEXT, NEXT_HAPROXY)
        return node.run(restart)

    if lacking := listed(filter(None, on_directors(missing))):
        pytest.skip(f"{lacking} have no HAProxy of Debian trixie: its archive was not reached")
    on_directors(install)
    try:
        become_well(operator)
        info = "echo show info | socat - /run/haproxy/admin.sock | sed -n 's/^Version: //p'"
        yield on_directors(lambda node: node.run(info))
    finally:
        on_directors(lambda node: node.run(f"rm -r {NEXT.rpartition('/')[0]} && {restart}"))
        become_well(operator)


def test_verdict_is_right_of_another_major_haproxy(foreign: Operator) -> None:
    """What it says of itself is read as ever, and it does as it is told."""
    with next_haproxy(foreign) as versions:
        looked = foreign.judges(*LOOK)
        told = foreign.judges(
            "suites/ha/test_planned_work.py", "-k", "taken_out", "--allow-disruption"
        )
    assert all(version.startswith("3.") for version in versions), versions
    assert looked.status == 0, looked.said
    assert len(looked.names("passed")) >= 15
    assert told.status == 0, told.said
    assert len(told.names("passed")) == 2
    assert looked.took + told.took < 120


def test_verdict_is_right_in_another_language(foreign: Operator) -> None:
    """A login that sets a locale, which may not even be there, changes no word that is read."""
    speaks = "export LC_ALL=de_DE.UTF-8 LANG=de_DE.UTF-8; unset PATH; export PATH=/usr/bin:/bin"
    foreign.does(
        lambda lab: each(lab.nodes.values(), lambda n: n.put("/root/.bashrc", f"{speaks}\n"))
    )
    try:
        outcome = foreign.judges(*LOOK)
    finally:
        foreign.does(lambda lab: each(lab.nodes.values(), lambda n: n.run("rm /root/.bashrc")))
    assert outcome.status == 0, outcome.said
    assert outcome.took < 120


def test_verdict_is_right_from_far_away(foreign: Operator) -> None:
    """With 200 ms to each machine and back: what is looked at is measured on the clients.

    Nothing is broken from there: what a fault costs would be counted from before it is done.
    """
    far = (HERE / "far.py").read_text()

    def move_away(lab: RemoteLab) -> None:
        for node in [*lab.nodes.values(), *lab.vms.values()]:
            node.put("/run/far.py", far)
            node.run("systemd-run --quiet --collect --unit=far python3 /run/far.py 2222 0.2")

    def come_back(lab: RemoteLab) -> None:
        for node in [*lab.nodes.values(), *lab.vms.values()]:
            node.run("systemctl stop far; rm /run/far.py")

    folder = foreign.topology.parent
    known = (folder / "known_hosts").read_text().splitlines()
    words = [line.partition(" ") for line in known]
    (folder / "far_hosts").write_text("".join(f"[{a}]:2222 {key}\n" for a, _, key in words))
    text = foreign.topology.read_text().replace("/known_hosts", "/far_hosts")
    distant = Operator(folder / "far.yaml", foreign.place)
    distant.topology.write_text(text + "    port: 2222\n")
    foreign.does(move_away)
    try:
        outcome = distant.judges("suites/ha", "--allow-disruption")
    finally:
        foreign.does(come_back)
    assert outcome.status == 0, outcome.said
    assert len(outcome.names("passed")) >= 15
    assert outcome.took < 200
    assert "run it from a machine where one takes less than" in outcome.said
