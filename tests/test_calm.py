"""The prober's calm, by which a watch knows that the service is there: real runs on 127.0.0.1."""

from __future__ import annotations

from contextlib import closing

import pytest

from halab import wait
from tests.test_probe import PAGE, Server, put, started

__all__ = ["put"]  # a fixture

NEAR = 0.05
"""Seconds by which two processes on a busy machine may tell a moment otherwise."""


def test_calm_ends_where_an_answer_is_waited_for_and_begins_after_the_last_loss(put: str) -> None:
    with closing(Server(PAGE)) as server:
        driver, _ = started(put, server.port, timeout=0.4)
        wait.passing(0.2)
        answered = driver.calm()
        server.answer, silent = None, wait.clock()
        wait.passing(0.2)
        waiting, waited = driver.calm(), wait.clock() - silent
        wait.passing(0.4)
        losing = driver.calm()
        server.answer, back = PAGE, wait.clock()
        wait.passing(0.6)
        again, calm = driver.calm(), wait.clock() - back
        driver.stop()

    assert answered.lasted > 0.1
    assert waiting.lasted == pytest.approx(answered.lasted, abs=NEAR), "it is not lost yet"
    assert waiting.undecided == pytest.approx(waited, abs=NEAR)
    assert losing.lasted < NEAR, "what was lost is in it"
    assert losing.undecided == pytest.approx(0.4, abs=NEAR)
    assert again.lasted == pytest.approx(calm, abs=NEAR)
    assert answered.undecided < NEAR
    assert again.undecided < NEAR
