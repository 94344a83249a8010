"""What each setting puts on a director, as the programs' own readers have it."""

from __future__ import annotations

from pathlib import Path

import pytest

from halab import deployment, haproxy_cfg, tracking
from halab.configuration import Configuration
from halab.haproxy import HAProxy
from halab.keepalived import CONFIG
from halab.keepalived_conf import Deployed, VrrpInstance
from halab.lab.plan import Secrets
from halab.topology import Topology
from halab.tracking import VrrpTrackProcess

TOPOLOGY = Topology.load(Path(__file__).parents[1] / "topology.yaml")


def files(director: str = "lb1", **settings: object) -> dict[str, str]:
    configuration = Configuration.declared(**settings)
    return deployment.files(director, configuration, TOPOLOGY, Secrets("abcd1234", "secret"))


def instance(director: str = "lb1", **settings: object) -> VrrpInstance:
    return Deployed.parse(files(director, **settings)[CONFIG]).instances[0]


def test_default_tracks_the_interface_alone() -> None:
    """As in the thesis: nothing of HAProxy is watched, and nothing but files of old is there."""
    assert instance().track_interface == {"eth0": 0}
    assert not instance().track_process
    assert not instance().track_script
    assert tracking.SCRIPT not in files()


def test_every_process_is_tracked() -> None:
    """The master and the worker of each: one too few is a lost quorum."""
    deployed = Deployed.parse(files(tracking="process", haproxy_processes=2)[CONFIG])
    assert deployed.processes == {"haproxy": VrrpTrackProcess("haproxy", "haproxy", quorum=4)}
    assert deployed.instances[0].track_process == {"haproxy": 0}


def test_script_asks_every_process() -> None:
    """Each has a statistics port of its own."""
    put = files(tracking="script", haproxy_processes=2)
    assert "for port in 9000 9001;" in put[tracking.SCRIPT]
    assert Deployed.parse(put[CONFIG]).scripts["haproxy"] == tracking.DEPLOYED
    assert "enable_script_security" in put[CONFIG]


@pytest.mark.parametrize("settings", [{"nopreempt": True}, {"preempt_delay": 5.0}], ids=str)
def test_either_begins_as_backup(settings: dict[str, object]) -> None:
    """keepalived drops both for an instance whose initial state is MASTER."""
    for director in TOPOLOGY.directors:
        assert instance(director, **settings).state == "BACKUP"
    assert instance(**settings).nopreempt is settings.get("nopreempt", False)
    assert instance(**settings).preempt_delay == settings.get("preempt_delay", 0)


def test_version_3_has_no_password() -> None:
    """RFC 5798 section 9: keepalived would say that it ignores one."""
    fast = instance(vrrp_version=3, advert_int=0.1)
    assert (fast.version, fast.advert_int, fast.auth_type) == (3, 0.1, None)
    assert instance().auth_type == "PASS"


@pytest.mark.parametrize(("asked", "http"), [("tcp", False), ("http", True)])
def test_health_check_is_of_a_connection_or_of_a_page(asked: str, http: bool) -> None:
    """For every server alike."""
    parsed = haproxy_cfg.parse(files(health_check=asked)[HAProxy.config_of(1)])
    assert {s.check.http for s in parsed.backends["wwwbackend"].servers.values()} == {http}


def test_worse_master_has_its_last_word_only_where_it_is_asked_for() -> None:
    """The thesis's keepalived.conf does not ask."""
    path = "/etc/keepalived/keepalived.conf"
    assert "higher_prio_send_advert true" in files(higher_prio_send_advert=True)[path]
    assert "higher_prio" not in files()[path]


def test_every_server_has_a_cookie_of_its_own() -> None:
    """Both directors give the same one, or a client would change its backend with the VIP."""
    values = []
    for director in TOPOLOGY.directors:
        text = files(director, persistence="cookie")[HAProxy.config_of(1)]
        backend = haproxy_cfg.parse(text).backends["wwwbackend"]
        assert backend.cookie == "SERVERID insert indirect nocache"
        values.append({name: server.cookie for name, server in backend.servers.items()})
    assert len(set(values[0].values())) == 24
    assert values[0] == values[1]


def test_stick_table_is_told_to_the_peers() -> None:
    """Of this very process on the other director."""
    parsed = haproxy_cfg.parse(files(persistence="stick-table")[HAProxy.config_of(1)])
    table = parsed.backends["wwwbackend"].stick_table
    assert table is not None
    assert table.endswith("peers LB")
    assert parsed.peers["LB"].keys() == {"lb1", "lb2"}
