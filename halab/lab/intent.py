"""What is about to be broken on a real machine, and how to mend it, written there before it is.

Each change has a file on its node with the commands that take it back. Whoever comes first runs
them: the fault itself, the next run, ``./run heal``, or a timer on the node, when nothing has been
heard of the run for long enough. None of them needs anything of the run that broke it. What the
timer could not mend it tries again, every AGAIN seconds, TRIES times in all.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from halab import wait
from halab.errors import LabError, NodeError, NotMended
from halab.lab import journal
from halab.lab.journal import Entry
from halab.lab.lock import whoever
from halab.node import Node, each
from halab.redaction import end_of

FOLDER = "/var/lib/halab/heal"
TIMER = "halab-dead-man"
AGAIN = 10
TRIES = 60
# The newest first, as an ExitStack has it. Two healers take turns; what one starts is none.
_HEAL = f"""cd {FOLDER} 2>/dev/null || exit 0
exec 8< .
flock 8
failed=0
for file in $(ls -r); do
    case $file in
        *.sh)
            [ -e "$file" ] || continue
            sed -n '1s/^# //p' "$file"
            if sh "$file" > /dev/null 8<&-; then rm -f "$file"; else failed=1; fi
            ;;
        *.new) rm -f "$file" ;;
    esac
done
ls *.sh > /dev/null 2>&1 || rm -f heal
cd /
rmdir -p {FOLDER} 2>/dev/null
exit $failed
"""
_SHOW = f"cd {FOLDER} 2>/dev/null && for file in *.sh; do sed -n '1s/^# //p' \"$file\"; done; true"
# A healer that fails is started again (systemd.service(5), Restart=), so often and no more in any
# day (systemd.unit(5), StartLimitBurst=). Its timer is gone by then: what arms another, as it is
# alive, has the tries of the last one end.
_ARM = (
    f"systemctl --quiet is-active {TIMER}.timer || {{ "
    f"systemctl --quiet stop {TIMER}.service 2>/dev/null; "
    f"systemd-run --quiet --collect --unit={TIMER} "
    f"--description='mends what a dead test run left' --on-active=%s "
    f"--timer-property=AccuracySec=1s --property=Restart=on-failure --property=RestartSec={AGAIN} "
    f"--property=StartLimitIntervalSec=1d --property=StartLimitBurst={TRIES} "
    f"/bin/sh -c '[ ! -e {FOLDER}/heal ] || exec /bin/sh {FOLDER}/heal'; }}"
)
_DISARM = f"systemctl --quiet stop {TIMER}.timer {TIMER}.service 2>/dev/null"
# Faults of one node take turns too, or the last one's end would take the next one's healer with it.
# The folder may go while its turn is waited for. Each file is there whole or not at all, even if
# the disk is full, and outlives the node's power.
_INTEND = (
    f"umask 077; for try in 1 2 3; do mkdir -p {FOLDER} && cd {FOLDER} && exec 8< . && flock 8 "
    f"&& [ . -ef {FOLDER} ] && break; cd /; done; [ . -ef {FOLDER} ] "
    "&& printf %%s %s > heal.new && cat > %s.new && sync heal.new %s.new "
    f"&& mv heal.new heal && mv %s.new %s.sh && sync . && {{ {_ARM}; }}"
)
_MENDED = (
    f"cd {FOLDER} 2>/dev/null || exit 0; exec 8< .; flock 8; rm -f %s.sh %s.new; "
    f"ls *.sh > /dev/null 2>&1 && exit 0; {_DISARM}; "
    f"rm -f heal heal.new; cd /; rmdir -p {FOLDER} 2>/dev/null; true"
)
# Where a node has booted anew its timer is gone, and what is to be mended is still there. Who waits
# for a healer has been taken for dead already.
_ALIVE = (
    f"cd {FOLDER} 2>/dev/null || exit 0; exec 8< .; flock -w 2 8 || exit 0; "
    f"ls *.sh > /dev/null 2>&1 || exit 0; {{ {_ARM}; }} && systemctl restart {TIMER}.timer"
)


@dataclass
class Intents:
    """The journal of a lab of real machines: on each of them, for whoever heals it.

    ``nodes`` are all that may be struck, by name, and ``beside`` the same over connections that no
    fault closes; ``permit`` raises for one that may not. ``silence`` is the seconds after which a
    run of which nothing is heard is taken for dead.
    """

    nodes: Mapping[str, Node]
    beside: Mapping[str, Node]
    permit: Callable[[Node], None]
    silence: int
    _open: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._beat = wait.Beat(self.silence / 6, self._speak)

    def write(self, entry: Entry) -> None:
        """Before the doing: be permitted, and leave word on each node; after the undoing: none.

        Raises :class:`LabError` where nothing ``heals``: what only this run could mend is not
        broken.
        """
        if entry.step == journal.DOING:
            what = f"{entry.fault}({entry.arguments})"
            if not entry.heals:
                raise LabError(
                    f"{what}: no machine of a remote lab could mend it by itself if this run died, "
                    "so it is not done"
                )
            for name in entry.heals:
                self.permit(self.nodes[name])
            for name, commands in entry.heals.items():
                self._intend(name, entry.number, what, commands)
        elif entry.step == journal.UNDONE:
            self._withdraw(entry.number)

    def _intend(self, name: str, number: str, what: str, commands: str) -> None:
        file = f"{time.time_ns()}-{number}"
        title = " ".join(f"# {what} on {name}, by {whoever()}".split())
        said = f"{title}\n{commands}\n"
        self._open[name, number] = file
        script = _INTEND % (shlex.quote(_HEAL), file, file, file, file, self.silence)
        self.nodes[name].run("sh -c %s", script, stdin=said)
        self._beat.start()

    def _withdraw(self, number: str) -> None:
        """From each node, whatever becomes of the others; raises :class:`NodeError` with all."""
        failed: list[str] = []
        # faults that are undone beside this one withdraw theirs
        for (name, its), file in list(self._open.items()):
            if its != number:
                continue
            try:
                self.nodes[name].run("sh -c %s", _MENDED % (file, file))
            except NodeError as error:
                failed.append(str(error))
            else:
                del self._open[name, its]
        if failed:
            raise NodeError("; ".join(failed))

    def _speak(self) -> None:
        def tell(node: Node) -> None:
            with suppress(NodeError):  # cut off by the fault itself; it is told when it is back
                node.ask("sh -c %s", _ALIVE % self.silence, limit=5)

        # at once: one that hangs must not have the others take this run for dead
        each([self.beside[name] for name in {name for name, _ in list(self._open)}], tell)

    def close(self) -> None:
        """Say no more that this run is alive."""
        self._beat.stop()


def heal(nodes: Iterable[Node], *, dry_run: bool = False) -> dict[str, list[str]]:
    """Mend what dead runs left on these nodes; what it was, by node, of those that had any.

    ``dry_run`` only tells. Raises :class:`NotMended` with what could not be mended, once all that
    could be is.
    """
    failed: list[str] = []

    def healed(node: Node) -> list[str]:
        try:
            return _healed(node, dry_run=dry_run)
        except NodeError as error:
            failed.append(str(error))
            return []

    left = {name: lines for name, lines in each(nodes, healed).items() if lines}
    if failed:
        raise NotMended("; ".join(sorted(failed)), left)
    return left


def _healed(node: Node, *, dry_run: bool) -> list[str]:
    if dry_run:
        return node.run("sh -c %s", _SHOW).splitlines()
    result = node.ask("sh -c %s", _HEAL, limit=120)
    if result.rc != 0:
        why = end_of(result.stderr.strip())
        raise NodeError(f"{node.name}: not mended: {result.stdout.strip()}: {why}")
    node.ask("sh -c %s", f"[ -e {FOLDER} ] || {_DISARM}")
    return result.stdout.splitlines()
