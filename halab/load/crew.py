"""The generators of a run, and how a load is dealt out to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from halab.client import Client
from halab.load import volley
from halab.load.generator import Generator, Tally
from halab.load.load import Load
from halab.load.volley import Command, Ended

PATIENCE = 30.0
"""Seconds beyond its own length, or its limit, after which a load is ended by force."""

TELLING = 0.3
"""Seconds of requests that tell how fast a generator is."""


class Crew:
    """The generators of a run, one for each client and the start of a URL, client by client."""

    def __init__(self, generator: Generator, places: Iterable[tuple[Client, str]]) -> None:
        self.generator = generator
        self.places = tuple(places)

    def ready(self, load: Load) -> Sequence[Load]:
        """Warm up, if the load asks for it; what each generator is to do then."""
        shares: Sequence[Load] = load.shares(len(self.places))
        if load.warm_up:
            return self.warm_up(shares)
        if load.seconds and not self.generator.times(load):
            return self.counted(shares)
        return shares

    def fire(self, shares: Sequence[Load], delays: Sequence[float] = ()) -> tuple[Ended, ...]:
        """Let each generator do its share, all from one moment on."""
        commands: dict[Client, list[Command]] = {client: [] for client, _ in self.places}
        for (client, url), share in zip(self.places, shares, strict=True):
            line = self.generator.command(share, url + share.path)
            commands[client].append(Command(line, self.generator.report))
        longest = PATIENCE + max(share.seconds or share.limit for share in shares)
        return volley.fire(commands, longest=longest, delays=delays)

    def tallies(self, shares: Sequence[Load], ended: Sequence[Ended]) -> tuple[Tally, ...]:
        """What each of them counted."""
        return tuple(
            self.generator.tally(share, each.status, each.out, each.err, each.report)
            for share, each in zip(shares, ended, strict=True)
        )

    def warm_up(self, shares: Sequence[Load]) -> Sequence[Load]:
        """Do the load for its ``warm_up``, and give what is to be done then."""
        warming: Sequence[Load] = [share.lasting(share.warm_up) for share in shares]
        if self.generator.times(warming[0]):
            self.fire(warming)
            return shares
        warming = self.counted(warming)
        if shares[0].seconds is None or shares[0].pace:
            self.fire(warming)
            return shares if shares[0].seconds is None else self.counted(shares)
        return self._at_rate(shares, warming)

    def counted(self, shares: Sequence[Load]) -> Sequence[Load]:
        """Loads of some seconds as numbers of requests that last about as long.

        For a generator that cannot end by time. Two requests a connection show about how fast it
        is, and as many as take :data:`TELLING` show it better: the first are the slowest. None of
        that is needed for a load whose pace is known.
        """
        if shares[0].pace:
            return [share.counted(round(share.pace * (share.seconds or 0))) for share in shares]
        tries = [share.counted(2 * share.connections) for share in shares]
        tallies = self.tallies(tries, self.fire(tries))
        if not any(tally.succeeded for tally in tallies):
            # one more try might wait in vain for as long again
            return [share.counted(share.connections) for share in shares]
        brief = [share.lasting(TELLING) for share in shares]
        return self._at_rate(shares, _at_rate_of(brief, tallies))

    def _at_rate(self, shares: Sequence[Load], tries: Sequence[Load]) -> Sequence[Load]:
        return _at_rate_of(shares, self.tallies(tries, self.fire(tries)))


def _at_rate_of(shares: Sequence[Load], tallies: Sequence[Tally]) -> Sequence[Load]:
    return [
        share.counted(round(tally.succeeded / tally.seconds * (share.seconds or 0)))
        if tally.seconds
        else share.counted(share.connections)
        for share, tally in zip(shares, tallies, strict=True)
    ]
