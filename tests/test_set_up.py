"""A set-up in a folder: what is taken, what is told, and what is filled in."""

from __future__ import annotations

from pathlib import Path

import pytest

from halab.configuration import Configuration
from halab.errors import UserError
from halab.lab.plan import Secrets
from halab.set_up import HAPROXY, KEEPALIVED, PATHS, SYSCTL, SetUp, scrubbed
from halab.topology import Topology

TOPOLOGY = Topology.load(Path("topology.yaml"))
SECRETS = Secrets("abcd1234", "statssecret")


def folder(tmp_path: Path, **files: str) -> Path:
    for name, text in files.items():
        path = tmp_path / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_without_any_it_is_what_the_templates_make() -> None:
    files = SetUp().deployed("lb1", TOPOLOGY, SECRETS)
    assert "priority 150" in files[PATHS[KEEPALIVED]]
    assert PATHS[SYSCTL] not in files


def test_a_file_replaces_the_templates_on_both_directors(tmp_path: Path) -> None:
    own = SetUp.load(folder(tmp_path, haproxy_cfg="global\n    maxconn 7"), TOPOLOGY)
    for director in TOPOLOGY.directors:
        files = own.deployed(director, TOPOLOGY, SECRETS)
        assert files[PATHS[HAPROXY]] == "global\n    maxconn 7\n"
        assert "vrrp_instance" in files[PATHS[KEEPALIVED]]


def test_facts_are_filled_in_for_each_director(tmp_path: Path) -> None:
    text = "priority {{ director.priority }} auth_pass {{ vrrp_password }} { x } {% {#\n"
    own = SetUp.load(folder(tmp_path, keepalived_conf=text), TOPOLOGY)
    written = [own.written(KEEPALIVED, d, TOPOLOGY, SECRETS) for d in TOPOLOGY.directors]
    assert written == [f"priority {n} auth_pass abcd1234 {{ x }} {{% {{#\n" for n in (150, 100)]


def test_a_director_may_have_its_own(tmp_path: Path) -> None:
    own = SetUp.load(
        folder(tmp_path, keepalived_conf="both\n", lb2__keepalived_conf="second\n"), TOPOLOGY
    )
    assert own.written(KEEPALIVED, "lb1", TOPOLOGY, SECRETS) == "both\n"
    assert own.written(KEEPALIVED, "lb2", TOPOLOGY, SECRETS) == "second\n"


def test_cluster_yaml_is_a_configuration(tmp_path: Path) -> None:
    own = SetUp.load(folder(tmp_path, cluster_yaml="tracking: script\nrps_mask: 008c\n"), TOPOLOGY)
    assert own.configuration == Configuration.declared(tracking="script", rps_mask="008c")


def test_what_a_candidate_has_not_stays_as_today(tmp_path: Path) -> None:
    today = SetUp.load(folder(tmp_path / "a", cluster_yaml="tracking: script\n"), TOPOLOGY)
    changed = SetUp.load(folder(tmp_path / "b", sysctl_conf="net.x = 1\n"), TOPOLOGY, today)
    assert changed.configuration.tracking == "script"
    assert changed.has(SYSCTL)


def test_what_one_director_has_anew_leaves_the_other_s_as_it_is(tmp_path: Path) -> None:
    """Else lb2 would change too, to what the templates say, and nobody had asked for it."""
    today = SetUp.load(folder(tmp_path / "a", keepalived_conf="both\n"), TOPOLOGY)
    own = SetUp.load(folder(tmp_path / "b", lb1__keepalived_conf="first\n"), TOPOLOGY, today)
    assert own.written(KEEPALIVED, "lb1", TOPOLOGY, SECRETS) == "first\n"
    assert own.written(KEEPALIVED, "lb2", TOPOLOGY, SECRETS) == "both\n"


@pytest.mark.parametrize(
    ("todays", "its"),
    [
        ({"haproxy_cfg": "x"}, {"cluster_yaml": "haproxy_processes: 2\n"}),
        ({"cluster_yaml": "haproxy_processes: 2\n"}, {"haproxy_cfg": "x"}),
    ],
    ids=["more processes", "a file of one"],
)
def test_one_file_is_of_one_process_whoever_has_it(
    tmp_path: Path, todays: dict[str, str], its: dict[str, str]
) -> None:
    """Else the second process would run what the templates say, and be taken for today's."""
    today = SetUp.load(folder(tmp_path / "a", **todays), TOPOLOGY)
    with pytest.raises(UserError, match=r"haproxy\.cfg is of one process"):
        SetUp.load(folder(tmp_path / "b", **its), TOPOLOGY, today)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "it is empty"),
        ({"haproxy_conf": "x"}, "haproxy.conf: it is none of haproxy.cfg"),
        ({"haproxy_cfg": " \n"}, "haproxy.cfg: it is empty"),
        ({"lb9__haproxy_cfg": "x"}, "lb9: it is none of"),
        ({"lb1__cluster_yaml": "x"}, "lb1/cluster.yaml: it is none of"),
        ({"cluster_yaml": "trackin: script\n"}, "cluster.yaml:1: trackin: unknown key"),
        ({"cluster_yaml": "a: 1\nhaproxy_processes: many\n"}, "cluster.yaml:1: a"),
        ({"cluster_yaml": "haproxy_processes: many\n"}, "cluster.yaml:1: haproxy_processes"),
        ({"cluster_yaml": "haproxy_processes: 2\n", "haproxy_cfg": "x"}, "is of one process"),
    ],
)
def test_what_cannot_be_taken_is_named(tmp_path: Path, files: dict[str, str], said: str) -> None:
    with pytest.raises(UserError, match=said.replace(".", r"\.")):
        SetUp.load(folder(tmp_path, **files), TOPOLOGY)


def test_no_such_folder_and_no_text(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        SetUp.load(tmp_path / "absent", TOPOLOGY)
    (tmp_path / "haproxy.cfg").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="not UTF-8"):
        SetUp.load(tmp_path, TOPOLOGY)


def test_a_fact_that_is_not_there_is_told_with_the_file(tmp_path: Path) -> None:
    own = SetUp.load(folder(tmp_path, haproxy_cfg="x {{ vrrp_pasword }}\n"), TOPOLOGY)
    with pytest.raises(UserError, match=r"haproxy\.cfg: .*vrrp_pasword.*vrrp_password"):
        own.deployed("lb1", TOPOLOGY, SECRETS)
    own = SetUp.load(folder(tmp_path, haproxy_cfg="a\nx {{ }}\n"), TOPOLOGY)
    with pytest.raises(UserError, match=r"haproxy\.cfg:2"):
        own.deployed("lb1", TOPOLOGY, SECRETS)


def test_passwords_of_files_are_not_repeated() -> None:
    texts = [
        "    auth_pass hidden1\n",
        "    stats auth operator:hidden2\n    user joe insecure-password hidden3\n",
    ]
    assert scrubbed("hidden1 operator:hidden2, hidden3", texts) == "… operator:…, …"
