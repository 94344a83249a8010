"""Failures of every kind, each with secrets at hand; test_secrets.py runs these and reads all that
is written. In this order: the last two leave a machine without power, and end the session.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

import fixtures.terminal
import fixtures.verdict
from fixtures.evidence import Evidence
from halab import deployment, maintenance, webserver
from halab.budget import Budget
from halab.cluster import Cluster
from halab.configuration import Configuration
from halab.haproxy import HAProxy
from halab.keepalived import CONFIG
from halab.lab import journal
from halab.lab.journal import Entry
from halab.node import each

HAPROXY_CFG = HAProxy.config_of(1)

# the front page, the page for a CI and what is remembered for the next run are of suites alone
fixtures.verdict.SUITES = fixtures.terminal.SUITES = "tests/failing_with_secrets.py"


@pytest.fixture
def files(cluster: Cluster) -> dict[str, str]:
    """The MASTER's configurations, with the passwords in them."""
    secrets = cluster.lab.secrets
    return deployment.files(cluster.master.name, Configuration(), cluster.topology, secrets)


@pytest.fixture
def broken(cluster: Cluster, files: dict[str, str]) -> None:
    raise ValueError(files[CONFIG], files[HAPROXY_CFG])


def test_fixture(broken: None) -> None:
    """An error in set-up."""


def test_assertion(cluster: Cluster, files: dict[str, str]) -> None:
    """Compared, shown as a local, printed and logged."""
    key = (cluster.lab.state / "id_ed25519").read_text()
    print(files, key, vars(cluster.lab.secrets))
    logging.getLogger("halab").warning("%s %s", files, key)
    assert {**files, "key": key} == {}


def test_command_quotes_them(cluster: Cluster) -> None:
    """What a command has said is in its error."""
    cluster.master.node.run("grep -hE 'auth' %s %s >&2; false", CONFIG, HAPROXY_CFG)


def test_program_refuses_them(cluster: Cluster, files: dict[str, str]) -> None:
    """The line that HAProxy does not take is the one with the password."""
    cluster.master.deploy({HAPROXY_CFG: files[HAPROXY_CFG].replace("stats auth", "nonsense")})


def test_command_hangs(cluster: Cluster, files: dict[str, str]) -> None:
    """With a configuration on its stdin."""
    cluster.master.node.run("sleep 30", stdin=files[CONFIG], limit=0.3)


def test_keepalived_dumps_nothing(cluster: Cluster) -> None:
    """It is asked for its state, password and all, and hangs."""
    unit = cluster.backup.keepalived.unit.name
    cluster.backup.node.run("systemctl kill --signal=STOP %s", unit)
    try:
        cluster.backup.keepalived.dump()
    finally:
        cluster.backup.node.run("systemctl kill --signal=CONT %s", unit)


def test_keepalived_dumps_its_state(cluster: Cluster) -> None:
    """And then the test fails."""
    dump = cluster.master.keepalived.dump()
    assert dump is None


def test_page_is_asked_for_and_nobody_answers(cluster: Cluster) -> None:
    """All of requests' own locals are in the traceback, the header with the password too."""
    auth = ("operator", cluster.lab.secrets.stats)
    webserver.get(cluster.master.node.address, 1, "/haproxy", auth=auth)


def test_figures_and_notes(cluster: Cluster, evidence: Evidence) -> None:
    """They go to the front page, to tables, and to what the next run compares with."""
    secrets = cluster.lab.secrets
    evidence.measure(f"a page of {secrets.stats}", 2, Budget(1, f"as {secrets.vrrp} has it"))
    evidence.note(f"said {secrets.stats!r}")
    evidence.figures.append(f"{secrets.stats} req/s")
    assert len(secrets.stats) == len(secrets.vrrp), secrets.stats


def test_fault_is_journalled(
    cluster: Cluster, inflict: Callable[[AbstractContextManager[None]], object]
) -> None:
    """With its arguments, and the cause that shows: all passwords but ours are deployed."""
    inflict(maintenance.priority_changed(cluster.master, 10))
    cluster.lab.journal.write(Entry(journal.DONE, "0", "fault", "lb1", cluster.lab.secrets.vrrp))
    assert cluster.master.keepalived.instance().priority == 0


def test_nodes_have_written_them_nowhere(cluster: Cluster) -> None:
    """This one passes: neither in journals nor in what programs leave lying about."""
    patterns = f"{cluster.lab.secrets.vrrp}\n{cluster.lab.secrets.stats}\n"
    search = (
        "t=$(mktemp -p /dev/shm) && cat > $t && "
        "{ journalctl -q --no-pager -a | grep -cF -f $t; grep -rlsF -f $t /tmp /var/log /run; "
        "rm -f $t; }"
    )
    found = each(cluster.lab.nodes.values(), lambda node: node.run(search, stdin=patterns))
    assert {said.strip() for said in found.values()} == {"0"}


def test_program_logs_them(cluster: Cluster) -> None:
    """In the window of the failure: what HAProxy logs then is in the report."""
    said = f"planted {cluster.lab.secrets.vrrp} {cluster.lab.secrets.stats}\n"
    cluster.master.node.run("logger -t haproxy -p local0.alert", stdin=said)
    assert not said


def test_node_is_away(cluster: Cluster, files: dict[str, str]) -> None:
    """In the middle of a deployment."""
    cluster.lab.power_off(cluster.backup.name)
    cluster.backup.node.put_all(files)


def test_session_is_interrupted(cluster: Cluster, files: dict[str, str]) -> None:
    """Its whole traceback is asked for."""
    raise KeyboardInterrupt(files[CONFIG])
