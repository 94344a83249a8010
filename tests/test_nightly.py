"""What .ci/nightly runs: all that nothing else does."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from halab import wait
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
    """Those of another lab or other guests are run where these are; queues and bonds by name."""
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
            and ("--topology=reports/bonded.yaml" in part.arguments) == (mutation.nics > 1)
        ]
        assert asking, mutation.name
        if mutation.queues > 1:
            assert "queues" in mutation.name
        if mutation.nics > 1:
            assert "bond" in mutation.name


def test_a_night_is_over_before_the_next_one() -> None:
    """Whoever starts it gives it as long as all of its parts together may take."""
    most = sum(part.minutes for part in PARTS)
    assert most <= 11 * 60
    assert "eleven hours at most" in (CHECKOUT / "docs/nightly.md").read_text()
    for file, limit in (
        ("github-actions.yml", "timeout-minutes: 660"),
        ("gitlab-ci.yml", "timeout: 11h"),
        ("halab-nightly.service", "TimeoutStartSec=11h"),
    ):
        assert limit in (CHECKOUT / "examples/nightly" / file).read_text(), file


def test_the_suites_that_a_change_has_to_pass_are_run_each_night() -> None:
    """All of them, on the lab that everybody has or on another."""
    for suite in sorted((CHECKOUT / "suites").glob("*/")):
        asking = [p for p in PARTS if p.marks in ("", "not performance")]
        if not suite.name.startswith("_"):
            assert any(p.takes(str(suite.relative_to(CHECKOUT))) for p in asking), suite.name


class Night:
    """The script beside a ./run of its own, of which each part does what it is told here."""

    def __init__(self, folder: Path, **does: str) -> None:
        self.folder = folder
        (folder / ".ci").mkdir()
        (folder / "topology.yaml").write_text("    queues: 1\n    nics: 1\n")
        cases = "".join(f"*reports/{name}.html*) {deed} ;;\n" for name, deed in does.items())
        self.put("run", f'#!/bin/bash\necho "$*" >>runs\ncase $* in\n{cases}esac\n')
        self.put(".ci/nightly", SCRIPT)

    def put(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)
        (self.folder / name).chmod(0o755)

    def begun(self, *names: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.folder / ".ci/nightly", *names],
            stdout=subprocess.PIPE, text=True, encoding="utf-8",
        )  # fmt: skip

    @property
    def runs(self) -> list[str]:
        """What was run, as it was called."""
        file = self.folder / "runs"
        return file.read_text().splitlines() if file.exists() else []


def test_a_part_that_fails_or_takes_too_long_keeps_no_other_from_running(tmp_path: Path) -> None:
    """Last it is told how each ended, and what failed once more, for cron to mail."""
    night = Night(tmp_path, ha="exit 1", foreign="sleep 60", slow="kill -KILL $$", thesis="exit 0")
    night.put(".ci/nightly", re.sub(r"^part \S+ foreign", "part 0.2s foreign", SCRIPT, flags=re.M))
    run = night.begun()
    out, _ = run.communicate(timeout=60)
    assert run.returncode == 1
    assert [*map(str.split, night.runs)][-1] == ["thesis"]
    assert len(night.runs) == len(PARTS) + 1
    _, _, told = out.partition("== all parts:\n")
    lines = dict(re.findall(r"^== (\S+) +\d+ s  (.*)$", told, re.MULTILINE))
    assert lines == {part.name: "passed" for part in PARTS} | {
        "ha": "status 1",
        "foreign": "not over within 0.2s",
        "slow": "killed: dmesg says whether memory ran out",
    }
    failed = re.findall(r"^== failed: (.*)$", out, re.MULTILINE)
    assert [words.split()[1] for words in failed] == ["ha", "pytest", "pytest"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_night_that_is_stopped_stops_its_part_and_no_other_begins(
    tmp_path: Path, number: signal.Signals
) -> None:
    """The part has time to mend what it broke, and can itself be interrupted by Ctrl-C."""
    mends = "trap 'echo mended >>runs; exit 2' TERM; trap 'echo interrupted >>runs' INT; "
    night = Night(tmp_path, suites=mends + "kill -INT $$; for i in {1..600}; do sleep 0.1; done")
    run = night.begun()
    wait.until(lambda: "interrupted" in night.runs, what="the second part is at it", within=20)
    run.send_signal(number)
    out, _ = run.communicate(timeout=20)
    assert run.returncode == 143
    assert night.runs[2:] == ["interrupted", "mended"]
    assert "== failed: the night itself, which was stopped" in out
    assert "== and the part that was under way: status 2" in out


def test_a_night_in_which_all_is_well_is_status_0(tmp_path: Path) -> None:
    run = Night(tmp_path).begun()
    out, _ = run.communicate(timeout=60)
    assert run.returncode == 0
    assert "failed" not in out


def test_a_night_may_be_of_some_parts_alone(tmp_path: Path) -> None:
    """As what is left of one that was stopped; a part that is not there is no night that passed."""
    night = Night(tmp_path)
    run = night.begun("java", "guests")
    out, _ = run.communicate(timeout=60)
    assert run.returncode == 0
    ran = re.findall(r"^== (\S+) +\d+ s  passed$", out, re.MULTILINE)
    assert ran == ["guests", "java"]
    assert len(night.runs) == len(ran) + 1
    run = night.begun("jave")
    out, _ = run.communicate(timeout=60)
    assert run.returncode == 1
    assert "== failed: there is no part jave" in out
