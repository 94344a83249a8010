"""A NIC's state and counters from a node's files, and what a steering makes of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from halab import nic_files
from halab.cpu import cpus_of
from halab.errors import ConfigurationError, LabError, NodeError
from halab.nic_state import Irq, RxQueue, State
from halab.steering import Steering

ALL = frozenset(range(16))


def looked(*texts: tuple[str, str]) -> str:
    """Files as ``grep -H ''`` gives them."""
    return "".join(f"{path}:{line}\n" for path, text in texts for line in text.split("\n"))


def interrupts(*names: str, first: int = 24, cpus: int = 16) -> str:
    """A line for each name; the n-th came n times on CPU 6."""
    header = "".join(f"{f'CPU{cpu}':>11}" for cpu in range(cpus))
    rows = [
        f"{number:3}:"
        + "".join(f"{number - first + 1 if cpu == 6 else 0:11}" for cpu in range(cpus))
        + f"  PCI-MSIX-0000:00:03.0 {number - first:3}-edge      {name}"
        for number, name in enumerate(names, start=first)
    ]
    return "\n".join([" " * 5 + header, *rows, "LOC:" + "       9001" * cpus, "ERR:          0"])


def softnet(cpus: int = 16) -> str:
    return "\n".join(
        " ".join(f"{column:08x}" for column in [100 * cpu, *[0] * 11, cpu, 0, 0])
        for cpu in range(cpus)
    )


def files(nic: str = "eth0", cpus: str = "0-15") -> list[tuple[str, str]]:
    """A director of the emulated lab: 16 CPUs, virtio-net on PCI with one queue."""
    queue = f"/sys/class/net/{nic}/queues/rx-0"
    names = ("virtio0-config", "virtio0-req.0", "virtio1-config", "virtio1-input.0")
    return [
        ("device", "/sys/devices/pci0000:00/0000:00:03.0/virtio1"),
        ("writable", "yes"),
        ("/sys/devices/system/cpu/online", cpus),
        ("/proc/interrupts", interrupts(*names, "virtio1-output.0")),
        (f"{queue}/rps_cpus", "0000"),
        (f"{queue}/rps_flow_cnt", "0"),
        ("/proc/sys/net/core/rps_sock_flow_entries", "0"),
        *((f"/proc/irq/{number}/smp_affinity_list", "0-15") for number in range(24, 29)),
        *((f"/proc/irq/{number}/effective_affinity_list", "6") for number in range(24, 29)),
        ("/proc/softirqs", f"{'CPU0':>20} {'CPU1':>9}\n NET_TX: 3 4\n NET_RX: 1 2"),
        ("/proc/net/softnet_stat", softnet()),
    ]


def without(*parts: str) -> list[tuple[str, str]]:
    """The same node, without the files whose path has one of these parts."""
    return [file for file in files() if not any(part in file[0] for part in parts)]


def container() -> list[tuple[str, str]]:
    """A node on its host's kernel, whose NIC is no hardware and whose /sys is read-only."""
    found = without("sock_flow", "writable", "/proc/interrupts")
    found = [(path, "" if path == "device" else text) for path, text in found]
    return [*found, ("/proc/interrupts", interrupts("eth0"))]


def director(*more: tuple[str, str]) -> State:
    return nic_files.state(looked(*files(), *more), "lb1", "eth0")


def multi_queue(queues: int = 4) -> State:
    """A NIC whose vectors are its queues', and one for its link."""
    nic = "/sys/class/net/lan0"
    names = [f"lan0-TxRx-{n}" for n in range(queues)] + ["lan0"]
    globbed = sorted(map(str, range(queues)))
    found: list[tuple[str, str]] = [
        ("device", "/sys/devices/pci0000:00/0000:00:01.0/0000:03:00.0"),
        ("writable", "yes"),
        *((f"{nic}/device/msi_irqs/{62 + n}", "msix") for n in range(queues + 1)),
        ("/sys/devices/system/cpu/online", "0-15"),
        ("/proc/interrupts", interrupts(*names, first=62)),
        *((f"{nic}/queues/rx-{n}/rps_cpus", "0000") for n in globbed),
        *((f"{nic}/queues/rx-{n}/rps_flow_cnt", "0") for n in globbed),
        ("/proc/sys/net/core/rps_sock_flow_entries", "0"),
        *((f"/proc/irq/{62 + n}/smp_affinity_list", "0-7") for n in range(queues + 1)),
    ]
    return nic_files.state(looked(*found), "lb1", "lan0")


class TestState:
    """What is there."""

    def test_director_of_one_queue_is_read(self) -> None:
        """virtio's lines are its device's; only input is for receiving."""
        state = director()
        assert state.cpus == ALL
        assert state.queues == (RxQueue("rx-0", frozenset(), 0),)
        assert [(irq.number, irq.names) for irq in state.irqs] == [
            (26, ("virtio1-config",)),
            (27, ("virtio1-input.0",)),
            (28, ("virtio1-output.0",)),
        ]
        assert state.receive_irqs == (
            Irq(27, ("virtio1-input.0",), True, ALL, effective_affinity=frozenset()),
        )
        assert state.receive_irqs[0].effective_affinity == {6}
        assert (state.rps_sock_flow_entries, state.writable, state.irqbalance) == (0, True, False)

    def test_interrupt_on_its_way_has_no_cpus(self) -> None:
        """Its file reads empty at that moment: such a state is not to be judged, or put back."""
        found = [file for file in files() if file[0] != "/proc/irq/27/smp_affinity_list"]
        found.append(("/proc/irq/27/smp_affinity_list", ""))
        assert nic_files.state(looked(*found), "lb1", "eth0").moving
        assert not director().moving

    def test_physical_nic_of_many_queues_is_read(self) -> None:
        """Its queues in order of number, beyond 9 too, and the vectors of its device."""
        state = multi_queue(queues=12)
        assert [queue.name for queue in state.queues] == [f"rx-{n}" for n in range(12)]
        assert [irq.number for irq in state.receive_irqs] == list(range(62, 74))
        assert [irq.number for irq in state.irqs if not irq.receives] == [74]
        assert state.irqs[0].effective_affinity == frozenset()

    def test_container_has_neither_interrupts_nor_the_socket_table(self) -> None:
        """It sees its host's /proc/interrupts, where another eth0 may be."""
        state = nic_files.state(looked(*container()), "lb1", "eth0")
        assert (state.irqs, state.rps_sock_flow_entries, state.writable) == ((), None, False)

    def test_irqbalance_is_seen_by_its_processes(self) -> None:
        """An empty group prints nothing."""
        path = "/sys/fs/cgroup/system.slice/irqbalance.service/cgroup.procs"
        assert director((path, "433")).irqbalance

    def test_absent_nic_is_told(self) -> None:
        """With the node's name."""
        with pytest.raises(NodeError, match=r"^lb1 has no eth9 with receive queues$"):
            nic_files.state(looked(*files()), "lb1", "eth9")

    @pytest.mark.parametrize(
        "missing", ["rps_flow_cnt", "online", "irq/27/smp_affinity_list", "interrupts"]
    )
    def test_missing_file_is_told(self, missing: str) -> None:
        """A state that is half known could not be put back."""
        with pytest.raises(NodeError, match=missing):
            nic_files.state(looked(*without(missing)), "lb1", "eth0")

    @pytest.mark.parametrize("path", ["rps_cpus", "rps_flow_cnt", "irq/27/smp_aff", "sock_flow"])
    def test_garbled_file_is_the_nodes_misbehaviour(self, path: str) -> None:
        """And not its user's mistake."""
        found = [(p, "?" if path in p else text) for p, text in files()]
        with pytest.raises(NodeError, match="lb1: the state of eth0 cannot be read"):
            nic_files.state(looked(*found), "lb1", "eth0")


class TestSteered:
    """What a steering makes of a state."""

    def changes(self, state: State, steering: Steering) -> dict[str, str]:
        before, after = state.files(), state.steered(steering).files()
        assert before.keys() == after.keys()
        return {path: value for path, value in after.items() if before[path] != value}

    def test_mask_of_table_iii_is_one_file(self) -> None:
        """Nothing that is right already is written."""
        rps = Steering(rps_cpus=cpus_of("008c"))
        assert self.changes(director(), rps) == {"/sys/class/net/eth0/queues/rx-0/rps_cpus": "8c"}
        assert self.changes(director().steered(rps), rps) == {}

    def test_rfs_and_the_interrupt_are_the_others(self) -> None:
        """The interrupts for sending and for the link stay where they are."""
        steering = Steering(rps_flow_cnt=8192, rps_sock_flow_entries=32768, irq_cpus=(6,))
        assert self.changes(director(), steering) == {
            "/sys/class/net/eth0/queues/rx-0/rps_flow_cnt": "8192",
            "/proc/sys/net/core/rps_sock_flow_entries": "32768",
            "/proc/irq/27/smp_affinity_list": "6",
        }

    def test_default_steering_puts_rps_and_rfs_out_and_leaves_interrupts(self) -> None:
        """Where they were before they were placed, only their state knows."""
        steered = director().steered(Steering(cpus_of("8c"), 8192, 32768, (6,)))
        assert self.changes(steered, Steering()) == {
            "/sys/class/net/eth0/queues/rx-0/rps_cpus": "0",
            "/sys/class/net/eth0/queues/rx-0/rps_flow_cnt": "0",
            "/proc/sys/net/core/rps_sock_flow_entries": "0",
        }

    def test_interrupts_of_many_queues_take_cpus_in_turn(self) -> None:
        """And over again when there are more queues; that of the link is left alone."""
        state = multi_queue().steered(Steering(irq_cpus=(2, 6, 10)))
        assert [irq.smp_affinity for irq in state.irqs] == [{2}, {6}, {10}, {2}, set(range(8))]

    def test_every_queue_gets_the_mask_and_the_flows(self) -> None:
        """All are the NIC's."""
        steered = multi_queue(2).steered(Steering(cpus_of("f"), 4096, 8192))
        assert steered.queues == (
            RxQueue("rx-0", frozenset({0, 1, 2, 3}), 4096),
            RxQueue("rx-1", frozenset({0, 1, 2, 3}), 4096),
        )

    def test_same_cpus_are_the_same_files(self) -> None:
        """However the kernel pads a mask, its state differs in nothing."""
        padded = [(p, "00000000,0000008c" if "rps_cpus" in p else text) for p, text in files()]
        state = nic_files.state(looked(*padded), "lb1", "eth0")
        assert self.changes(state, Steering(rps_cpus=cpus_of("8c"))) == {}

    def test_cpus_that_are_not_there_are_refused(self) -> None:
        """By what is online, which the kernel would pass over in silence."""
        state = replace(director(), cpus=ALL - {7})
        with pytest.raises(ConfigurationError, match=r"rps_cpus 8c: .* CPU 7 on lb1.* 0-6,8-15"):
            state.steered(Steering(rps_cpus=cpus_of("008c")))

    @pytest.mark.parametrize(
        ("state", "steering", "error", "message"),
        [
            (
                replace(director(), irqs=()),
                Steering(irq_cpus=(6,)),
                LabError,
                "eth0 of lb1 is no hardware and has no interrupts to place",
            ),
            (
                replace(director(), rps_sock_flow_entries=None),
                Steering(rps_flow_cnt=8192, rps_sock_flow_entries=32768),
                LabError,
                "lb1 has no kernel of its own",
            ),
            (
                replace(director(), writable=False),
                Steering(rps_cpus=cpus_of("008c")),
                LabError,
                "lb1 cannot change eth0: /sys is read-only",
            ),
            (
                replace(director(), irqbalance=True),
                Steering(irq_cpus=(6,)),
                NodeError,
                "lb1: irqbalance would move the interrupts of eth0 away",
            ),
        ],
        ids=["no interrupts", "no kernel", "read-only", "irqbalance"],
    )
    def test_what_cannot_be_is_told(
        self, state: State, steering: Steering, error: type[Exception], message: str
    ) -> None:
        """Before anything is written; and where nothing of it is asked, there is no complaint."""
        with pytest.raises(error, match=message):
            state.steered(steering)
        assert state.steered(Steering()) == state


class TestCounters:
    """What was done."""

    def test_only_interrupts_for_receiving_count(self) -> None:
        """The fourth line of five, which came four times on CPU 6."""
        counters = nic_files.counters(looked(*files()), "lb1", "eth0")
        assert counters.interrupts == {cpu: 4 if cpu == 6 else 0 for cpu in range(16)}

    def test_kernels_counters_are_by_cpu(self) -> None:
        """softirqs and softnet_stat."""
        counters = nic_files.counters(looked(*files()), "lb1", "eth0")
        assert (counters.net_rx, counters.net_tx) == ({0: 1, 1: 2}, {0: 3, 1: 4})
        assert counters.processed == {cpu: 100 * cpu for cpu in range(16)}

    def test_nic_without_hardware_has_no_interrupts_and_the_rest(self) -> None:
        """What its packets cost is counted all the same."""
        counters = nic_files.counters(looked(*container()), "lb1", "eth0")
        assert set(counters.interrupts.values()) == {0}
        assert counters.processed[3] == 300

    @pytest.mark.parametrize("missing", ["softirqs", "softnet_stat", "online", "interrupts"])
    def test_missing_file_is_told(self, missing: str) -> None:
        """Rather than counted as nothing."""
        with pytest.raises(NodeError, match=missing):
            nic_files.counters(looked(*without(missing)), "lb1", "eth0")

    def test_cpu_that_came_in_between_is_told(self) -> None:
        """The list of CPUs was read before /proc/interrupts."""
        one_less = interrupts("", "", "", "virtio1-input.0", cpus=15)
        found = [*without("interrupts"), ("/proc/interrupts", one_less)]
        with pytest.raises(NodeError, match="lb1: the counters of eth0 cannot be read"):
            nic_files.counters(looked(*found), "lb1", "eth0")
