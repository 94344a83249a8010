"""The fault catalogue on a real lab: what each does there, and that it takes it back."""

from __future__ import annotations

import errno
import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import requests

from halab import arp_table, faults, maintenance, wait, webserver
from halab.client import Client
from halab.cluster import Cluster
from halab.director import Director
from halab.errors import CommandFailed, LabError, Unreachable
from halab.faults import Fault, each_of, half_of
from halab.faults.clock import HOUR, ahead
from halab.faults.network import announce
from halab.haproxy import HAProxy
from halab.haproxy_stat import Status
from halab.lab import cgroup
from halab.lab.switch import Loss
from halab.node import Node
from halab.topology import VirtualMachine

pytestmark = [pytest.mark.slow, pytest.mark.disruptive]

# What a fault may have changed on a node: processes that stand still, rules, links, addresses,
# routes, files, sizes of filesystems, units.
PICTURE = """
ps -eo comm=,state= | grep -E '^(keepalived|haproxy|apache2) ' | sed 's/[SRD]$/runs/' | sort -u
nft list ruleset
{ ip -br link; ip -br -4 address; ip -4 route; } | sed 's/@if[0-9]*//' | tr -s ' '
find /etc/keepalived /etc/haproxy /etc/apache2 /run/systemd/system -type f | sort | xargs sha256sum
ls -A /run /var /dev/shm | grep -vE '^(mount|nologin)$' # libmount's notes, systemd's at boot
df --output=size /run /var
systemctl list-units --plain --no-legend --all 'halab-*' 'run-*' 2>&-
true
"""


@pytest.fixture(autouse=True)
def steady_around(cluster: Cluster) -> Iterator[None]:
    cluster.await_steady()
    yield
    cluster.await_steady()


@pytest.fixture
def director(cluster: Cluster) -> Director:
    """The one that clients do not notice."""
    return cluster.backup


@pytest.fixture
def haproxy(director: Director) -> HAProxy:
    return director.haproxy()


@pytest.fixture
def vm(cluster: Cluster) -> VirtualMachine:
    return cluster.backends[5]


@contextmanager
def inflicted(cluster: Cluster, fault: Fault, *nodes: Node) -> Iterator[None]:
    """The fault for the block; after it, and after another undoing, nodes are as before."""
    watched = nodes or (fault.deed.node,)
    before = [picture(cluster, node) for node in watched]
    with fault:
        yield
    print(fault)
    fault.undo()
    cluster.await_steady()
    for node, was in zip(watched, before, strict=True):
        assert picture(cluster, node) == was
    assert cluster.lab.journal.unmended() == ()


def picture(cluster: Cluster, node: Node) -> list[str]:
    """What a fault may have changed, on the node and in the lab that it is in."""
    seen = node.run(PICTURE).splitlines()
    for group in cgroup.groups(cluster.lab.name, node.name):
        if (group / "cgroup.events").exists():
            seen += (group / "cgroup.events").read_text().splitlines()
    return seen + switch_rules(cluster).splitlines()


def switch_rules(cluster: Cluster) -> str:
    """The switch's nft rules, with what they have counted."""
    owner = cluster.lab.rack
    assert owner is not None, "these tests need a lab of their own"
    rack = Path(f"/proc/{owner.pid}/task/{owner.pid}/children").read_text().strip()
    inside = ["nsenter", f"--net=/proc/{rack}/ns/net", "nft", "list", "ruleset"]
    return subprocess.run(inside, capture_output=True, text=True, check=True).stdout


def states(node: Node, program: str) -> set[str]:
    """The state letters of a program's processes, of ps(1); T is stopped."""
    return set(node.run("ps -C %s -o state= || true", program).split())


def become(what: str, holds: Callable[[], object], within: float = 10) -> None:
    wait.until(holds, what=what, within=within)


# -- keepalived and HAProxy ----------------------------------------------------------------------


def test_keepalived_stopped(cluster: Cluster, director: Director) -> None:
    with inflicted(cluster, faults.keepalived_stopped(director)):
        assert states(director.node, "keepalived") == set()


def test_keepalived_killed(cluster: Cluster, director: Director) -> None:
    with inflicted(cluster, faults.keepalived_killed(director)):
        become("it has died", lambda: states(director.node, "keepalived") == set(), 2)


def test_keepalived_frozen_advertises_no_more_and_keeps_the_vip(cluster: Cluster) -> None:
    with inflicted(cluster, faults.keepalived_frozen(cluster.master)):
        assert states(cluster.master.node, "keepalived") == {"T"}
        cluster.vip_reaches(cluster.backup).until(within=10)
        assert len(cluster.holders()) == 2


def test_what_does_not_run_is_not_killed(director: Director) -> None:
    """A unit without processes has no control group: nobody else's is taken for it."""
    with faults.keepalived_stopped(director):
        for verb in director.keepalived.unit.kill, director.keepalived.unit.freeze:
            with pytest.raises(CommandFailed):
                verb()
        assert states(director.node, "haproxy") == {"S"}


def test_flapping_moves_nothing_when_it_is_faster_than_vrrp(cluster: Cluster) -> None:
    fault = faults.flapping(cluster.backup, times=5, away=0.2, there=0.2)
    with cluster.backup.keepalived.logging() as log, inflicted(cluster, fault):
        assert states(cluster.backup.node, "keepalived") == {"S"}
    assert log.text.count("Starting Keepalived") == 5


def test_haproxy_stopped_stays_stopped(
    cluster: Cluster, director: Director, haproxy: HAProxy
) -> None:
    with inflicted(cluster, faults.haproxy_stopped(haproxy)):
        wait.passing(0.5)  # RestartSec is 0.1 s
        assert states(director.node, "haproxy") == set()


def test_haproxy_killed_comes_back_by_itself(
    cluster: Cluster, director: Director, haproxy: HAProxy
) -> None:
    before = haproxy.pid()
    with inflicted(cluster, faults.haproxy_killed(haproxy)):
        haproxy.replaces(before).until(within=10)


def test_haproxy_held_dead_does_not(cluster: Cluster, director: Director, haproxy: HAProxy) -> None:
    with inflicted(cluster, faults.haproxy_held_dead(haproxy)):
        wait.passing(0.5)
        assert states(director.node, "haproxy") == set()
    before = haproxy.pid()
    haproxy.kill()  # and now its unit starts it again
    haproxy.replaces(before).until(within=10)


def test_haproxy_frozen_takes_connections_and_answers_nobody(
    cluster: Cluster, director: Director, haproxy: HAProxy
) -> None:
    port = cluster.topology.haproxy.stats.port
    with inflicted(cluster, faults.haproxy_frozen(haproxy)):
        assert states(director.node, "haproxy") == {"T"}
        assert webserver.accepts(director.node.address, port)
        with pytest.raises(requests.ReadTimeout):
            webserver.get(director.node.address, port, within=0.3)


# -- a whole director ----------------------------------------------------------------------------


def test_powered_off(cluster: Cluster, director: Director) -> None:
    with inflicted(cluster, faults.powered_off(cluster, director)):
        assert cluster.lab.status()[director.name] == "off"
        with pytest.raises(Unreachable):
            director.node.run("true")


def test_director_frozen_serves_nobody(cluster: Cluster, director: Director) -> None:
    """Ping is answered by the kernel: by this host's, which goes on, and not by one of its own."""
    pings = "ping -c 1 -W 1 %s"
    with inflicted(cluster, faults.director_frozen(cluster, director)):
        answered = cluster.first_client.node.ask(pings, str(director.node.address)).rc == 0
        assert answered != cluster.lab.has_own_kernel(director.name)
        with pytest.raises(Unreachable):
            director.node.run("true")


def test_cpu_starved_has_its_share_and_no_more(cluster: Cluster, director: Director) -> None:
    """A busy loop has the share, all else on the director included, and far more of a CPU after."""
    spin = "import time; t = time.monotonic()\nwhile time.monotonic() - t < 1: pass\n"

    def had() -> float:
        """Of one CPU, as the host's kernel counts it."""
        began, before = wait.clock(), cluster.lab.cpu_time(director.name)
        director.node.run("python3 -", stdin=spin)
        return (cluster.lab.cpu_time(director.name) - before) / (wait.clock() - began)

    with inflicted(cluster, faults.cpu_starved(cluster, director, share=0.05)):
        assert 0.025 < had() < 0.06
    assert had() > 0.2


@pytest.mark.parametrize("folder", ["/run", "/var"])
def test_disk_full(cluster: Cluster, director: Director, folder: str) -> None:
    node = director.node
    with inflicted(cluster, faults.disk_full(node, folder)):
        with pytest.raises(CommandFailed, match=os.strerror(errno.ENOSPC)):
            node.run("head -c 8192 /dev/zero > %s", f"{folder}/more")
        node.run("rm -f %s", f"{folder}/more")
    node.run("head -c 8192 /dev/zero > %s && rm %s", *[f"{folder}/more"] * 2)


def test_disk_without_end_is_never_filled(
    director: Director, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("halab.faults.disk.MOST", 1 << 20)
    with (
        pytest.raises(LabError, match="give it a filesystem"),
        faults.disk_full(director.node, "/var"),
    ):
        pytest.fail("filled")
    assert director.node.ask("test -e /var/.full").rc == 1


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
def test_clock_jumped(cluster: Cluster, director: Director, seconds: float) -> None:
    node = director.node
    if not cluster.lab.has_own_kernel(node.name):
        with pytest.raises(LabError, match="this host's kernel"):
            faults.clock_jumped(cluster, node, seconds)
        return
    before = ahead(node)[1]
    with inflicted(cluster, faults.clock_jumped(cluster, node, seconds)):
        assert ahead(node)[1] - before == pytest.approx(seconds, abs=0.1)
    assert ahead(node)[1] == pytest.approx(before, abs=0.1)


# -- NICs, cables and the LAN --------------------------------------------------------------------


def test_nic_down(cluster: Cluster, director: Director) -> None:
    with inflicted(cluster, faults.nic_down(cluster, director)):
        with pytest.raises(Unreachable):
            director.node.run("true")
        client = cluster.first_client.node
        assert client.ask("ping -c 1 -W 1 %s", str(director.node.address)).rc != 0


def test_nic_comes_up_by_itself(
    cluster: Cluster, director: Director, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster.lab, "nic_down_lasts", 1)
    node = director.node
    before = picture(cluster, node)
    with faults.nic_down(cluster, director):
        become("its own timer brings it up", partial(webserver.accepts, node.address, 22, 0.1), 4)
    cluster.await_steady()
    assert picture(cluster, node) == before


def test_port_down(cluster: Cluster, director: Director) -> None:
    with inflicted(cluster, faults.port_down(cluster, director)), pytest.raises(Unreachable):
        director.node.run("true")


def reaches(one: Node, other: Node) -> bool:
    return one.ask("ping -c 1 -W 0.3 %s", str(other.address)).rc == 0


def test_cut_off_from_each_other_only(cluster: Cluster) -> None:
    """Both are MASTER soon, and both are there for clients."""
    master, backup = cluster.master.node, cluster.backup.node
    with inflicted(cluster, faults.cut_off(cluster), master, backup):
        client = cluster.first_client.node
        assert not reaches(master, backup)
        assert reaches(client, master)
        assert reaches(client, backup)
        become("two holders", lambda: len(cluster.holders()) == 2)
        assert "counter packets 0" not in switch_rules(cluster)


def test_deaf_to_the_other_who_hears_it(cluster: Cluster) -> None:
    """Neighbours are known for as long as it lasts, so that a ping's own way is seen."""
    master, backup = cluster.master.node, cluster.backup.node
    with inflicted(cluster, faults.deaf_to(cluster, cluster.backup, cluster.master), backup):
        cluster.vip_reaches(cluster.backup).until(within=10)
        heard = master.record(
            f"timeout 5 tcpdump -n -c 1 -i eth0 -w - vrrp and src {backup.address}"
        )
        heard.await_said("listening on", within=5)
        become("the MASTER hears it", lambda: reaches(cluster.first_client.node, master))
        wait.passing(1.2)  # an advert interval
        assert len(heard.finish()) > 24  # more than the header of a capture


def pings_through(cluster: Cluster, loss: Loss, count: int, every: float) -> int:
    """How many of the MASTER's pings to the BACKUP are answered while the switch loses some."""
    cluster.lab.lose(loss)
    try:
        said = cluster.master.node.ask(
            f"ping -q -i {every} -W 0.1 -c {count} %s", str(cluster.backup.node.address)
        )
    finally:
        cluster.lab.lose_no_more(loss)
    return int(re.search(r"(\d+) received", said.stdout)[1])


def test_adverts_lost_at_random(cluster: Cluster) -> None:
    """An advert comes once a second: the share is seen of pings, which the same rule loses."""
    pings = Loss(cluster.master.name, cluster.backup.name, "icmp", 30)
    loss = partial(faults.adverts_lost, cluster)
    with inflicted(cluster, loss(100)):
        cluster.vip_reaches(cluster.backup).until(within=10)
        assert reaches(cluster.backup.node, cluster.master.node)
    with inflicted(cluster, loss(30)):
        assert "numgen random mod 100 < 30" in switch_rules(cluster)
        become("one is lost", lambda: "counter packets 0" not in switch_rules(cluster), 30)
    received = pings_through(cluster, pings, count=400, every=0.002)
    assert 235 < received < 325  # 280, give or take five standard deviations


def test_adverts_lost_in_a_row_are_the_next_ones(cluster: Cluster) -> None:
    """Seen of pings, which the same rule loses: so many, and none after them."""
    pings = Loss(cluster.master.name, cluster.backup.name, "icmp", first=3)
    with inflicted(cluster, faults.adverts_lost_in_a_row(cluster, 3)):
        assert "< 3 counter" in switch_rules(cluster)
    assert pings_through(cluster, pings, count=20, every=0.01) == 17


@pytest.mark.parametrize("announced", [True, False])
def test_duplicate_vip(cluster: Cluster, announced: bool) -> None:
    """The other client follows an announcement, and is led back when it is over."""
    vip, master = cluster.vip, cluster.master
    intruder, other = (Client(node) for node in list(cluster.clients.values())[:2])
    assert other.neighbour(vip) == master.mac()
    own = intruder.node.run("cat /sys/class/net/eth0/address").strip()
    fault = faults.duplicate_vip(cluster, intruder, announced=announced)
    with inflicted(cluster, fault):
        assert f"{vip}/32" in intruder.node.run("ip -4 address show dev eth0")
        seen = arp_table.entry(other.node, vip)
        assert seen == (own if announced else master.mac())
        if not announced:  # who is led astray by an answer is led back too
            announce(intruder.node, vip)
            assert arp_table.entry(other.node, vip) == own
    assert arp_table.entry(other.node, vip) == master.mac()


# -- web VMs -------------------------------------------------------------------------------------


def answer(cluster: Cluster, vm: VirtualMachine, within: float = 0.5) -> object:
    """The status of the VM's page, or the kind of error that was had in its place."""
    try:
        return webserver.get(vm.address, cluster.topology.webserver.port, within=within).status
    except requests.RequestException as error:
        return type(error)


def test_apache_killed_refuses(cluster: Cluster, vm: VirtualMachine) -> None:
    with inflicted_vm(cluster, faults.apache_killed(cluster, vm), vm):
        assert answer(cluster, vm) is requests.ConnectionError


@contextmanager
def inflicted_vm(cluster: Cluster, fault: Fault, vm: VirtualMachine) -> Iterator[None]:
    """The fault for the block; after it, and another undoing, the VM serves as before."""
    assert answer(cluster, vm) == 200
    before = vm_picture(cluster, vm)
    with fault:
        yield
    print(fault)
    fault.undo()
    cluster.serves([vm]).until(within=10)
    assert answer(cluster, vm) == 200
    assert vm_picture(cluster, vm) == before
    assert cluster.lab.journal.unmended() == ()


def vm_picture(cluster: Cluster, vm: VirtualMachine) -> str:
    return cluster.vm(vm.name).run(
        "ps -C apache2 -o state= | sort -u | sed s/[SRD]/runs/; find /etc/apache2 -type f | sort | "
        "xargs sha256sum; ls /run"
    ) + cluster.servers[vm.server].run(f"nsenter --net=/run/netns/{vm.name} nft list ruleset")


def test_apache_frozen_takes_connections_and_answers_nobody(
    cluster: Cluster, vm: VirtualMachine
) -> None:
    with inflicted_vm(cluster, faults.apache_frozen(cluster, vm), vm):
        assert answer(cluster, vm) is requests.ReadTimeout


def test_answering_500(cluster: Cluster, vm: VirtualMachine) -> None:
    with inflicted_vm(cluster, faults.answering(cluster, vm, 500), vm):
        assert [answer(cluster, vm) for _ in range(10)] == [500] * 10


def test_refusing_with_apache_alive(cluster: Cluster, vm: VirtualMachine) -> None:
    with inflicted_vm(cluster, faults.refusing(cluster, vm), vm):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((str(vm.address), 80), 0.5)
        assert cluster.web_server(vm.name).workers()


@pytest.mark.parametrize("page", ["/index.html", "/index.php"])
def test_slow(cluster: Cluster, vm: VirtualMachine, page: str) -> None:
    """Two requests at once take as long as one: each has a worker of its own."""
    with inflicted_vm(cluster, faults.slow(cluster, vm, 0.5), vm):
        began = wait.clock()
        paths = f"http://{vm.address}{page} " * 2
        cluster.first_client.node.run(f"curl -sf --parallel --parallel-immediate {paths}")
        assert 0.5 <= wait.clock() - began < 0.95


def test_vm_off_is_silent(cluster: Cluster, vm: VirtualMachine) -> None:
    with inflicted_vm(cluster, faults.vm_off(cluster, vm), vm):
        assert answer(cluster, vm, 0.3) in (requests.ConnectTimeout, requests.ConnectionError)
        assert not webserver.accepts(vm.address, 22)


def test_server_off(cluster: Cluster) -> None:
    server = list(cluster.servers)[-1]
    fault = faults.server_off(cluster, server)
    with fault:
        assert cluster.lab.status()[server] == "off"
    fault.undo()
    cluster.serves(cluster.backends).until(within=30)
    print(fault)


@pytest.mark.parametrize("part", ["half", "all"])
def test_backends_together(cluster: Cluster, part: str) -> None:
    chosen = half_of(cluster.backends) if part == "half" else cluster.backends
    gone = each_of(chosen, partial(faults.apache_killed, cluster))
    left = [vm.name for vm in cluster.backends if vm not in chosen]

    def serving() -> list[str]:
        return [vm.name for vm in cluster.backends if webserver.accepts(vm.address, 80)]

    assert serving() == [vm.name for vm in cluster.backends]
    with gone:
        # the last of them is being killed still
        become("only the others serve", lambda: serving() == left, within=1)
    print(gone, gone.faults[0])
    gone.undo()
    cluster.serves(cluster.backends).until(within=10)


# -- planned work --------------------------------------------------------------------------------


def test_haproxy_reloaded(cluster: Cluster, haproxy: HAProxy) -> None:
    before = haproxy.pid()
    with inflicted(cluster, maintenance.haproxy_reloaded(haproxy, times=3)):
        assert haproxy.pid() != before


def test_keepalived_reloaded(cluster: Cluster, director: Director) -> None:
    work = maintenance.keepalived_reloaded(director)
    with director.keepalived.logging() as log, inflicted(cluster, work):
        pass
    assert "Reloading" in log.text


def test_master_rebooted(cluster: Cluster) -> None:
    before = maintenance.boot(cluster.master.node)
    with inflicted(cluster, maintenance.rebooted(cluster, cluster.master)):
        assert maintenance.boot(cluster.master.node) != before


@pytest.mark.parametrize(
    ("work", "status"),
    [(maintenance.drained, Status.DRAIN), (maintenance.in_maintenance, Status.MAINT)],
)
def test_backend_in_state(
    cluster: Cluster,
    vm: VirtualMachine,
    work: Callable[[Cluster, VirtualMachine], Fault],
    status: Status,
) -> None:
    """On both directors; and no request comes to it."""
    backend = cluster.topology.haproxy.backend
    with inflicted(cluster, work(cluster, vm)):
        for director in cluster.directors.values():
            assert director.haproxy().servers(backend)[vm.name].status is status
        served = {webserver.get(cluster.vip, cluster.ports[0]).served_by for _ in cluster.backends}
        assert len(served) == len(cluster.backends) - 1
        assert vm.name not in served


def test_priority_changed_moves_the_vip(cluster: Cluster) -> None:
    most = cluster.topology.master.priority + 1
    fault = maintenance.priority_changed(cluster.backup, most)
    with inflicted(cluster, fault, cluster.backup.node):
        cluster.vip_on(cluster.backup).until(within=10)
        assert cluster.backup.keepalived.instance().priority == most
