"""The timers that budgets are made of are those that keepalived itself counts with."""

from __future__ import annotations

import pytest

from halab.cluster import Cluster
from halab.configuration import Configuration
from halab.errors import CommandFailed
from halab.keepalived import DUMP

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"advert_int": 2.0},
        {"vrrp_version": 3},
        {"vrrp_version": 3, "advert_int": 0.1},
        {"vrrp_version": 3, "advert_int": 0.25, "preempt_delay": 2.5},
        {"nopreempt": True},
    ],
    ids=str,
)
def test_timers_are_keepalived_s_own(
    cluster: Cluster, request: pytest.FixtureRequest, settings: dict[str, object]
) -> None:
    """Of the BACKUP, whose Master_Down_Timer it is; to the microsecond of the dump."""
    request.addfinalizer(lambda: cluster.bring_to(Configuration()))
    cluster.bring_to(Configuration.declared(**settings))
    ours, its = cluster.backup.keepalived.instance(), cluster.backup.keepalived.dump()
    assert (its.state, its.version, its.priority) == ("BACKUP", ours.version, ours.priority)
    assert its.advert_int == pytest.approx(ours.timers.advert_int)
    assert its.master_down_timer == pytest.approx(ours.timers.master_down_interval, abs=2e-6)
    assert its.preempt is not ours.nopreempt
    assert its.preempt_delay == ours.preempt_delay


def test_dump_is_gone_once_it_is_read(cluster: Cluster) -> None:
    """It has the password in clear."""
    cluster.master.keepalived.dump()
    with pytest.raises(CommandFailed):
        cluster.master.node.run("test -e %s", DUMP)
