"""Receive work by CPU: the kernel's counters, and what was done between two readings."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from halab.errors import NodeError
from halab.softnet import Counters, busy, softirqs, softnet

SOFTIRQS = """\
                    CPU0       CPU1       CPU2       CPU3
          HI:          0          1          0          0
       TIMER:     334827     331311     300100     298007
      NET_TX:       3894       1773         12          9
      NET_RX:       4021    3061596    2989001         77
         RCU:    1044549    1119069    1100022    1088710
"""
# Linux 6.1, CPU 2 offline: CPU 1 fetched packets, CPU 3 was given them.
SOFTNET = (
    "00000102 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 "
    "00000000 00000000 00000000 00000000 00000000 00000000\n"
    "00000020 00000000 00000003 00000000 00000000 00000000 00000000 00000000 00000000 "
    "00000000 00000000 00000000 00000001 00000000 00000000\n"
    "00a5e949 00000007 00000000 00000000 00000000 00000000 00000000 00000000 00000000 "
    "0000ffff 00000002 00000005 00000003 00000005 00000000\n"
)
OLD = "\n".join(row[: 9 * 11 - 1] for row in SOFTNET.splitlines()) + "\n"


def counters(count: int = 0, cpus: int = 4) -> Counters:
    by_cpu = dict.fromkeys(range(cpus), count)
    return Counters(*(dict(by_cpu) for _ in fields(Counters)))


class TestSoftirqs:
    """/proc/softirqs."""

    def test_runs_are_by_name_and_cpu(self) -> None:
        """NET_RX and NET_TX among them."""
        found = softirqs(SOFTIRQS)
        assert found["NET_RX"] == {0: 4021, 1: 3061596, 2: 2989001, 3: 77}
        assert found["NET_TX"] == {0: 3894, 1: 1773, 2: 12, 3: 9}

    @pytest.mark.parametrize(
        "text",
        [
            "",
            SOFTIRQS.replace("NET_RX", "NET_XX"),
            SOFTIRQS.replace("       4021", ""),
            SOFTIRQS.replace("4021", "4o21"),
            SOFTIRQS.replace("CPU3", ""),
        ],
    )
    def test_what_is_cut_is_refused(self, text: str) -> None:
        """No count goes to another CPU."""
        with pytest.raises(NodeError, match="/proc/softirqs: "):
            softirqs(text)


class TestSoftnet:
    """/proc/net/softnet_stat."""

    def test_counters_are_by_the_cpu_that_the_row_names(self) -> None:
        """Offline CPUs have no row, so the third one is CPU 3's."""
        assert softnet(SOFTNET, {0, 1, 3}) == {
            "processed": {0: 0x102, 1: 0x20, 3: 0xA5E949},
            "dropped": {0: 0, 1: 0, 3: 7},
            "time_squeeze": {0: 0, 1: 3, 3: 0},
            "received_rps": {0: 0, 1: 0, 3: 0xFFFF},
            "flow_limit_count": {0: 0, 1: 0, 3: 2},
        }

    def test_kernels_before_5_10_count_by_the_order_of_online_cpus(self) -> None:
        """Eleven columns, none of which is a CPU."""
        assert softnet(OLD, {3, 1, 0}) == softnet(SOFTNET, {0, 1, 3})

    @pytest.mark.parametrize("online", [{0, 1}, {0, 1, 2}, {0, 1, 2, 3}])
    def test_rows_of_other_cpus_are_refused(self, online: set[int]) -> None:
        """They came or went between the two files."""
        with pytest.raises(NodeError, match="3 rows, of CPUs 0-1,3, while"):
            softnet(SOFTNET, online)

    @pytest.mark.parametrize("online", [{0, 1}, {0, 1, 2, 3}])
    def test_old_rows_must_be_as_many_as_cpus(self, online: set[int]) -> None:
        """There is nothing else to tell them by."""
        with pytest.raises(NodeError, match="softnet_stat: 3 rows"):
            softnet(OLD, online)

    @pytest.mark.parametrize("text", ["", SOFTNET[:60], SOFTNET.replace("00a5e949", "processed")])
    def test_what_is_cut_is_refused(self, text: str) -> None:
        """A row has 11 columns at least."""
        with pytest.raises(NodeError, match="not rows of hexadecimal numbers"):
            softnet(text, {0, 1, 3})


class TestDifference:
    """``later - earlier``."""

    def test_is_by_counter_and_cpu(self) -> None:
        """What was there before is not counted."""
        later = replace(counters(10), processed={0: 10, 1: 25, 2: 10, 3: 110})
        work = later - counters(10)
        assert work.processed == {0: 0, 1: 15, 2: 0, 3: 100}
        assert work.net_rx == {0: 0, 1: 0, 2: 0, 3: 0}

    @pytest.mark.parametrize("counter", [f.name for f in fields(Counters)])
    def test_is_right_over_an_overflow(self, counter: str) -> None:
        """Every counter is an unsigned int of 32 bits."""
        earlier = replace(counters(), **{counter: {0: 2**32 - 5, 1: 0, 2: 0, 3: 0}})
        later = replace(counters(), **{counter: {0: 7, 1: 0, 2: 0, 3: 0}})
        assert getattr(later - earlier, counter) == {0: 12, 1: 0, 2: 0, 3: 0}

    @pytest.mark.parametrize(("before", "after"), [(3, 4), (4, 3)])
    def test_needs_the_same_cpus(self, before: int, after: int) -> None:
        """A CPU that came or went has no first or no last count."""
        with pytest.raises(NodeError, match=r"counted on CPUs 0-\d first, then on 0-\d"):
            _ = counters(cpus=after) - counters(cpus=before)


class TestBusy:
    """Which CPUs did it."""

    WORK = {2: 480, 3: 510, 6: 9, 7: 1, 8: 0}  # noqa: RUF012 - a fact, not a default

    @pytest.mark.parametrize(
        ("share", "cpus"),
        [(0, {2, 3, 6, 7}), (0.001, {2, 3, 6}), (0.01, {2, 3}), (0.5, {3}), (1, set())],
    )
    def test_are_those_with_more_than_the_share(self, share: float, cpus: set[int]) -> None:
        """Of the whole: strangers' packets are few."""
        assert busy(self.WORK, share) == cpus

    def test_nobody_was_when_nothing_was_done(self) -> None:
        """Whatever the share."""
        assert busy({0: 0, 1: 0}) == busy({}, 0.5) == frozenset()
