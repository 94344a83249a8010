"""Likely causes: told from clues, and never where a fault of the test's own explains the same.

That the clues are those of a real cluster, tests/mutations shows: each cause has a mutation there.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from fixtures import failures
from halab import causes, clues
from halab.clues import Clues
from halab.invariants import Kind
from halab.portrait import DirectorSeen, Portrait
from tests.broken_around import AROUND
from tests.mutations.catalogue import MUTATIONS

LB1 = DirectorSeen(
    "lb1",
    "192.168.250.1",
    "MASTER",
    keepalived_runs=True,
    holds=True,
    processes=frozenset({1}),
    backends={"web1": "UP", "web2": "UP", "web3": "UP"},
    weights={"web1": 1, "web2": 1, "web3": 1},
)
LB2 = replace(LB1, name="lb2", address="192.168.250.2", state="BACKUP", holds=False)
MACS = {"lb1": "52:54:00:00:00:01", "lb2": "52:54:00:00:00:02"}


def of(lb1: DirectorSeen = LB1, lb2: DirectorSeen = LB2, **more: object) -> Clues:
    """The clues of a cluster in which nothing else is wrong."""
    portrait = Portrait("192.168.250.250", "default", (lb1, lb2), {}, ("client1",))
    known = {"processes": frozenset({1}), "macs": MACS, "neighbours": {"client1": MACS["lb1"]}}
    return Clues(portrait, **{**known, **more})  # type: ignore[arg-type]


def told(seen: Clues) -> list[str]:
    """The causes in words."""
    return [cause.text for cause in causes.likely(seen)]


def down(check: str) -> DirectorSeen:
    """A director that holds web2 for DOWN."""
    weights = {"web1": 1, "web3": 1}
    return replace(LB1, backends={**LB1.backends, "web2": f"DOWN ({check})"}, weights=weights)


FILE = {"lb2": {"/etc/keepalived/keepalived.conf": ("-advert_int 1", "+advert_int 2")}}
RULES = (
    "table ip x {\n chain c {\n type filter hook input priority 0; policy drop;\n"
    "  tcp dport 8081 drop\n }\n}"
)


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (of(differences=FILE), "keepalived.conf on lb2 is not what the configuration asks for"),
        (of(rules={"lb2": RULES}), "firewall on lb2 keeps packets back: tcp dport 8081 drop"),
        (of(down("L4CON")), "web2 refuses connections: Apache is dead"),
        (of(down("L4TOUT")), "web2 does not answer at all"),
        (of(down("L7STS")), "web2 answers the check with an error"),
        (of(down("L7RSP")), "web2 is DOWN by its check (L7RSP)"),
        (of(down("L4OK")), "web2 was DOWN and passes its checks again"),
        (of(replace(LB1, backends={"web1": "no check"})), "lb1 never checks web1"),
        (of(replace(LB1, weights={"web1": 2, "web2": 1, "web3": 1})), "web1 has 2, the others 1"),
        (of(replace(LB1, silent="no route")), "lb1 does not answer: no route"),
        (of(replace(LB1, keepalived_runs=False)), "keepalived on lb1 does not run"),
        (of(replace(LB1, keepalived_frozen=True)), "keepalived on lb1 is frozen"),
        (
            of(deaf={"lb1": "vrrp_track_process haproxy {"}),
            "its file got `vrrp_track_process haproxy`",
        ),
        (of(processes=frozenset({1, 2})), "HAProxy 2 does not run on lb1"),
        (of(lb2=replace(LB2, holds=True)), "lb1 and lb2 do not take each other's adverts"),
        (of(neighbours={"client1": MACS["lb2"]}), "client1 has the MAC of lb2 for the VIP"),
        (of(broken=frozenset({Kind.UNANNOUNCED})), "took the VIP without gratuitous ARP"),
    ],
)
def test_cause_is_told_from_its_clue(seen: Clues, words: str) -> None:
    """First, in an operator's words, with a command that shows more of it."""
    found = causes.likely(seen)
    assert words in found[0].text
    assert found[0].commands


def test_well_cluster_has_no_cause() -> None:
    """A figure that is over its budget for no reason that shows is not explained away."""
    assert told(of()) == []


@pytest.mark.parametrize(
    "seen",
    [
        of(down("L4CON"), inflicted=True),
        of(replace(LB1, silent="no route"), inflicted=True),
        of(replace(LB1, keepalived_runs=False), inflicted=True),
        of(lb2=replace(LB2, holds=True), inflicted=True),
    ],
)
def test_what_a_fault_explains_is_no_cause(seen: Clues) -> None:
    """A powered-off MASTER is silent: that is the test, not its failure."""
    assert told(seen) == []


def test_what_no_fault_explains_is_told_through_one() -> None:
    """A changed file stays one while the MASTER is off."""
    assert len(told(of(replace(LB1, silent="off"), differences=FILE, inflicted=True))) == 1


def test_difference_shows_no_password() -> None:
    """That it differs is told, neither what it was nor what it is."""
    wanted = "vrrp_instance VI_1 {\n    auth_pass s3cretpw\n    advert_int 1\n}\n"
    there = wanted.replace("s3cretpw", "another1")
    assert clues.difference(wanted, there) == ("-auth_pass …", "+auth_pass …")
    moved = wanted.replace("advert_int 1", "advert_int 2")
    assert clues.difference(wanted, moved) == ("-advert_int 1", "+advert_int 2")


def test_own_firewall_is_none_that_keeps_packets_back() -> None:
    """It keeps strangers' adverts from keepalived, and is deployed."""
    own = "table ip vrrp {\n\tchain input {\n\t\tip protocol 112 counter drop\n\t}\n}"
    assert clues.foreign(own + "\n") == ""
    assert clues.foreign(f"{own}\n{RULES}") == RULES


def test_somebodys_own_firewall_against_strangers_is_none_either() -> None:
    """As it is asked for; one that has forgotten a director is."""
    rule = "ip protocol 112 ip saddr != { 192.168.250.1, 192.168.250.2 } counter drop"
    assert told(of(rules={"lb1": f"table inet own {{\n  {rule}\n}}"})) == []
    forgotten = rule.replace(", 192.168.250.2", "")
    (cause,) = told(of(rules={"lb1": forgotten}))
    assert cause == f"a firewall on lb1 keeps packets back: {forgotten}"


def test_every_cause_has_its_test() -> None:
    """Each finds something in one of the clues above."""
    parameters = test_cause_is_told_from_its_clue.pytestmark[0].args[1]  # type: ignore[attr-defined]
    for cause in causes.CAUSES:
        assert any([*cause.find(seen)] for seen, _ in parameters), cause.name


def test_every_cause_has_its_mutation() -> None:
    """A cause that no broken cluster shows would be a guess."""
    shown = {mutation.cause[0] for mutation in MUTATIONS if mutation.cause is not None}
    assert shown == {cause.name for cause in causes.CAUSES}


@pytest.mark.parametrize("check", causes.CHECKS)
def test_every_check_of_a_backend_has_its_broken_cluster(check: str) -> None:
    """What HAProxy's word for a check means here is no guess either."""
    words = [mutation.cause[1] for mutation in MUTATIONS if mutation.cause is not None]
    words += [around.cause for around in AROUND.values()]
    assert any(causes.CHECKS[check][0] in said for said in words)


def test_machines_that_were_found_are_looked_at_by_ssh() -> None:
    """They are in no lab of ours: neither its shell nor its status would tell of them."""
    frozen = replace(LB1, keepalived_frozen=True)
    seen = of(frozen, logins={"lb1": "deputy@192.168.250.1", "lb2": "deputy@192.168.250.2"})
    (cause,) = causes.likely(seen)
    assert cause.commands[0] == "ssh deputy@192.168.250.1 'systemctl status keepalived'"
    page = failures.told_of(seen, [cause], "suites/ha/test_vip.py::test_vip")
    assert "./run lab" not in page
    assert "--lab=remote --topology FILE" in page
