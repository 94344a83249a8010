"""Why a run of load does not count: each function gives the reasons of one kind, or none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from halab.cluster import Cluster
from halab.load.generator import Tally
from halab.load.meter import Reading

AGREEMENT = 0.005
"""A generator's count and HAProxy's may differ by this share."""

MOST_CLIENT_CPU = 0.7
"""A client that uses more than this share of the CPU that it may use is what limits the load."""


def unfinished(tallies: Sequence[Tally]) -> Iterable[str]:
    """Why: a generator did not work, or not every request succeeded."""
    yield from sorted({tally.said for tally in tallies if tally.said})
    started = sum(tally.started for tally in tallies)
    succeeded = sum(tally.succeeded for tally in tallies)
    if not succeeded:
        classes = ", ".join(f"{n} {name}" for name, n in errors(tallies).items())
        yield f"none of {started} requests succeeded ({classes or 'nothing was answered'})"
    elif succeeded != started:
        classes = ", ".join(f"{n} {name}" for name, n in errors(tallies).items())
        yield f"{succeeded} of {started} requests succeeded ({classes})"


def disagreement(tallies: Sequence[Tally], master: Reading) -> Iterable[str]:
    """Why: HAProxy counted other requests, or gave another number of answers of status 2xx.

    The latter finds what a generator takes for a success: ab an end without an answer, wrk a
    redirection. Requests that were cut off when time was up are in no generator's count. Of
    HAProxy's, those are left out that it saw given up by their client, and never more than were
    cut off; one that it had answered already counts as a difference.
    """
    started, succeeded, cut = (
        sum(getattr(tally, count) for tally in tallies) for count in ("started", "succeeded", "cut")
    )
    requests, answers = sum(master.requests.values()), sum(master.answers.values())
    left_out = min(sum(master.given_up.values()), cut)
    if not _agree(started, requests - left_out):
        besides = f", {left_out} given up when time was up" if left_out else ""
        yield f"the generators made {started} requests, HAProxy counted {requests}{besides}"
    if not _agree(succeeded, answers):
        yield (
            f"the generators had {succeeded} successes, HAProxy gave {answers} answers of status "
            f"2xx{_too_short(succeeded, cut)}"
        )


def _agree(generators: int, haproxy: int) -> bool:
    return abs(haproxy - generators) <= AGREEMENT * generators


def _too_short(counted: int, cut: int) -> str:
    """What is to be done where cut requests alone may be more than what both sides may differ."""
    if cut <= AGREEMENT * counted:
        return ""
    return f"; {cut} were cut off, too many for so short a run: make it longer, or end by requests"


def overworked(client_cpu: Mapping[str, float]) -> Iterable[str]:
    """Why: a client had so much to do that the load may be limited by it."""
    for name, share in client_cpu.items():
        if share > MOST_CLIENT_CPU:
            yield f"{name} used {share:.0%} of its CPU, more than {MOST_CLIENT_CPU:.0%}"


def elsewhere(cluster: Cluster) -> Iterable[str]:
    """Why: the VIP is not on the MASTER, whose counters are read."""
    holders = cluster.holders()
    if holders != [cluster.master]:
        names = ", ".join(holder.name for holder in holders) or "nobody"
        yield f"the VIP is with {names}, and the counters were {cluster.master.name}'s"


def errors(tallies: Sequence[Tally]) -> dict[str, int]:
    """Failed requests by class, of all generators."""
    found: dict[str, int] = {}
    for tally in tallies:
        for name, count in tally.failed.items():
            found[name] = found.get(name, 0) + count
    return found
