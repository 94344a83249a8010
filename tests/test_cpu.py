"""CPU sets, masks and lists; annex A.14's pins; annex A.1's layout."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halab import cpu
from halab.cpu import Cpu
from halab.errors import ConfigurationError, NodeError

CPU_SETS = st.frozensets(st.integers(0, 300))

# Annex A.1 of the thesis: a director's lscpu -p, with the remarks that the program puts before.
DIRECTOR = """\
# The following is the parsable format, which can be fed to other
# programs. Each different item in every column has an unique ID
# starting usually from zero.
# CPU,Core,Socket,Node,,L1d,L1i,L2,L3
0,0,0,0,,0,0,0,0
1,1,0,0,,1,1,1,0
2,2,0,0,,2,2,2,0
3,3,0,0,,3,3,3,0
4,4,1,1,,4,4,4,1
5,5,1,1,,5,5,5,1
6,6,1,1,,6,6,6,1
7,7,1,1,,7,7,7,1
8,8,2,2,,8,8,8,2
9,9,2,2,,9,9,9,2
10,10,2,2,,10,10,10,2
11,11,2,2,,11,11,11,2
12,12,3,3,,12,12,12,3
13,13,3,3,,13,13,13,3
14,14,3,3,,14,14,14,3
15,15,3,3,,15,15,15,3
"""


class TestMask:
    """Hexadecimal, as in rps_cpus."""

    @pytest.mark.parametrize(
        ("mask", "cpus"),
        [
            ("0004", {2}),
            ("4404", {2, 10, 14}),
            ("00b0", {4, 5, 7}),
            ("008c", {2, 3, 7}),
            ("8C\n", {2, 3, 7}),
            ("00000000,0000008c", {2, 3, 7}),
            ("1,00000000", {32}),
            ("1,8c", {2, 3, 7, 32}),
            ("ffff", set(range(16))),
            ("0", set()),
            ("00000000,00000000", set()),
        ],
    )
    def test_names_cpus(self, mask: str, cpus: set[int]) -> None:
        """Bit n is CPU n, whatever zeros and groups are written before it."""
        assert cpu.cpus_of(mask) == cpus

    @pytest.mark.parametrize(
        "mask",
        ["", " ", "0x8c", "g", "8c,", ",8c", "00000008c", "8c 8c", "-1", "+1", "1_0", "٣", "2,3;7"],
    )
    def test_what_is_none_is_refused(self, mask: str) -> None:
        """With what was written and how it should be: the kernel would say "Invalid argument"."""
        with pytest.raises(ConfigurationError, match="is no CPU mask: hexadecimal") as refused:
            cpu.cpus_of(mask)
        assert repr(mask) in str(refused.value)

    def test_beyond_any_linux_is_refused(self) -> None:
        """CPU 8191 is the last that there can be."""
        assert cpu.cpus_of("80000000" + ",00000000" * 255) == {8191}
        with pytest.raises(ConfigurationError, match="names CPU 8192; Linux has 8192 at most"):
            cpu.cpus_of("1" + ",00000000" * 256)

    def test_is_written_as_the_kernel_groups_it(self) -> None:
        """Every group but the first has all its 8 digits."""
        assert [cpu.mask(cpus) for cpus in ({2, 3, 7}, {32}, {31, 65}, ())] == [
            "8c",
            "1,00000000",
            "2,00000000,80000000",
            "0",
        ]

    @given(CPU_SETS)
    def test_comes_back(self, cpus: frozenset[int]) -> None:
        """From CPUs to a mask to the same CPUs; its bits are the CPUs."""
        mask = cpu.mask(cpus)
        assert cpu.cpus_of(mask) == cpus
        assert int(mask.replace(",", ""), 16) == sum(2**n for n in cpus)

    @given(CPU_SETS, st.integers(0, 3))
    def test_leading_zeros_are_nothing(self, cpus: frozenset[int], groups: int) -> None:
        """Neither in the first group nor in groups before it."""
        first, *others = cpu.mask(cpus).split(",")
        padded = ",".join(["00000000"] * groups + [first.zfill(8).upper(), *others])
        assert cpu.cpus_of(padded) == cpus


class TestList:
    """Decimal, as in smp_affinity_list."""

    @pytest.mark.parametrize(
        ("text", "cpus"),
        [
            ("6", {6}),
            ("6\n", {6}),
            ("0-3,8", {0, 1, 2, 3, 8}),
            ("8,0-3", {0, 1, 2, 3, 8}),
            ("4, 5, 7, 8", {4, 5, 7, 8}),
            ("0-3,2-5", {0, 1, 2, 3, 4, 5}),
            ("7-7", {7}),
            ("", set()),
            ("\n", set()),
        ],
    )
    def test_names_cpus(self, text: str, cpus: set[int]) -> None:
        """Numbers and ranges, in any order, one over the other."""
        assert cpu.cpus_in(text) == cpus

    @pytest.mark.parametrize(
        "text", ["3-0", "a", "0-", "-1", "1,,2", "1,", "0-15:2/4", "1 2", "0x6", "1-2-3", "٣"]
    )
    def test_what_is_none_is_refused(self, text: str) -> None:
        """With what was written and how it should be."""
        with pytest.raises(ConfigurationError, match="is no CPU list: numbers") as refused:
            cpu.cpus_in(text)
        assert repr(text) in str(refused.value)

    def test_beyond_any_linux_is_refused(self) -> None:
        """At once: a range of so many CPUs is never built."""
        with pytest.raises(ConfigurationError, match="names CPU 99999999999"):
            cpu.cpus_in("0-99999999999")

    def test_is_written_short(self) -> None:
        """Two neighbours are a range too, as the kernel prints them (%*pbl)."""
        assert cpu.cpu_list([8, 3, 2, 1, 0]) == "0-3,8"
        assert cpu.cpu_list({4, 5, 7, 8}) == "4-5,7-8"
        assert cpu.cpu_list(()) == ""

    @given(CPU_SETS)
    def test_comes_back(self, cpus: frozenset[int]) -> None:
        """From CPUs to a list to the same CPUs, in the fewest ranges that there are."""
        written = cpu.cpu_list(cpus)
        assert cpu.cpus_in(written) == cpus
        runs = sum(n - 1 not in cpus for n in cpus)
        assert len([part for part in written.split(",") if part]) == runs


class TestCheck:
    """A node cannot use CPUs that it has not got."""

    def test_cpus_that_are_there_pass(self) -> None:
        """All, some or none of them."""
        for cpus in (range(16), {2, 3, 7}, ()):
            cpu.check(cpus, range(16), asked="rps_cpus 008c", node="lb1")

    def test_absent_ones_are_named_with_what_there_is(self) -> None:
        """Mask, CPUs, node and its range, in one line."""
        with pytest.raises(ConfigurationError) as refused:
            cpu.check(cpu.cpus_of("4404"), range(8), asked="rps_cpus 4404", node="lb1")
        assert str(refused.value) == ("rps_cpus 4404: there is no CPU 10,14 on lb1, which has 0-7")


class TestPinPlan:
    """Annex A.14: cpusets of every vCPU of every VM."""

    @pytest.mark.parametrize(
        ("vms", "cpusets"),
        [
            (1, ((0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),)),
            (2, ((0, 1, 2, 3, 4, 5, 6, 7), (8, 9, 10, 11, 12, 13, 14, 15))),
            (4, ((0, 1, 2, 3), (4, 5, 6, 7), (8, 9, 10, 11), (12, 13, 14, 15))),
            (8, ((0, 1), (2, 3), (4, 5), (6, 7), (8, 9), (10, 11), (12, 13), (14, 15))),
            (
                16,
                (
                    (0,),
                    (1,),
                    (2,),
                    (3,),
                    (4,),
                    (5,),
                    (6,),
                    (7,),
                    (8,),
                    (9,),
                    (10,),
                    (11,),
                    (12,),
                    (13,),
                    (14,),
                    (15,),
                ),
            ),
        ],
    )
    def test_is_the_annexs_on_16_cpus(self, vms: int, cpusets: cpu.PinPlan) -> None:
        """16/n vCPUs in each of n VMs, on CPUs one after the other."""
        assert cpu.pin_plan(vms, range(16)) == cpusets

    def test_leaves_over_what_does_not_divide(self) -> None:
        """16 / 3 is 5 in the annex's expr, and CPU 15 is nobody's."""
        assert cpu.pin_plan(3, range(16)) == (
            (0, 1, 2, 3, 4),
            (5, 6, 7, 8, 9),
            (10, 11, 12, 13, 14),
        )

    @pytest.mark.parametrize(
        ("vms", "there", "cpusets"),
        [
            (1, 2, ((0, 1),)),
            (4, 2, ((0,), (1,), (0,), (1,))),
            (8, 3, ((0,), (1,), (2,), (0,), (1,), (2,), (0,), (1,))),
        ],
    )
    def test_smaller_server_shares_its_cpus(
        self, vms: int, there: int, cpusets: cpu.PinPlan
    ) -> None:
        """A VM has one vCPU at least, and CPUs are taken again from the first."""
        assert cpu.pin_plan(vms, range(there)) == cpusets

    def test_takes_only_cpus_that_are_there(self) -> None:
        """With CPU 1 offline, nobody is pinned to it."""
        assert cpu.pin_plan(2, {0, 2, 3, 4}) == ((0, 2), (3, 4))

    @given(st.integers(1, 64), st.frozensets(st.integers(0, 127), min_size=1))
    def test_is_fair(self, vms: int, there: frozenset[int]) -> None:
        """All VMs are alike, and no CPU has two vCPUs before every one has its first."""
        plan = cpu.pin_plan(vms, there)
        pins = [pin for vm in plan for pin in vm]
        assert len(plan) == vms
        assert {len(vm) for vm in plan} == {max(1, len(there) // vms)}
        assert set(pins) <= there
        uses = [pins.count(n) for n in there]
        assert max(uses) - min(uses) <= 1

    @pytest.mark.parametrize(("vms", "there"), [(0, 16), (-1, 16), (1, 0)])
    def test_needs_a_vm_and_a_cpu(self, vms: int, there: int) -> None:
        """There is no plan for nothing."""
        with pytest.raises(ValueError, match="one VM or more on one CPU or more"):
            cpu.pin_plan(vms, range(there))


class TestLayout:
    """``lscpu -p``, as a machine describes itself."""

    def test_director_has_16_cpus_in_4_numa_nodes(self) -> None:
        """Annex A.1: 0 to 3, 4 to 7, 8 to 11, 12 to 15."""
        nodes = cpu.numa_nodes(cpu.layout(DIRECTOR))
        assert [cpu.cpu_list(cpus) for cpus in nodes.values()] == ["0-3", "4-7", "8-11", "12-15"]
        assert list(nodes) == [0, 1, 2, 3]

    def test_each_cpu_has_its_place(self) -> None:
        """Core, socket and node from the columns that the header names."""
        assert cpu.layout(DIRECTOR)[6] == Cpu(core=6, socket=1, node=1)
        turned = "# CPU,Node,Core,Socket\n3,1,2,0\n"
        assert cpu.layout(turned) == {3: Cpu(core=2, socket=0, node=1)}

    def test_machine_without_numa_has_no_nodes(self) -> None:
        """Its Node column is empty; its CPUs are there."""
        places = cpu.layout("# CPU,Core,Socket,Node,,L1d\n0,0,0,,,0\n1,0,0,,,0\n")
        assert places == {0: Cpu(0, 0, None), 1: Cpu(0, 0, None)}
        assert cpu.numa_nodes(places) == {}

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "lscpu: bad usage\n",
            "# CPU,Core\n0,0\n",
            "# CPU,Core,Socket,Node\n0,0,0\n",
            "# CPU,Core,Socket,Node\n0,x,0,0\n",
        ],
    )
    def test_what_is_no_such_table_is_refused(self, text: str) -> None:
        """Rather than taken for a machine without CPUs."""
        with pytest.raises(NodeError, match="lscpu -p"):
            cpu.layout(text)
