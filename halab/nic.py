"""One NIC of a node: where its received packets are worked on, and where they were."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from halab import nic_files, wait
from halab.errors import CommandFailed, NodeError
from halab.nic_files import COUNT, LOOK
from halab.nic_state import State
from halab.node import Node, each
from halab.softnet import Counters
from halab.steering import Steering

# Every file is tried, whatever became of the one before: what can be put back is put back.
_WRITER = 'w() { echo "$2" > "$1" || { echo "$1 does not take $2" >&2; failed=1; }; }; '
_WRITTEN = '; test -z "$failed" || exit 1; '


class Nic:
    """A NIC of a node, its own if none is named."""

    def __init__(self, node: Node, name: str = "") -> None:
        self.node = node
        self.name = name or node.nic

    def __repr__(self) -> str:
        return f"<{self.name} of {self.node.name}>"

    def state(self) -> State:
        """Everything as it is now, in one command; in one more when an interrupt was on its way."""

        def settled() -> State | None:
            state = self._read(self.node.run(*self._about(LOOK)))
            return None if state.moving else state

        what = f"{self.node.name}: every interrupt of {self.name} says where it may go"
        return wait.until(settled, what=what, within=1)

    def counters(self) -> Counters:
        """What each CPU has done so far for receiving, in one command."""
        files = self.node.run(*self._about(COUNT))
        return nic_files.counters(files, self.node.name, self.name)

    def bring(self, to: State) -> None:
        """Change what differs from that state, and nothing else; raises as :meth:`change`."""
        self.change(self.state(), to)

    @contextmanager
    def steered(self, steering: Steering) -> Iterator[State]:
        """Steered so in the block, and as it was before after it; raises as :func:`steered`."""
        with steered([self], steering) as (wanted,):
            yield wanted

    def change(self, now: State, to: State) -> None:
        """Change what differs between these two states, and nothing else.

        Raises :class:`CommandFailed` when the kernel refuses a value, with all the
        others set, and :class:`NodeError` when it takes one and makes another of it.
        """
        held, files = now.files(), to.files()
        changed = {path: value for path, value in files.items() if held.get(path) != value}
        if not changed:
            return
        words = [word for change in changed.items() for word in change]
        writes = "; ".join(["w %s %s"] * len(changed))
        result = self.node.ask(*self._about(f"{_WRITER}{writes}{_WRITTEN}{LOOK}", *words))
        if result.rc != 0:
            raise CommandFailed(f"{self.node.name}: {'; '.join(result.stderr.splitlines())}")
        after = self._read(result.stdout)
        files = (self.state() if after.moving else after).files()
        for path, value in changed.items():
            if files.get(path) != value:
                raise NodeError(
                    f"{self.node.name}: {path} was given {value} and holds {files.get(path)}"
                )

    def _read(self, looked: str) -> State:
        return nic_files.state(looked, self.node.name, self.name)

    def _about(self, command: str, *words: str) -> tuple[str, ...]:
        """The command with its values: the words, and for every other %s this NIC."""
        return (command, *words, *[self.name] * (command.count("%s") - len(words)))


@contextmanager
def steered(nics: Sequence[Nic], steering: Steering) -> Iterator[tuple[State, ...]]:
    """These NICs, each of a node of its own, steered so in the block, and as before after it.

    All are changed at once. Raises as :meth:`State.steered` does, and then nothing was changed on
    any; and as :meth:`Nic.change` does, and then all that could be is put back.
    """
    by_node = {nic.node.name: nic for nic in nics}
    nodes = [nic.node for nic in nics]
    before = each(nodes, lambda node: by_node[node.name].state())
    wanted = {name: state.steered(steering) for name, state in before.items()}
    with ExitStack() as undo:
        undo.callback(each, nodes, lambda n: by_node[n.name].change(wanted[n.name], before[n.name]))
        each(nodes, lambda n: by_node[n.name].change(before[n.name], wanted[n.name]))
        yield tuple(wanted.values())
