"""HAProxy that is not as its topology has it: its file, its unit, who asks it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from halab.cluster import Cluster
from halab.director import Director
from halab.wait import Condition
from tests.mutations.breakage.node import Break, done, edited, meanwhile, unit_with


def cfg(cluster: Cluster, expression: str, process: int = 1) -> Break:
    """Its configuration edited, and taken over."""
    haproxy = cluster.master.haproxy(process)
    return edited(haproxy.node, haproxy.config, expression, haproxy.reload)


def backup_cfg(cluster: Cluster, expression: str) -> Break:
    """The configuration of the BACKUP's HAProxy edited, and taken over."""
    haproxy = cluster.backup.haproxy()
    return edited(haproxy.node, haproxy.config, expression, haproxy.reload)


def peers_apart(cluster: Cluster) -> Break:
    """The MASTER listens for its peer, and looks for it, where the other does neither."""
    return cfg(cluster, "s/( peer .*:)1234$/\\11299/")


@contextmanager
def unchecked(cluster: Cluster, vm: str) -> Iterator[None]:
    """A server without a check; all the others are UP by theirs."""
    haproxy, backend = cluster.master.haproxy(), cluster.topology.haproxy.backend
    with cfg(cluster, f"s/(server {vm} .*) check port [0-9]+/\\1/"):
        others = {other.name for other in cluster.backends} - {vm}
        Condition("the others are UP", lambda: haproxy.healthy(backend) == others).until(within=30)
        yield


@contextmanager
def shared_admin_socket(cluster: Cluster) -> Iterator[None]:
    """Process 2 has taken the socket of process 1; both start anew to have one each again."""
    node = cluster.master.node
    try:
        with cfg(cluster, "s/HAProxy([0-9]+)2.sock/HAProxy\\11.sock/", process=2):
            yield
    finally:
        # a worker that ends late takes the socket's name with it, whosever it is by then
        node.run("systemctl stop haproxy@1 haproxy@2; systemctl start haproxy@1 haproxy@2")


@contextmanager
def unlike_its_file(cluster: Cluster, expression: str) -> Iterator[None]:
    """It runs an edited configuration, and budgets are made from the one that it should run."""
    haproxy = cluster.master.haproxy()
    before = haproxy.node.read(haproxy.config)
    with cfg(cluster, expression):
        haproxy.node.put(haproxy.config, before, 0o600)
        yield


@contextmanager
def weighted(cluster: Cluster, vms: list[str], weight: int, process: int = 1) -> Iterator[None]:
    """These VMs get this many times the requests of any other."""
    haproxy, backend = cluster.master.haproxy(process), cluster.topology.haproxy.backend
    try:
        said = haproxy.tell("; ".join(f"set server {backend}/{vm} weight {weight}" for vm in vms))
        assert not said.strip(), said  # of a server that it has not it says that, and succeeds
        yield
    finally:
        haproxy.tell("; ".join(f"set server {backend}/{vm} weight 1" for vm in vms))


@contextmanager
def moved(cluster: Cluster, process: int, cpus: frozenset[int]) -> Iterator[None]:
    """A process moved to other CPUs than its unit says; an empty set is any."""
    haproxy = cluster.master.haproxy(process)
    try:
        haproxy.place(cpus)
        yield
    finally:
        haproxy.place(frozenset().union(*cluster.cpus_by_thread(process)))


def unit_of(director: Director, process: int, settings: str) -> Break:
    """The unit of a HAProxy process with other settings."""
    return unit_with(director.haproxy(process).unit, settings)


@contextmanager
def forgotten_haproxy(cluster: Cluster) -> Iterator[None]:
    """A second one beside the MASTER's, on the same ports, of which nobody knows the socket."""
    haproxy, forgotten = cluster.master.haproxy(), "/etc/haproxy/forgotten.cfg"
    node, unit = haproxy.node, "mutation-forgotten"
    started = (
        f"sed 's#^ *stats socket [^ ]*#    stats socket /run/haproxy/forgotten.sock#' "
        f"{haproxy.config} > {forgotten} && chmod 600 {forgotten} && "
        f"systemd-run --quiet --collect --unit={unit} haproxy -db -f {forgotten}"
    )
    own = haproxy.listeners()
    with done(node, started, f"systemctl --quiet stop {unit}; rm -f {forgotten}"):
        Condition("the forgotten one listens", lambda: haproxy.listeners() - own).until(within=10)
        yield


def asked_by_somebody_else(cluster: Cluster) -> Break:
    """A client's second generator, of which nobody knows: a request at a time, on one port."""
    url = f"http://{cluster.vip}:{cluster.ports[0]}/index.html"
    return meanwhile(cluster.first_client.node, f"exec ab -q -k -c 1 -t 60 -n 1000000 {url}")


def served_by_the_first(cluster: Cluster) -> Break:
    """What comes for the second process's port is handed to the first."""
    node, (first, second, *_) = cluster.master.node, cluster.ports
    rule = f"ip daddr {cluster.vip} tcp dport {second} dnat to {cluster.vip}:{first}"
    return done(
        node,
        "nft 'add table ip mutation; "
        "add chain ip mutation c { type nat hook prerouting priority dstnat; }; "
        f"add rule ip mutation c {rule}'",
        "nft delete table ip mutation",
    )


@contextmanager
def other_port_after_restart(cluster: Cluster) -> Iterator[None]:
    """The last process's file has another port, which it finds when it starts again."""
    haproxy = cluster.master.haproxy(cluster.processes[-1])
    with edited(haproxy.node, haproxy.config, "s/(bind .*:)8082$/\\18083/", lambda: None):
        yield
    haproxy.reload()


def closed_after_a_death(director: Director) -> Break:
    """Its firewall drops what comes for a dead HAProxy, and for four seconds after its return."""
    table = "add table ip mutation; add chain ip mutation c { type filter hook input priority 0; }"
    return meanwhile(
        director.node,
        "while pgrep -x haproxy; do sleep 0.1; done; "
        f"nft '{table}; add rule ip mutation c tcp dport 8081-8084 drop'; "
        f"until systemctl --quiet is-active {director.haproxy().unit.name}; do sleep 0.1; done; "
        "sleep 4; nft delete table ip mutation",
        "nft delete table ip mutation 2>/dev/null; true",
    )


def stopped_again_after_a_death(director: Director) -> Break:
    """A tenth of a second after its return somebody stops it once more, for a second and a half."""
    unit = director.haproxy().unit.name
    return meanwhile(
        director.node,
        "while pgrep -x haproxy; do sleep 0.05; done; "
        f"until systemctl --quiet is-active {unit}; do sleep 0.05; done; "
        f"sleep 0.1; systemctl stop {unit}; sleep 1.5; systemctl start {unit}",
        f"systemctl start {unit}",
    )


@contextmanager
def queue_of_sixteen(cluster: Cluster) -> Iterator[None]:
    """The MASTER's kernel keeps 16 half-open connections to a port, and sends no cookies."""
    with (
        done(
            cluster.master.node,
            "sysctl -q -w net.ipv4.tcp_syncookies=0",
            "sysctl -q -w net.ipv4.tcp_syncookies=1",
        ),
        started_anew(cluster.master, "s/^( +bind [0-9.]+:[0-9]+)$/\\1 backlog 16/"),
    ):
        yield


def started_anew(director: Director, expression: str) -> Break:
    """Its HAProxy with an edited configuration: a reload hands sockets over as they are."""
    haproxy = director.haproxy()

    def start() -> None:
        haproxy.node.run("systemctl restart %s", haproxy.unit.name)

    return edited(haproxy.node, haproxy.config, expression, start)
