"""Faults of a director: of keepalived, of HAProxy, and of the whole machine."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from halab import wait
from halab.cluster import Cluster
from halab.director import Director
from halab.faults.fault import Deed, fault
from halab.haproxy import HAProxy
from halab.keepalived import Keepalived
from halab.node import in_turn


@fault
def keepalived_stopped(director: Director) -> Deed:
    """keepalived stopped in good order: it resigns with a priority-0 advert."""
    keepalived = director.keepalived
    return Deed(director.node, keepalived.stop, keepalived.start, keepalived.starting)


@fault
def keepalived_killed(director: Director) -> Deed:
    """keepalived's whole process tree killed: adverts end, and the VIP stays on the NIC."""
    keepalived = director.keepalived
    return Deed(director.node, keepalived.kill, keepalived.start, keepalived.starting)


@fault
def keepalived_frozen(director: Director) -> Deed:
    """keepalived hangs: adverts end, the VIP stays, and once it goes on it thinks that no time has
    passed.
    """
    return _frozen(director.keepalived)


@fault
def flapping(director: Director, times: int = 5, away: float = 1.0, there: float = 1.0) -> Deed:
    """keepalived killed and started so many times, ``away`` and ``there`` seconds each time.

    All of that is the doing: when it is done, keepalived runs.
    """
    keepalived = director.keepalived

    def do() -> None:
        for _ in range(times):
            keepalived.kill()
            wait.passing(away)
            keepalived.start()
            wait.passing(there)

    return Deed(director.node, do, keepalived.start, keepalived.starting)


@fault
def haproxy_stopped(haproxy: HAProxy) -> Deed:
    """One HAProxy process stopped in good order; systemd leaves it stopped."""
    return Deed(haproxy.node, haproxy.stop, haproxy.start, haproxy.starting)


@fault
def haproxy_killed(haproxy: HAProxy) -> Deed:
    """One HAProxy process killed, master and workers; its unit starts it again by itself."""
    return Deed(haproxy.node, haproxy.kill, haproxy.start, haproxy.starting)


@fault
def haproxy_held_dead(haproxy: HAProxy) -> Deed:
    """One HAProxy process killed, and not started again, as one that cannot start is not."""

    def do() -> None:
        haproxy.unit.hold()
        haproxy.kill()

    heals = in_turn(haproxy.unit.releasing, haproxy.starting)
    return Deed(haproxy.node, do, lambda: haproxy.node.run(heals), heals)


@fault
def haproxy_frozen(haproxy: HAProxy) -> Deed:
    """One HAProxy process hangs: the kernel takes connections for it, and nobody answers."""
    return _frozen(haproxy)


@fault
def powered_off(cluster: Cluster, director: Director) -> Deed:
    """The director's power cut; on the way out it boots with the disk that it had."""
    return _from_outside(cluster, director, cluster.lab.power_off, cluster.lab.power_on)


@fault
def director_frozen(cluster: Cluster, director: Director) -> Deed:
    """No process of the director runs; its kernel still answers ARP and ping.

    An emulated director's kernel is frozen too.
    """
    return _from_outside(cluster, director, cluster.lab.freeze, cluster.lab.thaw)


@fault
def cpu_starved(cluster: Cluster, director: Director, share: float = 0.05) -> Deed:
    """The director has this share of one CPU's time and no more."""
    return _from_outside(
        cluster, director, partial(cluster.lab.starve, share=share), cluster.lab.feed
    )


def _frozen(program: Keepalived | HAProxy) -> Deed:
    """It hangs, and goes on; one that died meanwhile is started."""
    heals = in_turn(program.unit.thawing, program.starting)
    return Deed(program.node, program.unit.freeze, lambda: program.node.run(heals), heals)


def _from_outside(
    cluster: Cluster,
    director: Director,
    do: Callable[[str], object],
    undo: Callable[[str], object],
) -> Deed:
    """What the lab does to the director's machine; it is undone when the director answers."""
    name = director.name

    def undone() -> None:
        undo(name)
        cluster.lab.await_nodes(name)

    return Deed(director.node, partial(do, name), undone)
