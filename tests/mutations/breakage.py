"""Ways to break a cluster that the fault catalogue has not, each with its way back."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING
from unittest import mock

from halab import arp_table, tracking
from halab.cluster import Cluster
from halab.director import Director
from halab.faults import apache_killed, cable_out
from halab.hypervisor import libvirt
from halab.hypervisor.libvirt import LibvirtHypervisor
from halab.keepalived import CONFIG, FIREWALL, UNIT
from halab.lab.embedded import EmbeddedLab
from halab.lab.switch import Loss
from halab.nic import Nic
from halab.nic_state import State
from halab.node import Node
from halab.steering import Steering
from halab.topology import VirtualMachine
from halab.unit import Unit
from halab.wait import Condition

if TYPE_CHECKING:
    # imported first by pytest, which rewrites its assertions
    from fixtures.platforms import Platforms

Break = AbstractContextManager[None]


@contextmanager
def done(node: Node, command: str, undo: str) -> Iterator[None]:
    """A command on a node, and the one that takes it back."""
    try:
        node.run(command)
        yield
    finally:
        node.run(undo)


def meanwhile(node: Node, script: str, undo: str = "true") -> Break:
    """A script that the node runs by itself while the test goes on."""
    unit = "mutation-meanwhile"
    return done(
        node,
        f"systemd-run --quiet --collect --unit={unit} sh -c {shlex.quote(script)}",
        f"systemctl --quiet stop {unit} 2>/dev/null; {undo}",
    )


@contextmanager
def edited(node: Node, path: str, expression: str, tell: Callable[[], object]) -> Iterator[None]:
    """The file changed by a sed expression and its program told; put back at the end."""
    before = node.read(path)
    try:
        node.run("sed -i -E %s %s", expression, path)
        assert node.read(path) != before, f"{expression} changes nothing in {path}"
        tell()
        yield
    finally:
        node.put(path, before, 0o600)
        tell()


# -- HAProxy of the MASTER -----------------------------------------------------------------------


def haproxy_cfg(cluster: Cluster, expression: str, process: int = 1) -> Break:
    """Its configuration edited, and taken over."""
    haproxy = cluster.master.haproxy(process)
    return edited(haproxy.node, haproxy.config, expression, haproxy.reload)


def backup_cfg(cluster: Cluster, expression: str) -> Break:
    """The configuration of the BACKUP's HAProxy edited, and taken over."""
    haproxy = cluster.backup.haproxy()
    return edited(haproxy.node, haproxy.config, expression, haproxy.reload)


def peers_apart(cluster: Cluster) -> Break:
    """The MASTER listens for its peer, and looks for it, where the other does neither."""
    return haproxy_cfg(cluster, "s/( peer .*:)1234$/\\11299/")


@contextmanager
def unchecked(cluster: Cluster, vm: str) -> Iterator[None]:
    """A server without a check; all the others are UP by theirs."""
    haproxy, backend = cluster.master.haproxy(), cluster.topology.haproxy.backend
    with haproxy_cfg(cluster, f"s/(server {vm} .*) check port [0-9]+/\\1/"):
        others = {other.name for other in cluster.backends} - {vm}
        Condition("the others are UP", lambda: haproxy.healthy(backend) == others).until(within=30)
        yield


@contextmanager
def shared_admin_socket(cluster: Cluster) -> Iterator[None]:
    """Process 2 has taken the socket of process 1; both start anew to have one each again."""
    node = cluster.master.node
    try:
        with haproxy_cfg(cluster, "s/HAProxy([0-9]+)2.sock/HAProxy\\11.sock/", process=2):
            yield
    finally:
        # a worker that ends late takes the socket's name with it, whosever it is by then
        node.run("systemctl stop haproxy@1 haproxy@2; systemctl start haproxy@1 haproxy@2")


@contextmanager
def haproxy_unlike_its_file(cluster: Cluster, expression: str) -> Iterator[None]:
    """It runs an edited configuration, and budgets are made from the one that it should run."""
    haproxy = cluster.master.haproxy()
    before = haproxy.node.read(haproxy.config)
    with haproxy_cfg(cluster, expression):
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


@contextmanager
def unit_with(unit: Unit, settings: str) -> Iterator[None]:
    """A unit with other settings; it runs again at the end, whatever they made of it."""
    place = f"/etc/systemd/system/{unit.name}.d/mutation.conf"
    undo = f"rm {place}; systemctl daemon-reload; systemctl start {unit.name}"
    unit.node.put(place, settings + "\n")
    with done(unit.node, "systemctl daemon-reload", undo):
        yield


def unit_of(director: Director, process: int, settings: str) -> Break:
    """The unit of a HAProxy process with other settings."""
    return unit_with(director.haproxy(process).unit, settings)


@contextmanager
def not_at_boot(unit: Unit) -> Iterator[None]:
    """A unit that runs, and that the next boot does not start."""
    link = f"/etc/systemd/system/multi-user.target.wants/{unit.name}"
    there = unit.node.run("readlink %s", link).strip()
    put = f"ln -sf {there} {link}; systemctl daemon-reload; systemctl start {unit.name}"
    with done(unit.node, f"rm {link}", put):
        yield


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
def sysctl(director: Director, name: str, value: int) -> Iterator[None]:
    """A kernel setting of a director's network."""
    before = director.node.run("sysctl -n %s", name).strip()
    put = "sysctl -q -w {}={}".format
    with done(director.node, put(name, value), put(name, before)):
        yield


@contextmanager
def short_of_backlog(cluster: Cluster) -> Iterator[None]:
    """RPS takes all packets to one CPU, whose backlog has room for one of them."""
    node = cluster.master.node
    masks = f"/sys/class/net/{node.nic}/queues/rx-*/rps_cpus"
    steered, unsteered = (f"for q in {masks}; do echo {m} > $q; done" for m in ("2", "0"))
    with done(node, steered, unsteered), sysctl(cluster.master, "net.core.netdev_max_backlog", 1):
        yield


@contextmanager
def other_port_after_restart(cluster: Cluster) -> Iterator[None]:
    """The last process's file has another port, which it finds when it starts again."""
    haproxy = cluster.master.haproxy(cluster.processes[-1])
    with edited(haproxy.node, haproxy.config, "s/(bind .*:)8082$/\\18083/", lambda: None):
        yield
    haproxy.reload()


@contextmanager
def interrupted_on(director: Director, cpu: int) -> Iterator[None]:
    """The receive interrupts of its NIC on another CPU."""
    nic = Nic(director.node)
    before = nic.state()
    irqs = [
        replace(irq, smp_affinity=frozenset({cpu}) if irq.receives else irq.smp_affinity)
        for irq in before.irqs
    ]
    try:
        nic.bring(replace(before, irqs=tuple(irqs)))
        yield
    finally:
        nic.bring(before)


def interrupts_crowded() -> Break:
    """Once a test has placed a NIC's interrupts, the second goes to the CPU of the first."""

    def crowded(state: State) -> State:
        first, second, *_ = state.receive_irqs
        moved = replace(second, smp_affinity=first.smp_affinity)
        irqs = tuple(moved if irq == second else irq for irq in state.irqs)
        return replace(state, irqs=irqs)

    return steered_otherwise(crowded)


def packets_steered_on(cpu: int) -> Break:
    """Once a test has placed a NIC's interrupts, RPS takes the packets of all queues elsewhere."""

    def steered_on(state: State) -> State:
        queues = [replace(queue, rps_cpus=frozenset({cpu})) for queue in state.queues]
        return replace(state, queues=tuple(queues))

    return steered_otherwise(steered_on)


@contextmanager
def steered_otherwise(change: Callable[[State], State]) -> Iterator[None]:
    """Whatever a test steers is changed on the node as soon as it has been."""
    steered = Nic.steered

    @contextmanager
    def otherwise(nic: Nic, steering: Steering) -> Iterator[State]:
        with steered(nic, steering) as wanted:
            try:
                nic.change(wanted, change(wanted))
                yield wanted
            finally:
                nic.change(change(wanted), wanted)

    with mock.patch.object(Nic, "steered", otherwise):
        yield


@contextmanager
def apache_dead(cluster: Cluster) -> Iterator[None]:
    """One web server killed, and held for DOWN."""
    vm = cluster.backends[3]
    with apache_killed(cluster, vm):
        cluster.down([vm]).until(within=30)
        yield


def web_server_with(cluster: Cluster, vm: str, change: str, undo: str) -> Break:
    """The web server of a VM stopped, something changed, and started again."""
    server = cluster.web_server(vm)
    pid = server.pid_file
    stop = f"kill $(cat {pid}) && while [ -e {pid} ]; do sleep 0.05; done"
    first, last = (f"{stop}; {deed} && {server.by_itself}" for deed in (change, undo))
    return done(server.node, first, last)


@contextmanager
def servlet_with(cluster: Cluster, vm: str, expression: str, undo: str) -> Iterator[None]:
    """The servlet of a VM edited, and its Tomcat started anew; nothing is tested before it serves.

    Tomcat leaves its PID file behind.
    """
    server = cluster.web_server(vm)
    serving = cluster.serves([its for its in cluster.backends if its.name == vm])
    stop = f"p=$(cat {server.pid_file}); kill $p; while kill -0 $p 2>&-; do sleep 0.05; done"
    first, last = (
        f"{stop}; sed -i '{edit}' /var/lib/tomcat10/webapps/ROOT/pi.jsp && {server.by_itself}"
        for edit in (expression, undo)
    )
    with done(server.node, first, last):
        serving.until(within=30)
        yield


# -- keepalived ----------------------------------------------------------------------------------


@contextmanager
def keepalived_conf(director: Director, expression: str, *then: Condition) -> Iterator[None]:
    """Its configuration edited and keepalived started anew; these conditions follow."""

    with edited(director.node, CONFIG, expression, director.keepalived.restart):
        for condition in then:
            condition.until(within=30)
        yield


@contextmanager
def keepalived_unlike_its_file(
    director: Director, expression: str, *then: Condition
) -> Iterator[None]:
    """It runs an edited configuration, and budgets are made from the one that it should run."""
    before = director.node.read(CONFIG)
    with keepalived_conf(director, expression, *then):
        director.node.put(CONFIG, before, 0o600)
        yield


@contextmanager
def backup_of_one_advert(cluster: Cluster) -> Iterator[None]:
    """The BACKUP waits for one advert, where its file says three, and announces itself to nobody.

    Clients that it told of itself would be its own until the MASTER's next announcement.
    """
    one = "s/( *)priority 100/&\\n\\1down_timer_adverts 1/"
    master = cluster.vip_on(cluster.master)
    with (
        without_gratuitous_arp(cluster, cluster.backup),
        keepalived_unlike_its_file(cluster.backup, one, master),
    ):
        yield


@contextmanager
def left_in_keepalived_conf(director: Director, expression: str) -> Iterator[None]:
    """Its file edited, which keepalived finds when it reads it the next time."""
    with edited(director.node, CONFIG, expression, lambda: None):
        yield
    director.keepalived.reload()


@contextmanager
def reloaded_to_track_processes(cluster: Cluster) -> Iterator[None]:
    """The MASTER's keepalived tracked none when it started, and has been told to by a reload."""
    director = cluster.master
    without = "/^vrrp_track_process/,/^}/d; /^    track_process/,/^    }/d"
    with keepalived_unlike_its_file(director, without, cluster.vip_on(director)):
        director.keepalived.reload()
        yield


def nopreempt(director: Director) -> Break:
    """It keeps the VIP that it has, and would not take it from another."""
    change = "s/state MASTER/state BACKUP\\n    nopreempt/"
    return edited(director.node, CONFIG, change, director.keepalived.reload)


def tracking_haproxy(director: Director) -> Break:
    """It looks whether there is a HAProxy, and gives the VIP away when there is none."""
    script = 'vrrp_script mutation {\\n    script "/usr/bin/pgrep haproxy"\\n}'
    tracked = "track_script {\\n    mutation\\n}"
    change = f"s#^vrrp_instance#{script}\\n&#; s#track_interface#{tracked}\\n&#"
    return edited(director.node, CONFIG, change, director.keepalived.reload)


def executable(director: Director) -> None:
    """keepalived's script may be run, whoever has edited it."""
    director.node.run("chmod 755 %s", tracking.SCRIPT)


@contextmanager
def advert_int_doubled(cluster: Cluster) -> Iterator[None]:
    """Both directors alike: the one that hears another advert_int than its own discards it."""
    change = "s/advert_int .*/advert_int 2/"
    with (
        keepalived_conf(cluster.backup, change),
        keepalived_conf(cluster.master, change, cluster.vip_on(cluster.master)),
    ):
        yield


@contextmanager
def ipvs_told_otherwise(
    cluster: Cluster, director: Director, expression: str, *, but: str = ""
) -> Iterator[None]:
    """keepalived edited where it tells IPVS; every web VM is served then, ``but`` that one.

    Budgets are made from the file that it should have.
    """
    served = [vm for vm in cluster.backends if vm.name != but]
    told = director.ipvs.sends_to(cluster.vip, cluster.ports[0], served)
    with keepalived_unlike_its_file(director, expression, told, cluster.vip_on(cluster.master)):
        yield


def barred_once_sent_nothing(cluster: Cluster, vm: VirtualMachine) -> Break:
    """The MASTER's own firewall lets no check of a VM out once IPVS sends it nothing."""
    rule = f"ip daddr {vm.address} tcp dport 80 drop"
    entry = f"-> {int(vm.address):08X}:0050"
    return meanwhile(
        cluster.master.node,
        f"while grep -q -e '{entry}' /proc/net/ip_vs; do sleep 0.1; done; nft 'add table ip "
        "mutation; add chain ip mutation c { type filter hook output priority 0; }; "
        f"add rule ip mutation c {rule}'",
        "nft delete table ip mutation 2>/dev/null; true",
    )


@contextmanager
def cable_out_before(cluster: Cluster, director: Director, cable: int) -> Iterator[None]:
    """One cable of a director is out already, and its bond knows."""
    port = f"port{cable}"
    with cable_out(cluster, director, cable):
        Condition(f"{port} has no carrier", lambda: not director.bond.state().ports[port]).until(
            within=10
        )
        yield


def second_port_closed_at_first(director: Director) -> Break:
    """What a bond sends by its second port is dropped for two seconds from the first frame on."""
    table, chain = "netdev mutation", "type filter hook egress device port2 priority 0"
    return meanwhile(
        director.node,
        "until grep -q 'Active Slave: port2' /proc/net/bonding/eth0; do sleep 0.02; done; "
        f"nft 'add table {table}; add chain {table} c {{ {chain}; policy drop; }}'; sleep 2; "
        f"nft delete table {table}",
        f"nft delete table {table} 2>/dev/null; true",
    )


def both_masters(
    cluster: Cluster, expression: str = "s/virtual_router_id .*/virtual_router_id 12/"
) -> Break:
    """The BACKUP's configuration edited so that it takes no advert of the MASTER's for one.

    Unless told otherwise, it is put in a virtual router of its own.
    """
    return keepalived_conf(cluster.backup, expression, _both_hold_the_vip(cluster))


@contextmanager
def adverts_dropped(cluster: Cluster) -> Iterator[None]:
    """A firewall on the BACKUP that keeps the MASTER's adverts from it."""
    with nft(cluster.backup.node, "ip", "input", "ip protocol 112 drop"):
        _both_hold_the_vip(cluster).until(within=30)
        yield


def _both_hold_the_vip(cluster: Cluster) -> Condition:
    return Condition("both directors hold the VIP", lambda: len(cluster.holders()) == 2)


@contextmanager
def frozen_for(director: Director, seconds: float) -> Iterator[None]:
    """keepalived stopped in its tracks, and let go on after so many seconds."""
    thaw = f"systemctl kill -s CONT {UNIT}"
    with meanwhile(director.node, f"sleep {seconds:g}; {thaw}", undo=thaw):
        director.node.run(f"systemctl kill -s STOP {UNIT}")
        yield


@contextmanager
def frozen_when_starved(director: Director) -> Iterator[None]:
    """Once its CPU is taken away, keepalived gets none of what is left."""
    starve, unit = EmbeddedLab.starve, director.keepalived.unit

    def freezing(lab: EmbeddedLab, name: str, share: float) -> None:
        starve(lab, name, share)
        unit.freeze()

    try:
        with mock.patch.object(EmbeddedLab, "starve", freezing):
            yield
    finally:
        unit.thaw()


def stuttering(director: Director) -> Break:
    """keepalived pauses again and again, too short for a failover, too long for a timely advert."""
    freeze, thaw = (f"systemctl kill -s {signal} {UNIT}" for signal in ("STOP", "CONT"))
    pauses = f"for i in $(seq 20); do {freeze}; sleep 0.9; {thaw}; sleep 0.7; done"
    return meanwhile(director.node, pauses, undo=thaw)


# -- the LAN -------------------------------------------------------------------------------------


def nft(node: Node, family: str, hook: str, rule: str) -> Break:
    """A rule in a table of its own."""
    table = f"{family} mutation"
    return done(
        node,
        f"nft 'add table {table}; add chain {table} c {{ type filter hook {hook} priority 0; }}; "
        f"add rule {table} c {rule}'",
        f"nft delete table {table}",
    )


@contextmanager
def lost_both_ways() -> Iterator[None]:
    """What the switch is told to lose one way is lost the other way too, as by a broken cable."""
    lose, lose_no_more = EmbeddedLab.lose, EmbeddedLab.lose_no_more
    lost: list[tuple[EmbeddedLab, Loss]] = []

    def both(lab: EmbeddedLab, loss: Loss) -> None:
        back = loss._replace(source=loss.target, target=loss.source)
        lose(lab, loss, back)
        lost.append((lab, back))

    try:
        with mock.patch.object(EmbeddedLab, "lose", both):
            yield
    finally:
        for lab, back in lost:
            lose_no_more(lab, back)


@contextmanager
def stopped_at_a_time_of_day(director: Director, ahead: float) -> Iterator[None]:
    """A job that stops keepalived when the wall clock says so many seconds more than now."""
    node, unit = director.node, "mutation-job"
    job = (
        f"systemd-run --quiet --collect --unit={unit} --timer-property=AccuracySec=100ms "
        f'--on-calendar="$(date -d "+{ahead:g} seconds" "+%Y-%m-%d %H:%M:%S")" '
        f"systemctl stop {UNIT}"
    )
    try:
        with done(node, job, f"systemctl --quiet stop {unit}.timer 2>/dev/null; true"):
            yield
    finally:
        director.keepalived.start()


def barred_from_the_backup(cluster: Cluster, client: Node) -> Break:
    """A firewall on the BACKUP that lets this client to no HAProxy."""
    return nft(cluster.backup.node, "ip", "input", f"ip saddr {client.address} tcp dport 8081 drop")


def deaf_to_the_master(cluster: Cluster) -> Break:
    """A client that takes no MAC unasked from the MASTER, and from anybody else it does."""
    gratuitous = f"arp saddr ip {cluster.vip} arp daddr ip {cluster.vip}"
    rule = f"arp saddr ether {cluster.master.mac()} {gratuitous} drop"
    return nft(cluster.first_client.node, "arp", "input", rule)


def first_connections_lost(cluster: Cluster) -> Break:
    """The first connections of a client are lost on the way, about fifteen."""
    source = f"ip saddr {cluster.first_client.node.address} tcp dport 8081-8084"
    return nft(cluster.master.node, "ip", "input", f"{source} quota until 900 bytes drop")


def without_gratuitous_arp(cluster: Cluster, director: Director) -> Break:
    """A director that takes the VIP and tells nobody: sender and target are the VIP itself.

    keepalived sends it from a packet socket, which only the egress hook sees.
    """
    hook = f"egress device {director.node.nic}"
    gratuitous = f"arp saddr ip {cluster.vip} arp daddr ip {cluster.vip}"
    return nft(director.node, "netdev", hook, f"{gratuitous} drop")


def gateway(cluster: Cluster) -> Node:
    """The router into the LAN, which a lab that is to be broken has."""
    assert cluster.gateway is not None, "the topology has no gateways"
    return cluster.gateway.node


def gateway_deaf_to_gratuitous_arp(cluster: Cluster) -> Break:
    """A router that takes no MAC unasked, as some are set up against ARP spoofing."""
    gratuitous = f"arp saddr ip {cluster.vip} arp daddr ip {cluster.vip}"
    return nft(gateway(cluster), "arp", "input", f"{gratuitous} drop")


@contextmanager
def client_on_the_backup(cluster: Cluster) -> Iterator[None]:
    """A client that speaks to the BACKUP, which answers it: the MASTER's is not the only path."""
    vip, client, backup = cluster.vip, cluster.first_client.node, cluster.backup
    mac = client.run("cat -- %s", f"/sys/class/net/{client.nic}/address").strip()
    with (
        # it would ask for the client in the VIP's name, which it may not say
        hard_wired(backup.node, str(client.address), mac),
        done(backup.node, f"ip addr add {vip}/32 dev lo", f"ip addr del {vip}/32 dev lo"),
        nft(backup.node, "arp", "output", f"arp saddr ip {vip} drop"),
        hard_wired(client, str(vip), backup.mac()),
    ):
        yield


@contextmanager
def clients_on_the_master(cluster: Cluster) -> Iterator[None]:
    """The VIP stays on the MASTER's lo, and every client has its MAC for good."""
    vip, master = cluster.vip, cluster.master
    with ExitStack() as undo:
        put, gone = (f"ip addr {verb} {vip}/32 dev lo" for verb in ("add", "del"))
        undo.enter_context(done(master.node, put, gone))
        for client in cluster.clients.values():
            undo.enter_context(hard_wired(client, str(vip), master.mac()))
        yield


def hard_wired(node: Node, address: str, mac: str) -> Break:
    """A node's ARP table with a MAC for good."""
    return done(
        node,
        f"ip neigh replace {address} lladdr {mac} nud permanent dev {node.nic}",
        f"ip neigh del {address} dev {node.nic}",
    )


@contextmanager
def unnoticed_by_a_client(cluster: Cluster, break_: Break) -> Iterator[None]:
    """Something is wrong with the VIP, and the probing client speaks to the MASTER all the same."""
    with hard_wired(cluster.first_client.node, str(cluster.vip), cluster.master.mac()), break_:
        yield


def vip_too_on(cluster: Cluster, node: Node) -> Break:
    """The VIP on the NIC of a node that should not have it."""
    address = f"{cluster.vip}/32 dev {node.nic}"
    return done(node, f"ip address add {address}", f"ip address del {address}")


def mute_for_the_vip(cluster: Cluster, director: Director) -> Break:
    """A director whose ARP never says that it has the VIP."""
    return nft(director.node, "arp", "output", f"arp saddr ip {cluster.vip} drop")


@contextmanager
def both_frozen(cluster: Cluster) -> Iterator[None]:
    """Neither keepalived says or hears anything, the BACKUP's first."""
    with ExitStack() as thawed:
        for director in (cluster.backup, cluster.master):
            freeze, thaw = (f"systemctl kill -s {signal} {UNIT}" for signal in ("STOP", "CONT"))
            thawed.enter_context(done(director.node, freeze, thaw))
        yield


# -- guests --------------------------------------------------------------------------------------


@contextmanager
def guest_too_many(cluster: Cluster) -> Iterator[None]:
    """A VM of the topology that the configuration has not is started on its server."""
    driver = cluster.hypervisor
    assert isinstance(driver, LibvirtHypervisor)
    vm = next(iter(cluster.topology.servers.values())).vms[4]
    server = cluster.servers[vm.server]
    try:
        driver.guests.prepare(server, [vm])
        driver.define(server, {vm: (0,)}, pinned=False)
        driver.start(server, [vm])
        yield
    finally:
        driver.remove(server, [vm.name])


def vcpu_moved(cluster: Cluster) -> Break:
    """The thread of a guest's only vCPU is bound to the first CPU, as taskset does it."""
    threads = "/proc/$(cat /run/libvirt/qemu/web2.pid)/task/*"
    return done(
        cluster.servers["server1"],
        f"for t in {threads}; do "
        "case $(cat $t/comm) in CPU*) taskset -cp 0 ${t##*/};; esac; done",
        "virsh vcpupin web2 0 r --live",
    )


@contextmanager
def mark_not_looked_at(_cluster: Cluster) -> Iterator[None]:
    """The driver's script without its look at a domain's mark."""
    script = libvirt.DOMAINS_SH.read_text("utf-8")
    blind = script.replace("ours() {", "ours() {\n    return 0")
    assert blind != script
    with NamedTemporaryFile("w", suffix=".sh") as file:
        file.write(blind)
        file.flush()
        with mock.patch.object(libvirt, "DOMAINS_SH", Path(file.name)):
            yield


def refused_once_silent(cluster: Cluster, vm: VirtualMachine) -> Break:
    """The MASTER's own firewall answers for a VM as soon as that answers no more."""
    rule = f"ip daddr {vm.address} tcp dport 80 reject with tcp reset"
    return meanwhile(
        cluster.master.node,
        f"while ping -q -c 1 -W 1 {vm.address}; do sleep 0.1; done; nft 'add table ip mutation; "
        "add chain ip mutation c { type filter hook output priority 0; }; "
        f"add rule ip mutation c {rule}'",
        "nft delete table ip mutation",
    )


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


def packaged_as(node: Node, package: str, version: str) -> Break:
    """The node's dpkg says that another version of a package is installed."""
    expression = f"/^Package: {package}$/,/^$/s/^Version: .*/Version: {version}/"
    return edited(node, "/var/lib/dpkg/status", expression, lambda: None)


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


@contextmanager
def vrrp_for_anyone(cluster: Cluster) -> Iterator[None]:
    """Both directors take adverts from anywhere, and ask for no password."""
    with ExitStack() as edits:
        for director in cluster.directors.values():
            node, reload = director.node, director.keepalived.reload
            edits.enter_context(done(node, "nft delete table ip vrrp", f"nft -f {FIREWALL}"))
            expression = "/authentication \\{/,/\\}/d"
            edits.enter_context(edited(node, CONFIG, expression, reload))
        cluster.await_steady()
        yield


@contextmanager
def stranger_cut_off(cluster: Cluster) -> Iterator[None]:
    """The second client's VRRP does not get to the last one, which watches the LAN."""
    _, stranger, *_, watcher = cluster.clients
    loss = Loss(stranger, watcher, "vrrp")
    try:
        cluster.lab.lose(loss)
        yield
    finally:
        cluster.lab.lose_no_more(loss)


# -- platforms -----------------------------------------------------------------------------------


def wrapped(node: Node, program: str, script: str) -> Break:
    """A program that another of its name is found before."""
    path = f"/usr/local/bin/{program}"
    lines = shlex.quote(f"#!/bin/sh\n{script}\n")
    return done(node, f"printf %s {lines} > {path} && chmod 755 {path}", f"rm {path}")


def answered_by_its_host(platforms: Platforms) -> Break:
    """Where the client sends what is for the guest, its server is, as where it translates."""
    guest = platforms.there["kvm"]
    address, client = guest.node.address, guest.client.node
    there = f"{address} dev {client.nic}"
    mac = arp_table.resolved(client, guest.server.address)
    return done(
        client, f"ip neigh replace {there} lladdr {mac} nud permanent", f"ip neigh del {there}"
    )
