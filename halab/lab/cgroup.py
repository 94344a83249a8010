"""The control groups that a lab's machines live in, in every hierarchy that systemd needs.

systemd-nspawn, told to keep its unit, builds its tree below the group that it is started
in; each machine therefore gets a group of its own, ``halab/<lab>/<machine>``.
"""

from __future__ import annotations

import os
from pathlib import Path

from halab import wait


def _hierarchies() -> list[Path]:
    """The mount points of cgroup v2 and of systemd's own v1 hierarchy, as far as they exist."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        left, right = line.split(" - ", 1)
        kind, _, options = right.split(" ", 2)
        if kind == "cgroup2" or (kind == "cgroup" and "name=systemd" in options.split(",")):
            found.append(Path(left.split()[4]))
    return found


def groups(lab: str, machine: str = "") -> list[Path]:
    """The group of a lab, or of one of its machines, in each hierarchy."""
    return [root / "halab" / lab / machine for root in _hierarchies()]


def join(lab: str, machine: str) -> None:
    """Move the calling process into the machine's group, which is made if it is missing."""
    for group in groups(lab, machine):
        group.mkdir(parents=True, exist_ok=True)
        (group / "cgroup.procs").write_text(str(os.getpid()))


def kill(lab: str, machine: str) -> None:
    """Kill every process of the machine at one stroke, as a power cut does (cgroup.kill)."""
    for group in groups(lab, machine):
        switch = group / "cgroup.kill"
        if switch.exists():  # cgroup v2 only; every process is in it too
            switch.write_text("1")


def remove(lab: str, machine: str = "") -> None:
    """Remove the lab's (or the machine's) groups; its processes have been killed before.

    Raises :class:`halab.errors.NotReached` if they are still busy after 5 s.
    """
    for group in groups(lab, machine):
        wait.until(
            lambda group=group: _remove_tree(group),  # type: ignore[misc]
            what=f"the control group {group} is empty",
            within=5,
            every=0.01,
        )
        parent = group.parent
        if (
            parent.name == "halab"
            and parent.is_dir()
            and not any(child.is_dir() for child in parent.iterdir())
        ):
            parent.rmdir()


def _remove_tree(top: Path) -> bool:
    """Remove what is empty of the tree; True when all of it is gone."""
    for folder, _, _ in os.walk(top, topdown=False):
        try:
            os.rmdir(folder)
        except OSError:  # still busy: the caller tries again until its deadline
            return False
    return True
