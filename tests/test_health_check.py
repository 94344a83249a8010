"""HAProxy's health check: the times that HAProxy takes to know of a change."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from halab.health_check import HealthCheck

# Annex A.15 sets none of its times: HAProxy's defaults.
THESIS = HealthCheck(True, 80, timeout_connect=5)


class TestDetection:
    """How long until HAProxy knows."""

    def test_refused_checks_of_the_thesis(self) -> None:
        """Just after a good check: 2 s, and 2 s between each of the three."""
        assert THESIS.detection(silent=False) == 6

    def test_silent_checks_of_the_thesis(self) -> None:
        """Each of the three takes its timeout of 2 s as well: 12 s."""
        assert THESIS.detection(silent=True) == 12

    def test_fastinter_counts_between_failures_only(self) -> None:
        """The first one is still inter away."""
        quick = HealthCheck(True, inter=5, fastinter=0.5, fall=4)
        assert quick.detection(silent=False) == 5 + 3 * 0.5
        assert quick.detection(silent=True) == 5 + 3 * 0.5 + 4 * 5

    def test_timeout_check_lets_timeout_connect_bound_a_silent_check(self) -> None:
        """Not its own value, which is for the time after the connection."""
        assert HealthCheck(True, timeout_connect=0.5).timeout == 2
        assert HealthCheck(True, timeout_connect=0.5, timeout_check=9).timeout == 0.5
        assert HealthCheck(True, inter=0.1, timeout_connect=0.5, timeout_check=9).timeout == 0.1
        assert HealthCheck(True, timeout_check=9).timeout == 2
        assert HealthCheck(True, timeout_connect=0.5, timeout_check=0).timeout == 2

    def test_spread_checks_stretch_every_interval(self) -> None:
        """But not the timeouts."""
        spread = HealthCheck(True, spread_checks=50)
        assert spread.detection(silent=False) == 9
        assert spread.detection(silent=True) == 15
        assert spread.recovery() == 6

    def test_server_without_check_is_never_found_down(self) -> None:
        """Nor up again."""
        assert HealthCheck().detection(silent=False) == math.inf
        assert HealthCheck().recovery() == math.inf

    def test_only_an_http_check_sees_a_process_that_hangs_or_fails(self) -> None:
        """Its connection alone would pass."""
        assert THESIS.detection_of_frozen == THESIS.detection_of_errors == math.inf
        http = HealthCheck(True, http=True)
        assert (http.detection_of_frozen, http.detection_of_errors) == (12, 6)

    def test_timeout_check_bounds_the_wait_for_an_answer(self) -> None:
        """In place of inter, once the connection is there."""
        http = HealthCheck(True, http=True, timeout_connect=5, timeout_check=0.5)
        assert http.detection_of_frozen == 6 + 3 * 0.5

    @given(st.integers(1, 10), st.integers(1, 60_000), st.integers(1, 60_000))
    def test_silence_never_shows_sooner_than_refusal(
        self, fall: int, inter: int, fast: int
    ) -> None:
        """It takes the timeouts too."""
        checked = HealthCheck(True, fall=fall, inter=inter / 1000, fastinter=fast / 1000)
        assert checked.detection(silent=True) > checked.detection(silent=False)


class TestRecovery:
    """How long until HAProxy believes it again."""

    def test_of_the_thesis(self) -> None:
        """Just after a failed check: 2 s, and 2 s to the second good one."""
        assert THESIS.recovery() == 4

    def test_after_silence_a_check_may_be_lost_yet(self) -> None:
        """It began before the host was back."""
        assert THESIS.recovery(silent=True) == 6

    def test_downinter_until_the_first_and_fastinter_until_the_others(self) -> None:
        """A server with one good check is on its way up."""
        slow = HealthCheck(True, downinter=10, fastinter=1, rise=3)
        assert slow.recovery() == 10 + 2 * 1
        assert HealthCheck(True, downinter=10, rise=1).recovery() == 10
