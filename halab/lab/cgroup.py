"""The control groups that a lab's machines live in, in every hierarchy that systemd needs.

systemd-nspawn, told to keep its unit, builds its tree below the group that it is started
in; each machine therefore gets a group of its own, ``halab/<lab>/<machine>``.
"""

from __future__ import annotations

import os
from pathlib import Path

from halab import wait
from halab.errors import LabError


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


WEIGHT = 100
"""What the kernel gives a group of its own accord (cgroup v2, cpu.weight; 1 to 10000)."""

LABS_WEIGHT = 4 * WEIGHT
"""All labs together, against each process outside that has a group of its own or none.

Who drives them is outside too, and so are the kernel's own threads: with 16 these, once woken,
waited for up to 3.8 s on a busy machine.
"""


def join(lab: str, machine: str, weight: int | None = None) -> None:
    """Move the calling process into the machine's group, which is made if it is missing.

    Where CPU time is short, machines that have a ``weight`` get theirs by it, each as a whole. One
    without is in no group of the cpu controller, where v1's gives none of its processes a
    real-time priority. A host without the controller has no weights.
    """
    joined = groups(lab, machine)
    cpu = _cpu_group(lab, machine) if weight else None
    if cpu and cpu not in joined:
        joined.append(cpu)
    for group in joined:
        group.mkdir(parents=True, exist_ok=True)
        (group / "cgroup.procs").write_text(str(os.getpid()))
    if cpu and weight:
        _weigh(cpu.parents[1], LABS_WEIGHT)
        _weigh(cpu, weight)


def _weigh(group: Path, weight: int) -> None:
    if (group / "cpu.weight").exists():
        (group / "cpu.weight").write_text(str(weight))
    else:
        # the default of v1 is 1024
        (group / "cpu.shares").write_text(str(weight * 1024 // WEIGHT))


def kill(lab: str, machine: str) -> None:
    """Kill every process of the machine at one stroke, as a power cut does (cgroup.kill)."""
    for group in groups(lab, machine):
        switch = group / "cgroup.kill"
        if switch.exists():  # cgroup v2 only; every process is in it too
            switch.write_text("1")


def freeze(lab: str, machine: str) -> None:
    """Stop every process of the machine where it is (cgroup v2, cgroup.freeze).

    Returns when all have stopped; raises :class:`halab.errors.NotReached` after 5 s.
    """
    _set_frozen(lab, machine, frozen=True)


def thaw(lab: str, machine: str) -> None:
    """Let them go on; does no harm to a machine that is not frozen, or off."""
    _set_frozen(lab, machine, frozen=False)


def _set_frozen(lab: str, machine: str, *, frozen: bool) -> None:
    for group in groups(lab, machine):
        switch, events = group / "cgroup.freeze", group / "cgroup.events"
        if switch.exists():
            switch.write_text(str(int(frozen)))
            state = f"frozen {int(frozen)}"
            wait.until(
                lambda events=events, state=state: state in events.read_text(),  # type: ignore[misc]
                what=f"the control group {group} is {'frozen' if frozen else 'thawed'}",
                within=5,
                every=0.005,
            )


PERIOD = 100_000
"""Microseconds within which a share of CPU time is spent; the kernel's default."""


def starve(lab: str, machine: str, share: float) -> None:
    """Give the machine's processes together this share of one CPU's time, in each PERIOD.

    A limit, not a load beside it: a load would take its time from every other machine too.
    """
    quota = max(int(share * PERIOD), 1000)  # the kernel takes no less
    group = _limited(lab, machine)
    if (group / "cpu.max").exists():
        (group / "cpu.max").write_text(f"{quota} {PERIOD}")
    else:
        (group / "cpu.cfs_period_us").write_text(str(PERIOD))
        (group / "cpu.cfs_quota_us").write_text(str(quota))


def cpu_time(lab: str, machine: str) -> float:
    """Seconds of CPU time that the machine's processes have had (cgroup v2, cpu.stat).

    The host's kernel counts them; a guest's own does not see that its CPUs stand still meanwhile.
    """
    for group in groups(lab, machine):
        if (group / "cpu.stat").exists():
            stat = dict(line.split() for line in (group / "cpu.stat").read_text().splitlines())
            return int(stat["usage_usec"]) / 1e6
    raise LabError(f"{machine} has no control group that counts its CPU time: is it off?")


def feed(lab: str, machine: str) -> None:
    """Take the limit away; does no harm where there is none."""
    group = _limited(lab, machine)
    if (group / "cpu.max").exists():
        (group / "cpu.max").write_text("max")
    elif (group / "cpu.cfs_quota_us").exists():
        (group / "cpu.cfs_quota_us").write_text("-1")


def _limited(lab: str, machine: str) -> Path:
    group = _cpu_group(lab, machine)
    if group is None:
        raise LabError("no hierarchy of control groups has the cpu controller")
    if not group.exists():
        raise LabError(f"{machine} has no weight, and so no share of the CPU that can be limited")
    return group


def _cpu_group(lab: str, machine: str) -> Path | None:
    """The machine's group that has the cpu controller: in v2 where it is enabled, else in v1."""
    for root in _hierarchies():
        controllers = root / "cgroup.controllers"
        if controllers.exists() and "cpu" in controllers.read_text().split():
            (root / "halab" / lab).mkdir(parents=True, exist_ok=True)
            for parent in (root, root / "halab", root / "halab" / lab):
                (parent / "cgroup.subtree_control").write_text("+cpu")
            return root / "halab" / lab / machine
    v1 = _cpu_v1()
    return v1 / "halab" / lab / machine if v1 else None


def _cpu_v1() -> Path | None:
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        left, right = line.split(" - ", 1)
        kind, _, options = right.split(" ", 2)
        if kind == "cgroup" and "cpu" in options.split(","):
            return Path(left.split()[4])
    return None


def remove(lab: str, machine: str = "") -> None:
    """Remove the lab's (or the machine's) groups; its processes have been killed before.

    Raises :class:`halab.errors.NotReached` if they are still busy after 5 s.
    """
    weighed = [root / "halab" / lab / machine] if (root := _cpu_v1()) else []
    for group in (*groups(lab, machine), *weighed):
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
