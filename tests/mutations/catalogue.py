"""The mutations: each breaks a healthy cluster in one way, and mends it on the way out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from halab import wait
from halab.cluster import Cluster
from halab.faults import apache_killed
from halab.keepalived import CONFIG
from halab.node import Node


@dataclass(frozen=True)
class Mutation:
    """How to break the cluster, the test that must fail, and what its failure must say."""

    name: str
    test: str
    says: str
    breaks: Callable[[Cluster], AbstractContextManager[None]]


@contextmanager
def edited(
    node: Node, path: str, expression: str, *then: str, tell: Callable[[], None] | None = None
) -> Iterator[None]:
    """The file changed by a sed expression and its program told; put back at the end."""
    before = node.read(path)
    try:
        node.run("sed -i -E %s %s", expression, path)
        assert node.read(path) != before, f"{expression} changes nothing in {path}"
        tell() if tell else node.run("; ".join(then))
        yield
    finally:
        node.put(path, before, 0o600)
        tell() if tell else node.run("; ".join(then))


@contextmanager
def done(node: Node, command: str, undo: str) -> Iterator[None]:
    """A command on a node, and the one that takes it back."""
    try:
        node.run(command)
        yield
    finally:
        node.run(undo)


@contextmanager
def apache_dead(cluster: Cluster) -> Iterator[None]:
    """Killed, and held for DOWN."""
    vm = cluster.backends[3]
    with apache_killed(cluster, vm):
        cluster.await_down([vm])
        yield


def advert_int_of_both(cluster: Cluster) -> AbstractContextManager[None]:
    @contextmanager
    def slow() -> Iterator[None]:
        change = ("s/advert_int .*/advert_int 2/", "systemctl restart keepalived")
        with (
            edited(cluster.backup.node, CONFIG, *change),
            edited(cluster.master.node, CONFIG, *change),
        ):
            cluster.await_vip_on(cluster.master)
            yield

    return slow()


def virtual_router_id_of_backup(cluster: Cluster) -> AbstractContextManager[None]:
    @contextmanager
    def apart() -> Iterator[None]:
        change = ("s/virtual_router_id .*/virtual_router_id 12/", "systemctl restart keepalived")
        with edited(cluster.backup.node, CONFIG, *change):
            wait.until(lambda: len(cluster.holders()) == 2, what="both are MASTER", within=15)
            yield

    return apart()


def _haproxy(cluster: Cluster, expression: str) -> AbstractContextManager[None]:
    haproxy = cluster.master.haproxy()
    return edited(haproxy.node, haproxy.config, expression, tell=haproxy.reload)


def _vip(cluster: Cluster) -> str:
    return str(cluster.vip)


MUTATIONS = (
    Mutation(
        "a web server is dead",
        "suites/backends/test_health.py::test_every_backend_is_up[default-master]",
        "web4",
        apache_dead,
    ),
    Mutation(
        "a backend has a wrong address",
        "suites/backends/test_health.py::test_backends_are_those_of_the_topology[default-master]",
        "192.168.250.182",
        lambda c: _haproxy(c, "s/(server web1 ).*(:80 )/\\1192.168.250.182\\2/"),
    ),
    Mutation(
        "a backend is missing",
        "suites/backends/test_health.py::test_backends_are_those_of_the_topology[default-master]",
        "web9",
        lambda c: _haproxy(c, "/server web9 /d"),
    ),
    Mutation(
        "a page names another server",
        "suites/backends/test_health.py::test_every_vm_answers_for_itself[default-/index.html]",
        "web2",
        lambda c: done(
            c.vm("web2"),
            "sed -i s/web2/web7/ /var/www/html/index.html",
            "sed -i s/web7/web2/ /var/www/html/index.html",
        ),
    ),
    Mutation(
        "pi.php integrates another function",
        "suites/backends/test_health.py::test_pi_is_computed[default]",
        "approx",
        lambda c: done(
            c.vm("web1"),
            "sed -i 's/1.0 + /1.1 + /' /var/www/html/pi.php",
            "sed -i 's/1.1 + /1.0 + /' /var/www/html/pi.php",
        ),
    ),
    Mutation(
        "one server has twice the weight",
        "suites/backends/test_balance.py::test_each_backend_gets_its_share_exactly[default]",
        "web1",
        lambda c: _haproxy(c, "s/(server web1 .*)/\\1 weight 2/"),
    ),
    Mutation(
        "balance source instead of roundrobin",
        "suites/backends/test_balance.py::test_each_backend_gets_its_share_under_traffic[default]",
        "max",
        lambda c: _haproxy(c, "s/balance .*/balance source/"),
    ),
    Mutation(
        "the VIP is hard-wired on the BACKUP",
        "suites/ha/test_service.py::test_vip_is_on_exactly_one_director_the_master",
        "lb2",
        lambda c: done(
            c.backup.node,
            f"ip address add {_vip(c)}/32 dev {c.backup.node.nic}",
            f"ip address del {_vip(c)}/32 dev {c.backup.node.nic}",
        ),
    ),
    Mutation(
        "the VIP has the network's prefix",
        "suites/ha/test_service.py::test_vip_is_a_host_address_on_the_nic",
        "192.168.250.250/32",
        lambda c: done(
            c.master.node,
            f"ip address del {_vip(c)}/32 dev eth0; ip address add {_vip(c)}/24 dev eth0",
            f"ip address del {_vip(c)}/24 dev eth0; ip address add {_vip(c)}/32 dev eth0",
        ),
    ),
    Mutation(
        "a client's ARP table has the BACKUP's MAC",
        "suites/ha/test_service.py::test_every_client_resolves_the_vip_to_the_master",
        "client1",
        lambda c: done(
            c.first_client.node,
            f"ip neigh replace {_vip(c)} lladdr {c.backup.mac()} nud permanent dev eth0",
            f"ip neigh del {_vip(c)} dev eth0",
        ),
    ),
    Mutation(
        "the directors' virtual_router_id differ",
        "suites/ha/test_service.py::test_only_the_master_advertises",
        "192.168.250.111",
        virtual_router_id_of_backup,
    ),
    Mutation(
        "advert_int is twice what the topology says",
        "suites/ha/test_service.py::test_adverts_come_every_advert_int",
        "2",
        advert_int_of_both,
    ),
    Mutation(
        "the stats page has another password",
        "suites/ha/test_service.py::test_stats_page_answers_with_the_password[master]",
        "401",
        lambda c: _haproxy(c, "s/(stats auth [^:]*:).*/\\1another/"),
    ),
    Mutation(
        "the stats page is open to admin:admin",
        "suites/ha/test_service.py::test_stats_page_refuses_without_the_password"
        "[master-('admin', 'admin')]",
        "200",
        lambda c: _haproxy(c, "s/stats auth .*/stats auth admin:admin/"),
    ),
    Mutation(
        "a firewall on the BACKUP keeps clients from HAProxy",
        "suites/ha/test_failover.py::test_backup_takes_over_when_the_master_loses_power",
        "inf",
        lambda c: done(
            c.backup.node,
            "nft add table ip mutation; "
            "nft 'add chain ip mutation in { type filter hook input priority 0; }'; "
            "nft add rule ip mutation in tcp dport 8081 drop",
            "nft delete table ip mutation",
        ),
    ),
    Mutation(
        "keepalived of the BACKUP is frozen",
        "suites/ha/test_failover.py::test_backup_takes_over_when_keepalived_is_killed",
        "not within",
        lambda c: done(
            c.backup.node,
            "systemctl kill -s STOP keepalived",
            "systemctl kill -s CONT keepalived",
        ),
    ),
)

# What a developer's every run can afford: about two seconds each.
FAST = MUTATIONS[:3] + MUTATIONS[5:6] + MUTATIONS[7:10] + MUTATIONS[12:14]
