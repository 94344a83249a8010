"""Threads: /proc/PID/task/*/stat and status as facts, and where threads ran."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halab.errors import NodeError
from halab.thread import Thread, cpus_allowed, ran_on, threads


def stat(
    tid: int = 812, comm: str = "haproxy", utime: int = 250, stime: int = 131, processor: int = 5
) -> str:
    """A line of Linux 6.1: all 52 fields."""
    return (
        f"{tid} ({comm}) S 1 812 812 0 -1 4194624 5021 0 3 0 {utime} {stime} 0 0 20 0 2 0 4711 "
        "1085440000 9204 18446744073709551615 94210000000000 94210001000000 140720000000000 0 0 0 "
        f"0 4096 98821 1 0 0 17 {processor} 0 0 0 0 0 94210002000000 94210002100000 94210030000000 "
        "140720000001000 140720000001100 140720000001100 140720000004000 0\n"
    )


# Linux 6.1, a vCPU of a guest and its process's main thread; most lines between are left out.
STATUS = """\
Name:\tqemu-system-x86
Umask:\t0002
State:\tS (sleeping)
Tgid:\t2100
Ngid:\t0
Pid:\t2100
PPid:\t1
TracerPid:\t0
Threads:\t2
NSpid:\t2100
Cpus_allowed:\tffff
Cpus_allowed_list:\t0-15
Mems_allowed_list:\t0-3
Name:\tCPU 1/TCG
Tgid:\t2100
Pid:\t2107
PPid:\t1
Cpus_allowed:\t0130
Cpus_allowed_list:\t4-5,8
voluntary_ctxt_switches:\t120
"""


class TestStat:
    """proc(5), /proc/pid/stat."""

    def test_thread_is_read(self) -> None:
        """Times are ticks of 10 ms; processor is field 39."""
        (thread,) = threads(stat())
        assert (thread.tid, thread.comm, thread.state) == (812, "haproxy", "S")
        assert (thread.utime, thread.stime) == pytest.approx((2.5, 1.31))
        assert thread.cpu_time == pytest.approx(3.81)
        assert thread.processor == 5

    def test_threads_come_in_order(self) -> None:
        """As cat gives them."""
        found = threads(stat(812, processor=4) + stat(813, processor=7))
        assert [(thread.tid, thread.processor) for thread in found] == [(812, 4), (813, 7)]

    @pytest.mark.parametrize(
        "comm",
        ["CPU 1/TCG", "(sd-pam)", "a) S 1 2", ") R 1 2 (", "kworker/0:1-(x)", "", ") ", "a\nb"],
    )
    def test_name_may_hold_anything(self, comm: str) -> None:
        """The kernel writes comm as it is, whatever the process called itself."""
        found = threads(stat(comm=comm, processor=3) + stat(813, comm=comm, processor=9))
        assert [thread.comm for thread in found] == [comm, comm]
        assert [thread.processor for thread in found] == [3, 9]

    @given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=15))
    def test_any_name_is_read(self, comm: str) -> None:
        """TASK_COMM_LEN leaves 15 bytes."""
        (thread,) = threads(stat(comm=comm))
        assert (thread.comm, thread.processor) == (comm, 5)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "cat: '/proc/9/task/*/stat': No such file or directory\n",
            stat()[:60],
            stat() + "812 (haproxy)",
            "x" + stat(),
        ],
    )
    def test_what_is_no_thread_is_refused(self, text: str) -> None:
        """Rather than passed over: a thread that is not seen is never found astray."""
        with pytest.raises(NodeError, match="no thread but"):
            threads(text)

    def test_this_process_is_read(self) -> None:
        """The kernel that runs the tests writes what is read here."""
        task = Path(f"/proc/{os.getpid()}/task")
        found = threads("".join((each / "stat").read_text() for each in task.iterdir()))
        assert os.getpid() in [thread.tid for thread in found]
        assert all(thread.processor in os.sched_getaffinity(0) for thread in found)


class TestStatus:
    """proc(5), /proc/pid/status."""

    def test_each_thread_has_its_cpus(self) -> None:
        """By its own number, not that of its process."""
        assert cpus_allowed(STATUS) == {2100: frozenset(range(16)), 2107: frozenset({4, 5, 8})}

    def test_own_affinity_is_read(self) -> None:
        """The kernel that runs the tests writes what is read here."""
        text = Path("/proc/thread-self/status").read_text()
        assert list(cpus_allowed(text).values()) == [os.sched_getaffinity(0)]

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "Name:\thaproxy\n",
            "Pid:\t812\n",
            "Cpus_allowed_list:\t5\nPid:\t812\n",
            STATUS.replace("0-15", "all"),
            STATUS.replace("Pid:\t2107\n", ""),
        ],
    )
    def test_what_is_cut_is_refused(self, text: str) -> None:
        """No thread is taken for another's CPUs."""
        with pytest.raises(NodeError, match="status: "):
            cpus_allowed(text)


def at(processor: int, utime: float, tid: int = 812) -> Thread:
    return Thread(tid, "haproxy", "S", utime, 1.0, processor)


class TestRanOn:
    """Where threads ran, by samples."""

    def test_every_cpu_between_samples_counts(self) -> None:
        """A thread that moves is seen on both."""
        samples = [[at(4, 1.0)], [at(4, 1.1)], [at(7, 1.2)], [at(4, 1.3)]]
        assert ran_on(samples) == {812: {4, 7}}

    def test_where_it_was_before_the_first_sample_does_not_count(self) -> None:
        """It may have been pinned just now."""
        assert ran_on([[at(0, 1.0)], [at(5, 1.1)]]) == {812: {5}}

    def test_thread_that_slept_is_found_nowhere(self) -> None:
        """Its processor is old news; its name is in the answer all the same."""
        assert ran_on([[at(0, 1.0)], [at(0, 1.0)]]) == {812: frozenset()}

    def test_threads_are_told_apart(self) -> None:
        """Those that come or go among the samples, too."""
        samples = [
            [at(4, 1.0), at(5, 1.0, tid=813)],
            [at(4, 1.1), at(5, 1.1, tid=813), at(6, 0.1, tid=814)],
            [at(4, 1.2), at(6, 0.2, tid=814)],
        ]
        assert ran_on(samples) == {812: {4}, 813: {5}, 814: {6}}

    def test_one_sample_says_nothing(self) -> None:
        """There is no time in it."""
        assert ran_on([[at(4, 1.0)]]) == {}
