"""Figures 29 and 30: what four HAProxy processes serve with RPS and with RFS."""

from __future__ import annotations

import pytest

from fixtures.figures import (
    test_figure,
    test_what_is_said_of_two_sides,
    test_what_the_thesis_states,
)

__all__ = ["test_figure", "test_what_is_said_of_two_sides", "test_what_the_thesis_states"]

pytestmark = [pytest.mark.performance, pytest.mark.disruptive]
