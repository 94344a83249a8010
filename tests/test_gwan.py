"""G-WAN: whatever program the topology names is run as G-WAN is, on every web VM.

There is no G-WAN to be had. A stand-in shows that a binary gets there, is started beside the
folders that G-WAN looks for, and is judged by the pages that it serves.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from halab.configuration import Configuration
from halab.errors import ConfigurationError, TopologyError
from halab.placement import Machine
from halab.topology import Topology

CHECKOUT = Path(__file__).parents[1]
AS_IT_IS = (CHECKOUT / "topology.yaml").read_text()
STAND_IN = """\
#!/bin/sh
cd "$(dirname "$0")/0.0.0.0_80/#0.0.0.0/www" || exit
{first}
exec python3 -m http.server 80
"""


def topology(folder: Path, first: str = "") -> Path:
    """One that names a stand-in, which does something before it serves."""
    binary, file = folder / "gwan", folder / "topology.yaml"
    binary.write_text(STAND_IN.format(first=first))
    binary.chmod(0o755)
    file.write_text(AS_IT_IS.replace("webserver:\n", f"webserver:\n  gwan: {binary}\n"))
    return file


def test_only_a_topology_with_its_binary_can_have_it(tmp_path: Path) -> None:
    gwan, director = Configuration(web_server="g-wan"), Machine(frozenset({0, 1}), 1)
    with pytest.raises(ConfigurationError, match="closed and no longer distributed"):
        gwan.check(Topology.load(CHECKOUT / "topology.yaml"), director)
    gwan.check(Topology.load(topology(tmp_path)), director)


def test_what_is_no_program_is_told_with_its_line(tmp_path: Path) -> None:
    file = topology(tmp_path)
    (tmp_path / "gwan").chmod(0o644)
    with pytest.raises(TopologyError, match=r":\d+: webserver.gwan: .*gwan is no program here"):
        Topology.load(file)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "status"), [("", 0), ("sed -i s/web2/web1/ index.html", 1)], ids=["right", "wrong"]
)
def test_the_suite_judges_what_it_serves(first: str, status: int, tmp_path: Path) -> None:
    """In a lab of its own; a page that names another VM is found directly and through HAProxy."""
    run = subprocess.run(
        [
            sys.executable, "-m", "pytest", "suites/webservers/test_gwan.py",
            f"--topology={topology(tmp_path, first)}", f"--lab-name=gwan-{os.getpid()}",
            "-o", "addopts=--strict-markers --import-mode=importlib -p no:cacheprovider",
        ],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=200,
    )  # fmt: skip
    assert run.returncode == status, run.stdout[-3000:]
    assert f"{2 * status} failed" in run.stdout if status else "2 passed" in run.stdout
