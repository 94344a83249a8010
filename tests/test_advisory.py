"""Which versions the table of advisories holds for open."""

from __future__ import annotations

import pytest

from halab import advisory
from halab.advisory import Advisory, Installed

HOLE = Advisory(
    "CVE-0", "haproxy", "a hole", ("2.0.33", "2.4.24", "2.6.15"), since="2.0",
    debian={"bookworm": "2.6.12-1+deb12u1"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("version", "open_there"),
    [
        ("1.9.16", False),  # older than the hole
        ("2.0.32", True),
        ("2.0.33", False),
        ("2.2.31", True),  # a branch that never got a sound release
        ("2.4.24-1ubuntu3", False),
        ("2.6.14-1~bpo12+1", True),
        ("2.6.15", False),
        ("2.8.0", False),  # branched off later
    ],
)
def test_each_branch_has_its_own_sound_release(version: str, open_there: bool) -> None:
    """2.4.24 is sound, though 2.6.14 is not."""
    assert HOLE.open_in(Installed("haproxy", version)) is open_there


def test_other_programs_are_not_meant() -> None:
    """Whatever their version."""
    assert not HOLE.open_in(Installed("keepalived", "2.2.7"))


@pytest.mark.parametrize(
    ("installed", "package"),
    [
        (Installed("haproxy", "2.6.12-1+deb12u4", "bookworm"), "2.6.12-1+deb12u1"),
        (Installed("haproxy", "2.6.12", "bookworm"), None),  # built from source there
        (Installed("haproxy", "3.0.11-1+deb13u2", "trixie"), None),
    ],
    ids=str,
)
def test_package_is_judged_by_its_distribution(installed: Installed, package: str | None) -> None:
    """Debian mends a hole and keeps the program's version."""
    assert HOLE.package(installed) == package


def test_epoch_is_no_part_of_the_programs_version() -> None:
    """Nor is OpenSSH's p."""
    assert Installed("sshd", "1:9.2p1-2+deb12u10").upstream == (9, 2, 1)
    assert Installed("keepalived", "2.2.7").upstream == (2, 2, 7)


def test_table_has_the_programs_that_are_looked_for() -> None:
    """An entry for any other would never be found, one with no sound release never be mended."""
    as_of, known = advisory.table()
    assert as_of.startswith("20")
    assert {entry.program for entry in known} <= advisory.PROGRAMS.keys()
    assert all(entry.fixed for entry in known)
    assert len({entry.id for entry in known}) == len(known)
