"""What .ci/nightly runs: all that nothing else does."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.mutations.catalogue import MUTATIONS

CHECKOUT = Path(__file__).parents[1]
SCRIPT = (CHECKOUT / ".ci/nightly").read_text()


@dataclass(frozen=True)
class Part:
    """A line of it: minutes that it may take, the name of its report, and pytest's arguments."""

    minutes: int
    name: str
    run: str
    arguments: tuple[str, ...]

    @property
    def marks(self) -> str:
        """What -m asks for; pytest.ini's own where it is not given."""
        return self.arguments[self.arguments.index("-m") + 1] if "-m" in self.arguments else ""

    def takes(self, path: str) -> bool:
        """Whether it collects this file."""
        folders = [a for a in self.arguments if re.match(r"(suites|tests)\b", a)]
        if self.run == "ha":
            folders += ["suites/ha", "suites/backends"]
        ignored = [a.partition("=")[2] for a in self.arguments if a.startswith("--ignore=")]
        return path not in ignored and any(f"{path}/".startswith(f"{f}/") for f in folders)


def parts() -> list[Part]:
    """All of them, with lines that go on joined."""
    found = []
    for line in SCRIPT.replace("\\\n", " ").splitlines():
        if re.match(r"part \d", line):
            _, limit, name, _, run, *arguments = shlex.split(line)
            found.append(Part(int(limit.removesuffix("m")), name, run, tuple(arguments)))
    return found


PARTS = parts()


def marked(mark: str) -> list[str]:
    """The files that have tests with this mark."""
    return [
        str(path.relative_to(CHECKOUT))
        for folder in ("tests", "suites")
        for path in sorted((CHECKOUT / folder).rglob("test_*.py"))
        if f"pytest.mark.{mark}" in path.read_text()
    ]


def test_every_part_names_what_is_there_and_has_a_report_of_its_own() -> None:
    assert len(PARTS) == SCRIPT.count("\npart ")
    assert len({part.name for part in PARTS}) == len(PARTS)
    for part in PARTS:
        assert part.run in ("ha", "pytest")
        for word in part.arguments:
            path = word.removeprefix("--ignore=")
            if re.match(r"(suites|tests)\b", path):
                assert (CHECKOUT / path).exists(), word


@pytest.mark.parametrize("mark", ["nightly", "performance"])
def test_every_file_with_what_only_a_night_has_time_for_is_run(mark: str) -> None:
    """By a part that asks for this mark, or leaves out only the other one."""
    other = {"nightly": "performance", "performance": "nightly"}[mark]
    asking = [part for part in PARTS if part.marks in (mark, f"not {other}")]
    assert marked(mark)
    for path in marked(mark):
        if path != "tests/test_nightly.py":
            assert any(part.takes(path) for part in asking), f"{path}: nobody runs its {mark} tests"


def test_every_slow_file_is_run() -> None:
    for path in marked("slow"):
        asking = [p for p in PARTS if not p.marks or p.marks.startswith(("slow", "not "))]
        assert any(part.takes(path) for part in asking), path


def test_every_mutation_has_a_lab_that_can_be_broken_so() -> None:
    """Those of another lab or other guests are run where these are; queues by their name."""
    for mutation in MUTATIONS:
        lab = {"embedded": None, "emulated": "--lab=emulated"}[mutation.lab]
        guests = {"containers": None}.get(mutation.guests, f"--guests={mutation.guests}")
        wanted = {option for option in (lab, guests) if option}
        asking = [
            part
            for part in PARTS
            if part.takes("tests/mutations/test_mutations.py")
            and {a for a in part.arguments if a.startswith(("--lab", "--guests"))} == wanted
            and ("--topology=reports/queues.yaml" in part.arguments) == (mutation.queues > 1)
        ]
        assert asking, mutation.name
        if mutation.queues > 1:
            assert "queues" in mutation.name


def test_a_night_is_over_before_the_next_one() -> None:
    """Whoever starts it gives it as long as all of its parts together may take."""
    most = sum(part.minutes for part in PARTS)
    assert most <= 10 * 60
    for file, limit in (
        ("github-actions.yml", "timeout-minutes: 600"),
        ("gitlab-ci.yml", "timeout: 10h"),
        ("halab-nightly.service", "TimeoutStartSec=10h"),
    ):
        assert limit in (CHECKOUT / "examples/nightly" / file).read_text(), file
