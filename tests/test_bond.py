"""A bond is read as Linux 6.1 tells of it (drivers/net/bonding/bond_procfs.c)."""

from __future__ import annotations

import pytest

from halab.bond import State
from halab.budget import Budget, Work
from halab.errors import NodeError

BONDED = """\
Ethernet Channel Bonding Driver: v6.1.0-56-cloud-amd64

Bonding Mode: fault-tolerance (active-backup)
Primary Slave: port1 (primary_reselect always)
Currently Active Slave: port2
MII Status: up
MII Polling Interval (ms): 100
Up Delay (ms): 0
Down Delay (ms): 200
Peer Notification Delay (ms): 0

Slave Interface: port1
MII Status: down
Speed: Unknown
Duplex: Unknown
Link Failure Count: 1
Permanent HW addr: 02:00:c0:a8:fa:79
Slave queue ID: 0

Slave Interface: port2
MII Status: up
Speed: Unknown
Duplex: Unknown
Link Failure Count: 0
Permanent HW addr: 02:01:c0:a8:fa:79
Slave queue ID: 0
"""


def test_ports_are_read_with_their_carriers() -> None:
    state = State.parse(BONDED)
    assert state == State("active-backup", "port2", 0.1, 0.2, {"port1": False, "port2": True})
    budget = Budget.carrier_lost(state, [Work("takeover_work", 0.05)])
    assert budget.value == pytest.approx(0.35)
    assert str(budget) == "0.350 s (miimon 0.1 s + downdelay 0.2 s + takeover_work 0.05 s)"


@pytest.mark.parametrize(
    ("words", "mode"),
    [
        ("IEEE 802.3ad Dynamic link aggregation", "802.3ad"),
        ("load balancing (round-robin)", "round-robin"),
        ("adaptive load balancing", "adaptive load balancing"),
    ],
)
def test_a_bond_of_which_all_ports_send_has_no_active_one(words: str, mode: str) -> None:
    """As aggregation with a switch has it (802.3ad): it is no broken bond."""
    text = BONDED.replace("fault-tolerance (active-backup)", words)
    text = text.replace("Currently Active Slave: port2\n", "Transmit Hash Policy: layer2 (0)\n")
    state = State.parse(text)
    assert (state.mode, state.active) == (mode, "")
    assert [*state.ports] == ["port1", "port2"]


def test_a_bond_without_an_active_port_is_told() -> None:
    with pytest.raises(NodeError, match="nothing says active"):
        State.parse(BONDED.replace("Currently Active Slave", "Transmit Hash Policy"))
