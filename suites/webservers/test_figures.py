"""Figures 13, 15 and 16 and annexes A.11 and A.13: what one web VM serves by itself."""

from __future__ import annotations

import pytest

from fixtures.figures import (
    test_figure,
    test_what_is_said_of_two_sides,
    test_what_the_thesis_states,
)

__all__ = ["test_figure", "test_what_is_said_of_two_sides", "test_what_the_thesis_states"]

pytestmark = [pytest.mark.performance, pytest.mark.disruptive]
