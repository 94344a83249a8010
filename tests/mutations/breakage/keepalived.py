"""keepalived that is not as its topology has it, that hangs, or that hears nobody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest import mock

from halab import tracking
from halab.cluster import Cluster
from halab.director import Director
from halab.keepalived import CONFIG, FIREWALL, UNIT
from halab.lab.embedded import EmbeddedLab
from halab.topology import VirtualMachine
from halab.wait import Condition
from tests.mutations.breakage.network import without_gratuitous_arp
from tests.mutations.breakage.node import Break, done, edited, meanwhile, nft


@contextmanager
def conf(director: Director, expression: str, *then: Condition) -> Iterator[None]:
    """Its configuration edited and keepalived started anew; these conditions follow."""

    with edited(director.node, CONFIG, expression, director.keepalived.restart):
        for condition in then:
            condition.until(within=30)
        yield


@contextmanager
def unlike_its_file(director: Director, expression: str, *then: Condition) -> Iterator[None]:
    """It runs an edited configuration, and budgets are made from the one that it should run."""
    before = director.node.read(CONFIG)
    with conf(director, expression, *then):
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
        unlike_its_file(cluster.backup, one, master),
    ):
        yield


@contextmanager
def left_in_conf(director: Director, expression: str) -> Iterator[None]:
    """Its file edited, which keepalived finds when it reads it the next time."""
    with edited(director.node, CONFIG, expression, lambda: None):
        yield
    director.keepalived.reload()


@contextmanager
def reloaded_to_track_processes(cluster: Cluster) -> Iterator[None]:
    """The MASTER's keepalived tracked none when it started, and has been told to by a reload."""
    director = cluster.master
    without = "/^vrrp_track_process/,/^}/d; /^    track_process/,/^    }/d"
    with unlike_its_file(director, without, cluster.vip_on(director)):
        director.keepalived.reload()
        yield


def nopreempt(director: Director) -> Break:
    """It keeps the VIP that it has, and would not take it from another."""
    change = "s/state MASTER/state BACKUP\\n    nopreempt/"
    return edited(director.node, CONFIG, change, director.keepalived.reload)


def tracking_haproxy(director: Director, *, hanging: bool = False) -> Break:
    """It looks whether there is a HAProxy, and gives the VIP away when there is none.

    With ``hanging``, one that is frozen counts as none.
    """
    states = "--runstates D,R,S " if hanging else ""
    script = f'vrrp_script mutation {{\\n    script "/usr/bin/pgrep {states}haproxy"\\n}}'
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
        conf(cluster.backup, change),
        conf(cluster.master, change, cluster.vip_on(cluster.master)),
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
    with unlike_its_file(director, expression, told, cluster.vip_on(cluster.master)):
        yield


def barred_once_sent_nothing(cluster: Cluster, vm: VirtualMachine, seconds: float = 0) -> Break:
    """The MASTER's own firewall lets no check of a VM out once IPVS sends it nothing.

    For so many ``seconds``; with 0 for good.
    """
    rule = f"ip daddr {vm.address} tcp dport 80 drop"
    entry = f"-> {int(vm.address):08X}:0050"
    return meanwhile(
        cluster.master.node,
        f"while grep -q -e '{entry}' /proc/net/ip_vs; do sleep 0.1; done; nft 'add table ip "
        "mutation; add chain ip mutation c { type filter hook output priority 0; }; "
        f"add rule ip mutation c {rule}'"
        + (f"; sleep {seconds:g}; nft delete table ip mutation" if seconds else ""),
        "nft delete table ip mutation 2>/dev/null; true",
    )


def both_masters(
    cluster: Cluster, expression: str = "s/virtual_router_id .*/virtual_router_id 12/"
) -> Break:
    """The BACKUP's configuration edited so that it takes no advert of the MASTER's for one.

    Unless told otherwise, it is put in a virtual router of its own.
    """
    return conf(cluster.backup, expression, _both_hold_the_vip(cluster))


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


@contextmanager
def both_frozen(cluster: Cluster) -> Iterator[None]:
    """Neither keepalived says or hears anything, the BACKUP's first."""
    with ExitStack() as thawed:
        for director in (cluster.backup, cluster.master):
            freeze, thaw = (f"systemctl kill -s {signal} {UNIT}" for signal in ("STOP", "CONT"))
            thawed.enter_context(done(director.node, freeze, thaw))
        yield


@contextmanager
def vrrp_for_anyone(cluster: Cluster, *without_firewall: Director) -> Iterator[None]:
    """Neither director asks for a password, and these take adverts from anywhere."""
    with ExitStack() as edits:
        for director in without_firewall:
            remove, restore = "nft delete table ip vrrp", f"nft -f {FIREWALL}"
            edits.enter_context(done(director.node, remove, restore))
        for director in cluster.directors.values():
            expression = "/authentication \\{/,/\\}/d"
            edits.enter_context(
                edited(director.node, CONFIG, expression, director.keepalived.reload)
            )
        cluster.await_steady()
        yield
