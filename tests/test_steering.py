"""What may be asked of a NIC, and the thesis's placements."""

from __future__ import annotations

import pytest

from halab.cpu import cpus_of
from halab.errors import ConfigurationError
from halab.placement import RFS, RPS, UNSTEERED, Placement
from halab.steering import Steering

# Annex A.1: which of a director's NUMA nodes a CPU is in.
NODE = {cpu: cpu // 4 for cpu in range(16)}


def nodes(cpus: object) -> list[int]:
    """The NUMA node of each of these CPUs, in order."""
    return sorted(NODE[cpu] for cpu in cpus)  # type: ignore[attr-defined]


class TestSteering:
    """Settings that would not do what they say are refused."""

    @pytest.mark.parametrize("entries", [-8192, 3, 8191, 10000])
    def test_flows_are_powers_of_two(self, entries: int) -> None:
        """The kernel would take another number, and what is read would not be what was asked."""
        with pytest.raises(ConfigurationError, match=f"rps_flow_cnt={entries}: .*powers of two"):
            Steering(rps_flow_cnt=entries, rps_sock_flow_entries=32768)
        with pytest.raises(ConfigurationError, match=f"rps_sock_flow_entries={entries}: "):
            Steering(rps_flow_cnt=8192, rps_sock_flow_entries=entries)

    @pytest.mark.parametrize(("flows", "entries"), [(8192, 0), (0, 32768)])
    def test_half_of_rfs_is_none(self, flows: int, entries: int) -> None:
        """One table without the other steers nothing."""
        with pytest.raises(ConfigurationError, match="RFS needs both"):
            Steering(rps_flow_cnt=flows, rps_sock_flow_entries=entries)

    def test_nothing_asked_is_nothing_steered(self) -> None:
        """As a kernel comes."""
        assert not Steering().rfs
        Steering().check({0}, "lb1")

    def test_mask_beyond_the_node_is_told_in_one_line(self) -> None:
        """Mask, CPUs, node, and what it has."""
        steering = Steering(rps_cpus=cpus_of("4404"), irq_cpus=(6,))
        with pytest.raises(ConfigurationError) as refused:
            steering.check(range(8), "lb1")
        assert str(refused.value) == "rps_cpus 4404: there is no CPU 10,14 on lb1, which has 0-7"

    def test_interrupts_cpu_must_be_there_too(self) -> None:
        """Each of them."""
        with pytest.raises(ConfigurationError, match="irq_cpus 1,6: there is no CPU 6 on lb1"):
            Steering(irq_cpus=(1, 6)).check(range(2), "lb1")


class TestPlacements:
    """Tables III and IV of the thesis, and what its text says of them."""

    @pytest.mark.parametrize(
        ("mask", "additional", "haproxy"),
        [
            ("0004", {2}, (3, 4, 5, 7)),
            ("4404", {2, 10, 14}, (3, 7, 11, 15)),
            ("00b0", {4, 5, 7}, (8, 9, 10, 11)),
            ("008c", {2, 3, 7}, (0, 1, 4, 5)),
        ],
    )
    def test_masks_are_the_cpus_of_table_iii(
        self, mask: str, additional: set[int], haproxy: tuple[int, ...]
    ) -> None:
        """Its second column says in decimal what its first says in hexadecimal."""
        (placement,) = [placement for placement in RPS if placement.name == mask]
        assert placement.steering.rps_cpus == additional
        assert placement.haproxy_cpus == haproxy
        assert placement.steered_to == additional
        assert placement.kept_for_interrupts == additional | {6}

    @pytest.mark.parametrize("placement", [UNSTEERED, *RPS, *RFS], ids=lambda p: p.name)
    def test_haproxy_is_never_on_a_cpu_kept_for_interrupts(self, placement: Placement) -> None:
        """Nor two processes on one; and a director of annex A.1 has all the CPUs."""
        assert not placement.kept_for_interrupts & set(placement.haproxy_cpus)
        assert len(set(placement.haproxy_cpus)) == 4
        assert max(placement.haproxy_cpus) < 16
        placement.steering.check(range(16), "lb1")

    @pytest.mark.parametrize(
        ("mask", "interrupts", "haproxy"),
        [
            ("0004", [0, 1], [0, 1, 1, 1]),
            ("4404", [0, 1, 2, 3], [0, 1, 2, 3]),
            ("00b0", [1, 1, 1, 1], [2, 2, 2, 2]),
            ("008c", [0, 0, 1, 1], [0, 0, 1, 1]),
        ],
    )
    def test_numa_nodes_are_those_of_the_text(
        self, mask: str, interrupts: list[int], haproxy: list[int]
    ) -> None:
        """Section 4.4.1 tells for each how many of either are in which NUMA node."""
        (placement,) = [placement for placement in RPS if placement.name == mask]
        assert nodes(placement.kept_for_interrupts) == interrupts
        assert nodes(placement.haproxy_cpus) == haproxy

    @pytest.mark.parametrize("placement", RFS, ids=lambda p: p.name)
    def test_rfs_follows_haproxy(self, placement: Placement) -> None:
        """Table IV: no mask, and packets go where the process is."""
        assert placement.steering.rfs
        assert placement.steering.rps_cpus == frozenset()
        assert placement.kept_for_interrupts == {6}
        assert placement.steered_to == set(placement.haproxy_cpus)

    def test_first_rfs_is_in_one_numa_node(self) -> None:
        """Section 4.4.2 gives that as the reason for its being the best."""
        assert nodes(RFS[0].haproxy_cpus) == [2, 2, 2, 2]

    def test_fourth_process_of_figure_22_is_in_another_numa_node(self) -> None:
        """Section 4.3.3 gives that as the reason for its making things worse."""
        assert [NODE[cpu] for cpu in UNSTEERED.haproxy_cpus] == [1, 1, 1, 2]
        assert UNSTEERED.kept_for_interrupts == {6}
        assert not UNSTEERED.steered_to
