"""What a set-up changes of a whole director: its kernel's settings, where packets and HAProxy go.

Today's and the candidate's have their turns on the MASTER, see :mod:`halab.gate.alternation`.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace

from halab import nic, sysctl
from halab.changed_cluster import ChangedCluster
from halab.configuration import Configuration
from halab.errors import LabError, NodeError
from halab.gate.alternation import PAIRS, Alternation, NothingServed, Turns, alternate
from halab.gate.judgement import Row, Verdict
from halab.gate.slowdown import ALPHA
from halab.lab.embedded import EmbeddedLab
from halab.nic import Nic
from halab.set_up import SYSCTL, SetUp

HOST_WIDE = "settings of the whole director"
"""What a row is called that says why they cannot be compared in this lab."""
REQUESTS = "requests a second"
DIRECTORS_CPU = "CPU time of the director for a request"
FAILED = "requests that fail"
PLACED = ("haproxy_processes", "haproxy_threads", "haproxy_cpus")


@dataclass(frozen=True)
class Settings:
    """Of a director: its sysctl.conf, empty if it has none, and the cluster's configuration."""

    kernel: str
    configuration: Configuration

    @classmethod
    def of(cls, set_up: SetUp, director: str, lab: EmbeddedLab) -> Settings:
        """What a set-up has for that director."""
        text = set_up.written(SYSCTL, director, lab.topology, lab.secrets)
        return cls(text or "", set_up.configuration)

    def placed_as(self, other: Settings) -> bool:
        """Whether HAProxy's processes and threads are as many, and in the same places."""
        return all(
            getattr(self.configuration, name) == getattr(other.configuration, name)
            for name in PLACED
        )

    def steered_as(self, other: Settings) -> bool:
        """Whether packets are worked on in the same places."""
        return self.configuration.steering == other.configuration.steering


def rows(
    lab: EmbeddedLab, today: SetUp, candidate: SetUp, progress: Callable[[str], None]
) -> list[Row]:
    """How they compare; nothing where the candidate leaves them as they are."""
    master, backup = lab.topology.master.name, lab.topology.backup.name
    now, other = (Settings.of(set_up, master, lab) for set_up in (today, candidate))
    if now.kernel == other.kernel and now.placed_as(other) and now.steered_as(other):
        idle = [Settings.of(set_up, backup, lab).kernel for set_up in (today, candidate)]
        return _unasked(backup) if idle[0] != idle[1] else []
    cluster = ChangedCluster(lab, today)
    cluster.bring_to(now.configuration)
    with cluster.steered(now.configuration.steering):
        changed = _changing(cluster, now, other)
        try:
            with changed():
                pass
        except LabError as error:
            return [Row(HOST_WIDE, "", "", Verdict.UNDECIDED, str(error))]
        except NodeError as error:
            return [Row(HOST_WIDE, "", "refused", Verdict.REJECT, str(error))]
        progress(f"{PAIRS} pairs of slices, with today's settings and others, half with a handicap")
        try:
            return told(alternate(cluster, changed))
        except NothingServed as error:
            if not error.candidates:
                raise
            return [Row(HOST_WIDE, "", "not served", Verdict.REJECT, str(error))]


def _changing(
    cluster: ChangedCluster, now: Settings, other: Settings
) -> Callable[[], AbstractContextManager[None]]:
    """What has the MASTER have the other settings, for as long as a block."""
    node = cluster.master.node
    placed = {name: getattr(other.configuration, name) for name in PLACED}

    @contextmanager
    def changed() -> Iterator[None]:
        with ExitStack() as undone:
            if not now.placed_as(other):
                undone.callback(cluster.bring_to, now.configuration)
                cluster.bring_to(replace(now.configuration, **placed))
            if not now.steered_as(other):
                undone.enter_context(nic.steered([Nic(node)], other.configuration.steering))
            if now.kernel != other.kernel:
                undone.enter_context(sysctl.applied(node, other.kernel))
            yield

    return changed


def _unasked(backup: str) -> list[Row]:
    """Clients ask the MASTER: nobody could tell what settings of the BACKUP cost."""
    why = f"{backup} alone has others, and is asked nothing: give them to both directors"
    return [Row(f"kernel settings of {backup}", "", "", Verdict.UNDECIDED, why)]


def told(found: Alternation) -> list[Row]:
    """A row for requests a second, and one for the CPU time of the whole director.

    And one for requests that failed, if any did.
    """
    rate = tuple(f"{1 / seconds:.0f}" for seconds in _medians(found.time))
    cpu = tuple(f"{seconds * 1e6:.1f} µs of all its CPUs" for seconds in _medians(found.cpu))
    rows = [_row(REQUESTS, rate, found.time), _row(DIRECTORS_CPU, cpu, found.cpu)]
    return [*rows, *_failed(found)]


def _failed(found: Alternation) -> Iterator[Row]:
    todays, candidates = (sum(failed) for failed in zip(*found.failed, strict=True))
    if not todays and not candidates:
        return
    verdict, why = Verdict.ACCEPT, ""
    told = f"{candidates} fail in {len(found.failed)} slices, and {todays} with today's settings"
    if found.p_of_failed < ALPHA:
        verdict, why = Verdict.REJECT, f"{told} (p {found.p_of_failed:.2g})"
    elif candidates and not todays:
        verdict, why = Verdict.UNDECIDED, f"{told}: it may be chance"
    yield Row(FAILED, str(todays), str(candidates), verdict, why)


def _medians(turns: Turns) -> tuple[float, float]:
    return (
        statistics.median(pair.baseline for pair in turns.pairs),
        statistics.median(pair.candidate for pair in turns.pairs),
    )


def _row(what: str, figures: tuple[str, ...], turns: Turns) -> Row:
    verdict, why, found = Verdict.ACCEPT, "", turns.found
    if turns.flaws:
        verdict, why = Verdict.UNDECIDED, f"the slices prove nothing: {'; '.join(turns.flaws)}"
    elif found.slower:
        verdict, why = Verdict.REJECT, f"worse by {found}, and {found.margin:.0%} are borne"
    elif found.unclear:
        verdict, why = Verdict.UNDECIDED, f"{found}: it may be chance"
    before, after = figures
    return Row(what, before, f"{after}, worse by {found}", verdict, why)
