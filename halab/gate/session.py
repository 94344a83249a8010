"""A session of duets that proves itself: what it says of a candidate counts if it can be wrong.

Beside the candidate stand a second one of today's, of which neither may be found slower than the
other, and today's with more to do, which must. All are compared with the same first one: if that
were slow by chance, a candidate that costs more would pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from halab import haproxy_cfg
from halab.gate.duet import TODAY, Duets, duets
from halab.gate.slowdown import Answer, Slowdown
from halab.gate.stage import Contender, asked
from halab.haproxy_line import sections
from halab.node import Node

AGAIN, SLOWED, CANDIDATE = "today's again", "today's slowed", "the candidate"

RULE = "    http-request set-var(txn.halab) src,sha2(256),hex"
RULES = 3
"""Of :data:`RULE`: about a tenth more, which no session may miss."""


@dataclass(frozen=True)
class Session:
    """What came of the duets of one."""

    held: Duets

    @property
    def found(self) -> Slowdown:
        """The candidate against today's."""
        return self.held.slowdown(CANDIDATE)

    @property
    def flaws(self) -> tuple[str, ...]:
        """Why nothing that it says counts; none if it has proved itself."""
        again, slowed = self.held.slowdown(AGAIN), self.held.slowdown(SLOWED)
        told = []
        if again.slower:
            told.append(f"{AGAIN} was found slower than itself: {again}")
        first = Slowdown.of([pair.swapped for pair in self.held.pairs[AGAIN]])
        if first.slower:
            told.append(f"{TODAY} was found slower than its equal: {first}")
        if not slowed.slower:
            told.append(f"{SLOWED} by {RULES} rules was not found slower: {slowed}")
        return tuple(told)

    @property
    def answer(self) -> Answer:
        """Whether the candidate is slower; undecided too where the session proves nothing."""
        if self.flaws or self.found.unclear:
            return Answer.UNDECIDED
        return Answer.SLOWER if self.found.slower else Answer.NOT_SLOWER


def slowed(today: Contender, rules: int = RULES, rule: str = RULE) -> Contender:
    """The same with so many of these rules more in the frontend that a stage asks.

    Raises :class:`halab.gate.stage.NotComparable` where there is none.
    """
    name, *_ = asked(haproxy_cfg.parse(today.text))
    head = next(
        head
        for head, _ in sections(today.text)
        if head.words[0] in ("frontend", "listen") and head.words[1:2] == [name]
    )
    lines = today.text.splitlines()
    lines[head.number : head.number] = [rule] * rules
    return replace(today, text="\n".join(lines) + "\n")


def hold(
    node: Node,
    today: Contender,
    candidate: Contender,
    progress: Callable[[str], None] = lambda _: None,
) -> Session:
    """Hold one on a node; raises as :func:`halab.gate.duet.duets` does.

    The candidate is asked where today's is, if it still serves there.
    """
    *_, port = asked(haproxy_cfg.parse(today.text))
    candidate = replace(candidate, port=port)
    others = {AGAIN: today, SLOWED: slowed(today), CANDIDATE: candidate}
    return Session(duets(node, today, others, settled=[CANDIDATE], progress=progress))
