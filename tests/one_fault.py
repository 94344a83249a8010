"""A suite that breaks one thing and goes on until the run is ended: never collected.

``FAULT`` in the environment names it, ``CRASH`` how a fixture fails and after how many seconds, and
``LASTS`` how long it lasts if nothing ends it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from halab import faults, wait
from halab.cluster import Cluster
from tests.foreign_lab.breaker import CATALOGUE, Made

PANEL: dict[str, Made] = {
    "power cut": lambda c: faults.powered_off(c, c.master),
    "a server without power": lambda c: faults.server_off(c, next(iter(c.servers))),
    "a VM without power": lambda c: faults.vm_off(c, c.backends[0]),
    "frozen": lambda c: faults.director_frozen(c, c.master),
    "starved": lambda c: faults.cpu_starved(c, c.backup),
    "port down": lambda c: faults.port_down(c, c.master),
    "partition": faults.cut_off,
    "deaf": lambda c: faults.deaf_to(c, c.backup, c.master),
    "adverts lost": faults.adverts_lost,
    "three adverts lost": lambda c: faults.adverts_lost_in_a_row(c, 3),
    "a web server failing": lambda c: faults.answering(c, c.backends[5]),
    "a web server slow": lambda c: faults.slow(c, c.backends[6]),
}
"""What takes a front panel or Apache, besides."""
ALL = CATALOGUE | PANEL

# it has no time limit of its own, which would go before that of the command line
pytestmark = pytest.mark.disruptive


@pytest.fixture
def broken(
    cluster: Cluster,
    inflict: Callable[[AbstractContextManager[None]], object],
    progress: Callable[[str], None],
) -> None:
    """The fault is there."""
    progress(f"breaking: {os.environ['FAULT']}")
    inflict(ALL[os.environ["FAULT"]](cluster))


@pytest.fixture
def crash(broken: None) -> None:
    """This run's own fixture fails, or takes the whole process with it."""
    how, _, after = os.environ.get("CRASH", "").partition(" ")
    if how:
        wait.passing(float(after))
        if how == "abort":
            os.abort()
        raise RuntimeError("this fixture crashed on purpose")


def test_that_lasts(crash: None) -> None:
    """It passes if nothing ends it."""
    wait.passing(float(os.environ.get("LASTS", "60")))
