"""The lab of real machines, proved on a built lab's: an operator addresses them as his own.

His commands are processes of their own in the operator's namespace, which know of the lab no more
than a topology says.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from halab import doctor, wait
from halab.cluster import Cluster
from halab.configuration import Configuration
from halab.errors import Held
from halab.lab.embedded import EmbeddedLab
from halab.lab.lock import Lock
from halab.node import Node
from tests.foreign_lab import CHECKOUT, Operator
from tests.test_lab_lock import WITHIN, cpu_time_of_children

THESIS = (CHECKOUT / "topology.yaml").read_text()
LOOK = ("suites/ha", "-m", "observe")


@pytest.fixture(scope="module")
def operator(lab: EmbeddedLab, tmp_path_factory: pytest.TempPathFactory) -> Operator:
    """With the thesis's topology as he writes it who has these machines, and a way into them."""
    file = tmp_path_factory.mktemp("operator") / "topology.yaml"
    text = THESIS[: THESIS.index("  embedded:\n")] + (
        f"  remote:\n    key: {json.dumps(str(lab.access.key))}\n"
        f"    known_hosts: {json.dumps(str(lab.access.known_hosts))}\n"
    )
    text = text.replace("user: operator}", f"user: operator, password: {lab.secrets.stats}}}")
    file.touch(mode=0o600)
    file.write_text(text)
    return Operator(file)


@pytest.fixture(autouse=True)
def cluster_as_usual(standing_cluster: Cluster) -> None:
    if standing_cluster.configuration != Configuration():
        standing_cluster.bring_to(Configuration())
    standing_cluster.await_steady()


def test_looking_accepts_what_stands(operator: Operator) -> None:
    """``-m observe`` finds the machines by the topology alone, and judges them."""
    outcome = operator.judges(*LOOK)
    assert outcome.status == 0, outcome.said
    assert len(outcome.names("passed")) >= 17
    # these directors have no bond, whose ports could be looked at
    assert all("test_every_port_has_carrier" in name for name in outcome.names("skipped"))
    assert set(outcome.tests.values()) == {"passed", "skipped"}


# -- one at a time ---------------------------------------------------------------------------


@pytest.fixture
def directors(lab: EmbeddedLab) -> Iterator[list[Node]]:
    """The directors, over connections of their own."""
    nodes = [Node(n.name, n.address, lab.access) for n in (lab.nodes["lb1"], lab.nodes["lb2"])]
    yield nodes
    for node in nodes:
        node.close()


@contextmanager
def held(directors: list[Node], **how: float) -> Iterator[tuple[str, ...]]:
    lock = Lock(directors, **how)
    try:
        yield lock.take()
    finally:
        lock.release()


def test_second_run_is_told_who_holds_the_lab(operator: Operator, directors: list[Node]) -> None:
    """By the status 75, before anything is asked of any node but the directors."""
    before = cpu_time_of_children()
    with held(directors) as stale:
        outcome = operator.judges(*LOOK)
    assert cpu_time_of_children() - before < WITHIN
    assert stale == ()
    assert outcome.status == os.EX_TEMPFAIL
    assert (
        f"lb1 is held by root@{os.uname().nodename}, process {os.getpid()}, since" in outcome.said
    )
    assert outcome.tests == {}


def test_being_told_takes_no_time(directors: list[Node], lab: EmbeddedLab) -> None:
    """The lock's own part of the two seconds; the rest is a Python that starts."""
    others = [Node(node.name, node.address, lab.access) for node in directors]
    with held(directors):
        began = wait.clock()
        with pytest.raises(Held):
            Lock(others).take()
        told = wait.clock() - began
    assert told < 2


def test_lock_of_a_killed_run_is_taken_over_and_told(
    operator: Operator, directors: list[Node]
) -> None:
    """SIGKILL closes its channels, and the kernel lets go; whose it was stays in the file."""
    run = operator.pytest(*LOOK)
    wait.until(lambda: _holder(directors[1]), what="the run holds both directors", within=30)
    run.kill()
    run.communicate()
    with held(directors) as stale:
        pass
    assert [f"process {run.pid}" in line for line in stale] == [True, True]
    with held(directors) as none_left:
        pass
    assert none_left == ()


def _holder(node: Node) -> str:
    return node.ask("cat /run/lock/halab").stdout.strip()


def test_silent_owner_loses_the_lock(directors: list[Node], lab: EmbeddedLab) -> None:
    """One whose machine lost power closes nothing: its silence is enough."""
    others = [Node(node.name, node.address, lab.access) for node in directors]
    with held(directors, lease=1, beat=60):
        stale = wait.until(lambda: _taken(others), what="the lock falls", within=5)
    assert all("which is gone" in line for line in stale)


def _taken(directors: list[Node]) -> tuple[str, ...]:
    try:
        with held(directors) as stale:
            return stale
    except Held:
        return ()


# -- the doctor ------------------------------------------------------------------------------


@contextmanager
def power_cut(lab: EmbeddedLab, name: str) -> Iterator[None]:
    lab.power_off(name)
    try:
        yield
    finally:
        lab.power_on(name)
        lab.await_nodes(name)


@contextmanager
def hung(lab: EmbeddedLab, name: str) -> Iterator[None]:
    lab.freeze(name)
    try:
        yield
    finally:
        lab.thaw(name)


ILLS: dict[str, tuple[Callable[[EmbeddedLab, str], object], str]] = {
    "dead": (power_cut, "not reached"),
    "hung": (hung, "not reached"),
}


@pytest.mark.parametrize("ill", ILLS)
def test_doctor_says_all_within_five_seconds(
    lab: EmbeddedLab, standing_cluster: Cluster, ill: str
) -> None:
    """A node that does not answer costs its own time, and hides nothing of the others.

    Nor does what a session asks at its start and after each test: all of it, and the cluster.
    """
    befalls, told = ILLS[ill]
    lab.nodes["client1"].run("mv /usr/bin/tcpdump /usr/bin/tcpdump.away")
    try:
        with befalls(lab, "server3"):  # type: ignore[attr-defined]
            for node in lab.nodes.values():
                node.close()
            began = wait.clock()
            found = doctor.findings(lab.topology, [*lab.nodes.values()])
            took = wait.clock() - began
            began = wait.clock()
            ails = doctor.ails(standing_cluster)
            took_all = wait.clock() - began
    finally:
        lab.nodes["client1"].run("mv /usr/bin/tcpdump.away /usr/bin/tcpdump")
    (of_server,), (of_client,) = found.pop("server3"), found.pop("client1")
    assert of_server.startswith(told)
    assert of_client == "it has no tcpdump: apt-get install tcpdump"
    assert set(map(tuple, found.values())) == {()}
    assert took < doctor.WITHIN
    assert any(line.startswith(f"server3: {told}") for line in ails)
    assert f"client1: {of_client}" in ails
    assert took_all < doctor.WITHIN


def test_doctor_says_what_is_wrong_and_how_to_mend_it(operator: Operator, lab: EmbeddedLab) -> None:
    """By its status too; a NIC of another name is found by its address."""
    text = operator.topology.read_text()
    wrong = operator.topology.with_name("wrong.yaml")
    wrong.write_text(text.replace("client2: {", "client2: {nic: ens7, "))
    said = Operator(wrong).command("doctor")
    assert said.returncode == 1
    assert "client2   it has no NIC ens7, but eth0, lo; 192.168.250.115 is on eth0" in said.stdout
    assert operator.command("doctor").returncode == 0
