"""Figures 17 and 18: what one server"s VMs serve, in 1 to 16 layouts, pinned or not."""

from __future__ import annotations

import pytest

from fixtures.figures import (
    test_figure,
    test_what_is_said_of_two_sides,
    test_what_the_thesis_states,
)

__all__ = ["test_figure", "test_what_is_said_of_two_sides", "test_what_the_thesis_states"]

pytestmark = [pytest.mark.performance, pytest.mark.disruptive]
