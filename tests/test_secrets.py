"""Secrets are planted, everything fails, and whatever was written is searched for them."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from halab.lab import rack
from halab.redaction import HIDDEN

CHECKOUT = Path(__file__).parents[1]
THESIS = (CHECKOUT / "topology.yaml").read_text()
VRRP, STATS = "Zq4&<>p7", "Zq4-s&T<aT%>.7"
"""With all that pages, files and shells write otherwise; what is looked for is in each form."""
MARKS = ("Zq4&", "Zq4-s", base64.b64encode(f"operator:{STATS}".encode()).decode())
LAB = "secrets"


@pytest.fixture
def topology(tmp_path: Path) -> Path:
    """The thesis's cluster, with one password from a file and one from the environment."""
    path = tmp_path / "topology.yaml"
    text = THESIS.replace("auth_type: PASS", "auth_type: PASS, auth_pass_env: PLANTED")
    path.write_text(text.replace("user: operator", "user: operator, password_file: stats"))
    (tmp_path / "stats").write_text(f"{STATS}\n")
    (tmp_path / "stats").chmod(0o600)
    return path


def run(*arguments: str, vrrp: str = VRRP) -> subprocess.CompletedProcess[str]:
    """Pytest of this checkout, which finds the password in its environment."""
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=CHECKOUT,
        env={**os.environ, "PLANTED": vrrp},
        capture_output=True,
        text=True,
        timeout=200,
    )


class Looking:
    """At the command lines of all processes of this machine, which are those of nodes too."""

    def __init__(self) -> None:
        self.key: set[str] = set()
        self.seen = 0
        self.leaks: set[str] = set()
        self._over = threading.Event()

    def look(self) -> None:
        """Again and again until it is over."""
        while not self._over.wait(0.005):
            key = rack.state(LAB) / "id_ed25519"
            if not self.key and key.exists():
                self.key = set(key.read_text().splitlines()[1:-1])
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    line = (process / "cmdline").read_bytes().decode(errors="replace")
                except OSError:  # it has ended
                    continue
                self.seen += 1
                if any(secret in line for secret in (*MARKS, *self.key)):
                    self.leaks.add(line.replace("\0", " "))

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Beside the block."""
        thread = threading.Thread(target=self.look)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()


def test_no_failure_gives_a_secret_away(topology: Path, tmp_path: Path) -> None:
    """Errors, failures with all locals, hanging and dead nodes, dumps, an interrupted session."""
    written = tmp_path / "written"
    looking = Looking()
    with looking.going_on():
        ran = run(
            "pytest", "tests/failing_with_secrets.py", f"--topology={topology}",
            f"--lab-name={LAB}", "--lab=embedded", "--tb=long", "--showlocals", "--full-trace",
            "-vv", "-rA", "--log-level=DEBUG", "-o", "log_cli=true",
            f"--log-file={written}/log", f"--html={written}/report.html",
            f"--junitxml={written}/junit.xml",
        )  # fmt: skip
    assert written.exists(), ran.stdout[-3000:] + ran.stderr[-3000:]
    for name, said in (("stdout", ran.stdout), ("stderr", ran.stderr)):
        (written / name).write_text(said)

    assert ran.returncode == 2, ran.stdout[-3000:]  # interrupted, as it was to be
    passed = re.findall("^PASSED .*::(.*)", ran.stdout, re.MULTILINE)
    assert passed == ["test_nodes_have_written_them_nowhere"], ran.stdout[-6000:]
    assert " 11 failed, 1 passed, 1 error in " in ran.stdout
    assert looking.seen > 1000
    assert looking.key
    names = {file.name for file in written.iterdir()}
    assert {"report.html", "report.md", "junit.xml", "last-run.json", "log"} <= names
    report, page = ((written / f"report.{kind}").read_text() for kind in ("html", "md"))
    assert f"a page of {HIDDEN}" in report
    assert "a page of " + HIDDEN.replace("*", r"\*") in page
    assert "haproxy: planted" in report
    found = {
        file.name: [line[:200] for line in text.splitlines() if any(s in line for s in secrets)]
        for secrets in [(*MARKS, *looking.key)]
        for file in written.iterdir()
        if any(secret in (text := file.read_text()) for secret in secrets)
    }
    assert not found
    assert not looking.leaks


@pytest.mark.parametrize(
    ("command", "vrrp"),
    [
        ("pytest --collect-only", f"{VRRP}-too-long"),
        ("halab.cli lab status", f"{VRRP[:5]} {{"),
        ("halab.cli lab status", f"{VRRP[:6]}\n}}"),
    ],
)
def test_bad_topology_gives_no_secret_away(topology: Path, command: str, vrrp: str) -> None:
    """It is refused for the password, in each way to come by it."""
    ran = run(*command.split(), f"--topology={topology}", vrrp=vrrp)
    assert ran.returncode == 4, ran.stderr
    assert "vrrp.authentication.auth_pass_env: " in ran.stdout + ran.stderr
    assert VRRP[:5] not in ran.stdout + ran.stderr
