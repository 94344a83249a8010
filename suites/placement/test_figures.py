"""Figures 17 and 18: what one server's VMs serve, 1 to 16 of them, pinned or not."""

from __future__ import annotations

import pytest

from fixtures.figures import (
    test_figure,
    test_what_is_said_of_two_sides,
    test_what_the_thesis_states,
)

__all__ = ["test_figure", "test_what_is_said_of_two_sides", "test_what_the_thesis_states"]

pytestmark = [
    pytest.mark.performance,
    pytest.mark.disruptive,
    # so that no lab boots guests on servers that no bar has
    pytest.mark.configuration(servers=1, vms_per_server=1),
]
