"""Figures 20, 21, 23 and 24: what one to four HAProxy processes serve, pinned or not."""

from __future__ import annotations

import pytest

from fixtures.figures import (
    test_figure,
    test_what_is_said_of_two_sides,
    test_what_the_thesis_states,
)

__all__ = ["test_figure", "test_what_is_said_of_two_sides", "test_what_the_thesis_states"]

pytestmark = [pytest.mark.performance, pytest.mark.disruptive]
