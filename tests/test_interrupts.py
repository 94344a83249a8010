"""/proc/interrupts: whose interrupt each line is, and which say that something was received."""

from __future__ import annotations

import pytest

from halab.errors import NodeError
from halab.interrupts import Line, lines, of_nic, receiving

# A guest with one NIC of two queues; the CPUs' own interrupts and some lines are left out.
VIRTIO = """\
           CPU0       CPU1       CPU2     CPU3
  1:          0          0          9        0  IO-APIC   1-edge      i8042
 24:          0          0          0        0  PCI-MSIX-0000:00:02.0   0-edge      virtio0-config
 25:       8112          0          0        0  PCI-MSIX-0000:00:02.0   1-edge      virtio0-req.0
 26:          0          0          0        0  PCI-MSIX-0000:00:03.0   0-edge      virtio1-config
 27:          0      52117          0        0  PCI-MSIX-0000:00:03.0   1-edge      virtio1-input.0
 28:          0         44          0        0  PCI-MSIX-0000:00:03.0   2-edge      virtio1-output.0
 29:          0          0          0    61003  PCI-MSIX-0000:00:03.0   3-edge      virtio1-input.1
 30:          0          0          0       51  PCI-MSIX-0000:00:03.0   4-edge      virtio1-output.1
NMI:          0          0          0        0   Non-maskable interrupts
LOC:    1267063    1307167    1200411  1199021   Local timer interrupts
RES:     317104     283074     301188   299140   Rescheduling interrupts
ERR:          0
MIS:          0
"""
IXGBE = """\
            CPU0       CPU1
  16:          0          0  IR-IO-APIC   16-fasteoi   ehci_hcd:usb1, i801_smbus
  62:    1200331          2  IR-PCI-MSIX-0000:03:00.0    0-edge      eth0-TxRx-0
  63:          0    1190004  IR-PCI-MSIX-0000:03:00.0    1-edge      eth0-TxRx-1
  64:          7          0  IR-PCI-MSIX-0000:03:00.0    2-edge      eth0
  65:         11          0  IR-PCI-MSIX-0000:03:00.1    0-edge      eth01-TxRx-0
"""
# Section 4.3.2 of the thesis, with the header that its grep left out.
TG3 = """\
          CPU0     CPU1     CPU2         CPU3
 32:   0     140      45       850264      PCI-MSI-edge      eth0
"""


def numbers(found: tuple[Line, ...]) -> list[int]:
    return [line.number for line in found]


class TestLines:
    """Numbers, counts and names."""

    def test_device_lines_are_read(self) -> None:
        """And none of the CPUs' own, which have letters where devices have numbers."""
        found = lines(VIRTIO)
        assert numbers(found) == [1, 24, 25, 26, 27, 28, 29, 30]
        assert found[4] == Line(27, {0: 0, 1: 52117, 2: 0, 3: 0}, ("virtio1-input.0",))

    def test_thesis_line_is_read(self) -> None:
        """Kernels before 3.19 write the trigger with the chip."""
        assert lines(TG3) == (Line(32, {0: 0, 1: 140, 2: 45, 3: 850264}, ("eth0",)),)

    def test_offline_cpu_has_no_column(self) -> None:
        """Columns are named, not numbered."""
        (line,) = lines("  CPU0  CPU2  CPU10\n 9:  1  2  3  IO-APIC  9-fasteoi   acpi\n")
        assert line.by_cpu == {0: 1, 2: 2, 10: 3}

    def test_shared_line_has_several_names(self) -> None:
        """A comma and a space between them; names may hold single spaces."""
        text = "  CPU0\n 16:  4  IR-PCI-MSI-0000:00:1c.0  16-fasteoi   PCIe PME, pciehp, eth0\n"
        assert lines(text)[0].names == ("PCIe PME", "pciehp", "eth0")

    def test_line_that_nobody_asked_for_has_no_name(self) -> None:
        """The kernel then describes nothing after the counts."""
        assert lines("  CPU0  CPU1\n 7:  1  0\n") == (Line(7, {0: 1, 1: 0}, ()),)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "cat: /proc/interrupts: No such file or directory\n",
            "  CPU0  CPU1\n 32:  5  PCI-MSI-edge  eth0\n",
            "  CPU0  CPU1\n 32:  5\n",
            "  CPU0  eth0\n 32:  5  6\n",
        ],
    )
    def test_what_is_cut_is_refused(self, text: str) -> None:
        """Rather than counted wrongly."""
        with pytest.raises(NodeError, match="/proc/interrupts: "):
            lines(text)


class TestOfNic:
    """Which lines are a NIC's."""

    def test_virtio_is_found_by_its_devices_name(self) -> None:
        """Its lines bear that and not the NIC's, and the vectors are the PCI device's below it."""
        assert numbers(of_nic(lines(VIRTIO), "eth0", "virtio1", [])) == [26, 27, 28, 29, 30]

    def test_vectors_decide_whatever_the_names(self) -> None:
        """A NIC that was renamed after its driver asked for the interrupts keeps them."""
        assert numbers(of_nic(lines(IXGBE), "lan0", "0000:03:00.0", [62, 63, 64])) == [62, 63, 64]

    def test_names_decide_where_there_are_no_vectors(self) -> None:
        """eth01 is not eth0, and a NIC may share its line."""
        assert numbers(of_nic(lines(IXGBE), "eth0", "0000:03:00.0", [])) == [62, 63, 64]
        assert numbers(of_nic(lines(TG3), "eth0", "0000:03:00.0", [])) == [32]
        shared = lines("  CPU0\n 16:  4  IO-APIC   16-fasteoi   uhci_hcd:usb2, eth0\n")
        assert numbers(of_nic(shared, "eth0", "0000:02:01.0", [])) == [16]

    def test_virtio_without_pci_is_found_by_its_name(self) -> None:
        """virtio-mmio has one line for all; virtio10 is another device."""
        text = (
            "  CPU0  CPU1\n"
            " 78:  512  0  GICv3  48 Edge      virtio1\n"
            " 79:  3  0  GICv3  49 Edge      virtio10\n"
        )
        assert numbers(of_nic(lines(text), "eth0", "virtio1", [])) == [78]

    def test_nic_without_hardware_has_none(self) -> None:
        """A container's eth0 is not the host's eth0, whose lines it sees."""
        assert of_nic(lines(TG3), "eth0", "", []) == ()


class TestReceiving:
    """Which of a NIC's lines are for receiving."""

    @pytest.mark.parametrize(
        ("names", "expected"),
        [
            (["virtio0-config", "virtio0-input.0", "virtio0-output.0"], ["virtio0-input.0"]),
            (["virtio0-config", "virtio0-virtqueues"], ["virtio0-virtqueues"]),
            (["virtio0"], ["virtio0"]),
            (["eth0"], ["eth0"]),
            (["eth0-TxRx-0", "eth0-TxRx-1", "eth0"], ["eth0-TxRx-0", "eth0-TxRx-1"]),
            (["eth0-tx-0", "eth0-rx-1", "eth0-rx-2"], ["eth0-rx-1", "eth0-rx-2"]),
            (["eth0-0", "eth0-txrx-1", "eth0-tx-2"], ["eth0-0", "eth0-txrx-1"]),
            (["eth0", "eth0-rx-0", "eth0-tx-0"], ["eth0-rx-0"]),
            (["ena-mgmnt@pci:0000:00:05.0", "eth0-Tx-Rx-0"], ["eth0-Tx-Rx-0"]),
            (["eth0-rxtx-0", "eth0-event-1"], ["eth0-rxtx-0", "eth0-event-1"]),
            (["i40e-0000:03:00.0:misc", "i40e-eth0-TxRx-0"], ["i40e-eth0-TxRx-0"]),
            (
                ["mlx5_async0@pci:0000:03:00.0", "mlx5_comp0@pci:0000:03:00.0"],
                ["mlx5_comp0@pci:0000:03:00.0"],
            ),
            (["eth0-q0-tx", "eth0-q0-rx"], ["eth0-q0-rx"]),
            ([], []),
        ],
        ids=lambda names: " ".join(names) or "none",
    )
    def test_drivers_names_are_told_apart(self, names: list[str], expected: list[str]) -> None:
        """virtio, tg3, ixgbe, igb, e1000e, ena, vmxnet3, i40e, mlx5, xen."""
        own = [Line(number, {0: 0}, (name,)) for number, name in enumerate(names)]
        assert [line.names[0] for line in receiving(own, "eth0")] == expected

    def test_line_without_a_name_is_not_for_receiving(self) -> None:
        """Nobody asked for it."""
        assert receiving([Line(7, {0: 1}, ())], "eth0") == ()
