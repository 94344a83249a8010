"""Whether HAProxy and keepalived take a set-up's files, asked on the director itself."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from halab import sysctl, tracking
from halab.gate.judgement import Row, Verdict
from halab.node import Node
from halab.set_up import HAPROXY, KEEPALIVED, PATHS, SYSCTL, scrubbed

FOLDER = "/run/halab-gate"
BINARY = FOLDER + "/haproxy"
ENDS_ITSELF = 143
"""By SIGTERM: so ends keepalived 2.2.7 when it has checked a script, whatever it found."""
NAMES = {PATHS[name]: name for name in (HAPROXY, KEEPALIVED)}

# The files of a set-up stand in their places for the program that checks them, and for nobody
# else: in a mount namespace of its own. So does the user of a script that nobody has run yet.
_IN_PLACE = f"""\
set -e
if [ -e {FOLDER}/files{tracking.USER} ]; then
    name=$(sed -n "s/^u ([^ ]+) .*/\\1/p" -E {FOLDER}/files{tracking.USER})
    cp /etc/passwd {FOLDER}/passwd
    id -u "$name" >/dev/null 2>&1 || echo "$name:x:65533:65534:::" >>{FOLDER}/passwd
    mount --bind {FOLDER}/passwd /etc/passwd
fi
for folder in /etc/haproxy /etc/keepalived; do
    if [ -d {FOLDER}/files$folder ]; then
        mount -t tmpfs -o mode=700 tmpfs /mnt
        cp -a $folder/. /mnt/
        cp -a {FOLDER}/files$folder/. /mnt/
        mount --move /mnt $folder
    fi
done
exec "$@"
"""


@contextmanager
def workplace(node: Node) -> Iterator[None]:
    """A folder on the node, for root alone, that is gone after the block."""
    node.run("rm -rf -- %s && mkdir -m 700 -- %s", FOLDER, FOLDER)
    try:
        yield
    finally:
        node.run("rm -rf -- %s", FOLDER)


def remarks(node: Node, files: Mapping[str, str], binary: str) -> dict[str, list[str]]:
    """What the programs say against these files, by path; an empty list where they take them.

    In a :func:`workplace`. Anything that keepalived says is against it, HAProxy's warnings are not.
    """
    node.run("rm -rf -- %s/files", FOLDER)
    # keepalived passes over a configuration that may be executed, and is content
    node.put_all({f"{FOLDER}/files{path}": text for path, text in files.items()}, mode=0o600)
    if tracking.SCRIPT in files:
        node.run("chmod 755 %s", f"{FOLDER}/files{tracking.SCRIPT}")
    checks = {
        PATHS[HAPROXY]: f"{binary} -c -f {PATHS[HAPROXY]}",
        PATHS[KEEPALIVED]: f"keepalived -t -f {PATHS[KEEPALIVED]}",
    }
    found = {}
    for path, command in checks.items():
        # exit: a shell that stays says by a status which signal ended the program
        inside = f"unshare --mount sh -c {shlex.quote(_IN_PLACE)} sh {command}; exit $?"
        asked = node.ask(inside)
        said = scrubbed(f"{asked.stdout}\n{asked.stderr}", list(files.values()))
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        if path == PATHS[HAPROXY]:
            lines = [] if asked.rc == 0 else _alerts(lines)
        if asked.rc == ENDS_ITSELF:
            lines = [line for line in lines if line != "Terminated"]  # the shell's word for it
        elif asked.rc != 0 and not lines:
            lines = [f"status {asked.rc}"]
        found[path] = lines
    return found


def _alerts(lines: Sequence[str]) -> list[str]:
    """What HAProxy refuses for, of all that it says; everything where it marks nothing."""
    marked = [line.partition(" : ")[2] for line in lines if line.startswith("[ALERT]")]
    return [line.removeprefix("config : ") for line in marked] or list(lines)


def version(node: Node, program: str) -> str:
    """What a program says that it is, when asked as HAProxy is."""
    asked = node.ask("%s -v", program)
    said = (asked.stdout.strip() or asked.stderr.strip() or "it says nothing").splitlines()[0]
    return said.partition(" - ")[0][:80]


def rows(
    node: Node, today: Mapping[str, str], candidate: Mapping[str, str], binary: str, usual: str
) -> list[Row]:
    """A row for each program: what it has against the candidate that it has not against today's."""
    found = []
    if binary != usual:
        old, new = version(node, usual), version(node, binary)
        is_one = new.startswith("HAProxy version")
        verdict, why = (Verdict.ACCEPT, "") if is_one else (Verdict.REJECT, "it is no HAProxy")
        found.append(Row(f"{node.name}: program", old, new, verdict, why))
        if not is_one:
            return found
    if sysctl.FILE in candidate:
        found += _of_sysctl(node, candidate[sysctl.FILE])
    before, after = remarks(node, today, usual), remarks(node, candidate, binary)
    for path, said in after.items():
        known = {_unplaced(line) for line in before[path]}
        against = [line for line in said if _unplaced(line) not in known]
        found.append(
            Row(
                f"{node.name}: {NAMES[path]}",
                "taken" if not before[path] else "taken, with remarks",
                "refused" if against else "taken",
                Verdict.REJECT if against else Verdict.ACCEPT,
                " / ".join(against[:3]),
            )
        )
    return found


def _of_sysctl(node: Node, text: str) -> list[Row]:
    """Whether the node has these settings, and lets them be changed."""
    what = f"{node.name}: {SYSCTL}"
    if not sysctl.keys(text):
        return [Row(what, "", "refused", Verdict.REJECT, "it sets nothing")]
    said = node.run(sysctl.unknown(text)).split()
    if absent := [key for key in said if not key.startswith("-")]:
        why = f"there is no {', '.join(absent)}"
        return [Row(what, "", "refused", Verdict.REJECT, why)]
    if said:
        why = f"{', '.join(said).replace('-', '')} cannot be set here: --lab=emulated"
        return [Row(what, "", "not to be tried", Verdict.UNDECIDED, why)]
    return [Row(what, "", "taken")]


def _unplaced(line: str) -> str:
    """A remark without the times, PIDs and line numbers of it."""
    return re.sub(r"\d+", "#", line)
