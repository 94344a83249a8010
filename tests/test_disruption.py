"""What is not given is not broken: each of the words that it takes, missing."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from halab.errors import Held, NotAllowed
from halab.lab import journal
from halab.lab.disruption import ID_FILE, check, refusal
from halab.lab.intent import Intents
from halab.lab.journal import Entry
from halab.lab.remote import RemoteLab
from halab.node import Node
from halab.topology_lab import Remote
from halab.transport import Access
from tests.answering import NOWHERE, Answering

# a node that is never spoken with: whoever is refused by the topology asks none
NODE = Node("web1", IPv4Address("127.0.0.1"), Access("root", NOWHERE, NOWHERE))
PRODUCTION = Remote(key="key", known_hosts="known_hosts")
DISPOSABLE = Remote(key="key", known_hosts="known_hosts", lab_id="rack-7", disposable=True)


def test_nothing_is_broken_that_is_not_said_to_be_disposable() -> None:
    """Whatever the option says."""
    assert "does not say disposable: true" in refusal(PRODUCTION, [NODE], allowed=True)
    with pytest.raises(NotAllowed, match="does not say disposable: true"):
        check(PRODUCTION, NODE, allowed=True)


def test_nothing_is_broken_without_the_option() -> None:
    """Though the topology says that it might be."""
    assert "--allow-disruption" in refusal(DISPOSABLE, [NODE], allowed=False)
    with pytest.raises(NotAllowed, match="--allow-disruption"):
        check(DISPOSABLE, NODE, allowed=False)


def test_disposable_lab_needs_an_id() -> None:
    """Without one every machine would match."""
    with pytest.raises(ValueError, match="lab_id"):
        Remote(key="key", known_hosts="known_hosts", disposable=True)


def test_what_no_node_could_mend_is_not_done() -> None:
    """A deed whose undoing is known to this run alone would outlive it."""
    allowed: list[Node] = []
    intents = Intents({"web1": NODE}, {"web1": NODE}, allowed.append, 90)
    entry = Entry(journal.DOING, "1.1", "powered_off", "web1", "web1")
    with pytest.raises(Exception, match="could mend it by itself if this run died"):
        intents.write(entry)
    assert not allowed


@pytest.mark.parametrize(
    ("said", "status", "why"),
    [
        ("production\n", 0, "web1 is of the lab 'production', not 'rack-7'"),
        ("", 1, "web1 has no /etc/halab-lab-id"),
        ("rack-70\n", 0, "not 'rack-7'"),
    ],
)
def test_node_of_another_lab_is_not_broken(said: str, status: int, why: str) -> None:
    """It is asked before any test, and again by whatever is about to strike it."""
    node = Answering("web1", said, status)
    assert why in refusal(DISPOSABLE, [node], allowed=True)
    with pytest.raises(NotAllowed, match=why):
        check(DISPOSABLE, node, allowed=True)
    assert len(node.asked) == 2


def test_node_of_this_lab_may_be_broken() -> None:
    """By the very word that is in the topology."""
    node = Answering("web1", "rack-7\n")
    assert refusal(DISPOSABLE, [node], allowed=True) == ""
    check(DISPOSABLE, node, allowed=True)


def test_nothing_is_broken_in_a_lab_that_was_lost() -> None:
    """Whatever the nodes say, who are somebody else's meanwhile: they are not even asked."""

    class Lost:
        def require(self) -> None:
            raise Held("lost")

    lab, node = object.__new__(RemoteLab), Answering("web1", "rack-7\n")
    lab.described, lab.allowed = DISPOSABLE, True
    lab.lock = Lost()  # type: ignore[assignment]
    with pytest.raises(Held, match="lost"):
        lab._permit(node)
    assert not node.asked


def test_nothing_is_put_on_a_node_that_may_not_be_broken() -> None:
    """Not even the word of what was about to be done to it, nor to the others."""
    nodes = {"web1": Answering("web1", "rack-7\n"), "web2": Answering("web2", "production\n")}
    intents = Intents(nodes, nodes, lambda node: check(DISPOSABLE, node, allowed=True), 90)
    heals = {"web1": "rm -f /run/broken", "web2": "rm -f /run/broken"}
    with pytest.raises(NotAllowed, match="web2 is of the lab 'production'"):
        intents.write(Entry(journal.DOING, "1.1", "broken", "web1", "", heals))
    assert {command for node in nodes.values() for command in node.asked} == {f"cat -- {ID_FILE}"}
