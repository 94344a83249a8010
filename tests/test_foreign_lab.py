"""A cluster that the suite did not build: judged, found broken where it is, and left as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from halab import faults, found
from halab.errors import NotAllowed
from halab.found import FoundCluster
from halab.lab.privilege import BREAKING, LOOKING, rules
from halab.lab.remote import RemoteLab
from halab.node import Node, each
from tests.foreign_lab import Operator, become_well, differing, pictures

pytestmark = pytest.mark.slow

SUDOERS = "/etc/sudoers.d/halab"
LOOK = ("suites/ha", "-m", "observe")
BREAK = ("suites/ha", "--allow-disruption")
ATTACK = ("suites/security", "--allow-disruption")


# Processes, and the counters that no request of ours may move: of restarts, failed checks, servers
# that went down, of whatever clients sent wrong or got no answer to.
STANDING = """
systemctl show -p Id -p MainPID -p NRestarts -p ActiveEnterTimestamp haproxy keepalived nginx ssh
[ ! -e /run/haproxy/admin.sock ] || echo show stat | socat - /run/haproxy/admin.sock |
    cut -d , -f 1,2,13-23,25
"""


def standing(operator: Operator) -> dict[str, str]:
    """What runs on each machine, since when, and how it has fared."""
    return operator.does(lambda lab: each(lab.strikable, lambda node: node.run(STANDING)))


def test_looking_accepts_it_and_changes_nothing(foreign: Operator) -> None:
    """Other addresses, NICs, programs, timers and names: all of it by its topology alone.

    Configuration, processes and the counters other than traffic's are the same after.
    """
    before = pictures(foreign), standing(foreign)
    outcome = foreign.judges(*LOOK)
    assert outcome.status == 0, outcome.said
    assert len(outcome.names("passed")) >= 15
    assert not outcome.names("failure") + outcome.names("error")
    assert differing(before[0], pictures(foreign)) == []
    assert differing(before[1], standing(foreign)) == []


@pytest.mark.timeout(900)
def test_breaking_accepts_it_and_leaves_it_as_it_was(foreign: Operator) -> None:
    """All that ``suites/ha`` can break on machines without a front panel, and mend again."""
    before = pictures(foreign)
    outcome = foreign.judges(*BREAK)
    assert outcome.status == 0, outcome.said
    assert len(outcome.names("passed")) >= 34
    become_well(foreign)
    assert differing(before, pictures(foreign)) == []


@pytest.mark.timeout(600)
def test_hostile_clients_cost_it_nothing_and_leave_it_as_it_was(foreign: Operator) -> None:
    """All of ``suites/security``: no test of it needs anything that the suite has deployed."""
    before = pictures(foreign)
    outcome = foreign.judges(*ATTACK)
    assert outcome.status == 0, outcome.said
    assert set(outcome.tests.values()) == {"passed"}, outcome.said
    become_well(foreign)
    assert differing(before, pictures(foreign)) == []


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "was not started with --allow-disruption"),
        (("--allow-disruption",), "is of the lab 'production', not 'foreign'"),
    ],
    ids=["not allowed", "another lab's id on one node"],
)
def test_nothing_is_broken_unless_all_agree(
    foreign: Operator, arguments: tuple[str, ...], reason: str
) -> None:
    """Tests that break something are skipped, and say who has not agreed; the others run."""
    if arguments:
        foreign.does(lambda lab: lab.nodes["gen2"].run("echo production > /etc/halab-lab-id"))
    try:
        outcome = foreign.judges("suites/ha/test_failover.py", *arguments)
    finally:
        foreign.does(lambda lab: lab.nodes["gen2"].run("echo foreign > /etc/halab-lab-id"))
    assert outcome.status == 0, outcome.said
    assert set(outcome.tests.values()) == {"skipped"}
    assert reason in outcome.said


def test_fault_asks_the_node_that_it_strikes(foreign: Operator) -> None:
    """Whoever got so far all the same: nothing is done to it, and nothing is left on it."""
    foreign.does(lambda lab: lab.nodes["edge2"].run("echo production > /etc/halab-lab-id"))

    def strike(lab: RemoteLab) -> str:
        backup = FoundCluster(lab, found.look(lab)).backup
        with pytest.raises(NotAllowed, match="edge2 is of the lab 'production', not 'foreign'"):
            faults.haproxy_stopped(backup.haproxy()).do()
        return backup.node.run("systemctl is-active haproxy; ls /var/lib")

    try:
        said = foreign.does(strike)
    finally:
        foreign.does(lambda lab: lab.nodes["edge2"].run("echo foreign > /etc/halab-lab-id"))
    assert said.startswith("active")
    assert "halab" not in said


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("named", "arguments"),
    [
        pytest.param(LOOKING, LOOK, id="looking"),
        pytest.param(BREAKING, BREAK, id="breaking"),
        pytest.param(BREAKING, ATTACK, id="attacking"),
    ],
)
def test_who_is_not_root_needs_the_commands_that_are_named(
    foreign: Operator, named: tuple[str, ...], arguments: tuple[str, ...]
) -> None:
    """By sudo, and no others; without them the doctor says which."""
    text = foreign.topology.read_text().replace("  remote:\n", "  remote:\n    user: deputy\n")
    if named is LOOKING:
        text = text.replace("disposable: true", "disposable: false")
    deputy = Operator(foreign.topology.with_name("deputy.yaml"), foreign.place)
    deputy.topology.write_text(text)
    sudoers = rules("deputy", named)
    without = deputy.command("doctor")
    foreign.does(lambda lab: each(lab.strikable, lambda n: n.put(SUDOERS, sudoers, 0o440)))
    try:
        outcome = deputy.judges(*arguments, limit=600)
    finally:
        foreign.does(lambda lab: each(lab.strikable, lambda n: n.run("rm %s", SUDOERS)))
    assert f"edge1  deputy may not run {', '.join(LOOKING)}" in without.stdout
    assert outcome.status == 0, outcome.said
    assert outcome.names("passed")


@dataclass(frozen=True)
class Breach:
    """What is wrong with the cluster, by whom it is noticed, and how it is put right."""

    node: str
    breaks: str
    mends: str
    noticed_by: str
    run: tuple[str, ...] = LOOK

    @contextmanager
    def made(self, operator: Operator) -> Iterator[None]:
        try:
            operator.does(self._runs(self.breaks))
            yield
        finally:
            operator.does(self._runs(self.mends))
            become_well(operator)

    def _runs(self, command: str) -> Callable[[RemoteLab], str]:
        def run(lab: RemoteLab) -> str:
            node: Node = {**lab.nodes, **lab.vms}[self.node]
            return node.run(command)

        return run


CONF = "/etc/keepalived/keepalived.conf"
CFG = "/etc/haproxy/haproxy.cfg"


def edited(file: str, expression: str, unit: str, reads: str = "reload") -> tuple[str, str]:
    """Edit a file that a unit ``reads`` when it is told so, and put it back."""
    reload = f"systemctl {reads} {unit}"
    return (
        f"cp -p {file} /tmp/as-it-was && sed -i -E '{expression}' {file} && {reload}",
        f"mv /tmp/as-it-was {file} && {reload}",
    )


BREACHES = {
    "the BACKUP has another advert_int": Breach(
        "edge2",
        *edited(CONF, "s/advert_int .*/advert_int 1/", "keepalived"),
        "test_directors_are_configured_as_one_virtual_router",
    ),
    "the VIP is on the BACKUP too": Breach(
        "edge2",
        "ip address add 10.77.0.100/24 dev ens3",
        "ip address del 10.77.0.100/24 dev ens3",
        "test_vip_is_on_exactly_one_director_the_master",
    ),
    "the statistics are open to all": Breach(
        "edge2",
        *edited(CFG, "/stats auth/d", "haproxy"),
        "test_stats_page_refuses_without_the_password[backup-None]",
    ),
    "the MASTER advertises another priority": Breach(
        "edge1",
        *edited(CONF, "s/priority .*/priority 150/", "keepalived"),
        "test_adverts_say_what_the_topology_says",
    ),
    "a client has the BACKUP's MAC": Breach(
        "gen3",
        "ping -c 1 -q 10.77.0.12 && ip neigh replace 10.77.0.100 dev enp1s0 nud permanent lladdr "
        "$(ip -o neigh show 10.77.0.12 | grep -oE '([0-9a-f]{2}:){5}[0-9a-f]{2}')",
        "ip neigh del 10.77.0.100 dev enp1s0",
        "test_every_client_resolves_the_vip_to_the_master",
    ),
    "an admin socket is open to all": Breach(
        "edge2",
        # a reload hands the socket on, with the mode that it has
        *edited(CFG, "s/mode 660/mode 666/", "haproxy", "restart"),
        "test_admin_sockets_are_closed_to_others[backup]",
        ("suites/security", "-m", "observe"),
    ),
    "slow clients keep their places": Breach(
        "edge1",
        *edited(CFG, "/timeout http-request/d", "haproxy"),
        "test_slow_clients_lose_their_places_and_nobody_else_does[headers]",
        (*ATTACK, "-k", "slow and headers"),
    ),
    "strangers have a say in VRRP": Breach(
        "edge1",
        "nft flush ruleset",
        "nft -f /etc/nftables.conf",
        "test_stranger_moves_the_vip_nowhere",
        (*ATTACK, "-k", "stranger_moves"),
    ),
    "a web server is dead": Breach(
        "web3",
        "systemctl stop nginx",
        "systemctl start nginx",
        "test_nothing_is_wrong_with_any_node_or_the_cluster",
    ),
}


@pytest.mark.parametrize(
    "breach",
    [pytest.param(breach, id=name) for name, breach in BREACHES.items()],
)
def test_it_is_rejected_by_the_test_that_names_what_is_wrong(
    foreign: Operator, breach: Breach
) -> None:
    """And the run says so by its status."""
    with breach.made(foreign):
        outcome = foreign.judges(*breach.run)
    assert outcome.status == 1, outcome.said
    assert breach.noticed_by in outcome.names("failure"), outcome.said
