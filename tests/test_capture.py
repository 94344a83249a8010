"""Captures: tcpdump's pcap as frames, and ARP in them."""

from __future__ import annotations

import shlex
import struct
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halab.capture import Arp, Operation, Packet, command, packets
from halab.errors import NodeError

MICROSECONDS, NANOSECONDS = 0xA1B2C3D4, 0xA1B23C4D
VIP_ARP = bytes.fromhex(
    "ffffffffffff 0030485ff1ea 0806 0001 0800 06 04 00010030485ff1ea c0a8fafa ffffffffffff c0a8fafa"
)


def pcap(*frames: tuple[int, int, bytes], order: str = "<", magic: int = MICROSECONDS) -> bytes:
    header = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 46, 1)
    return header + b"".join(
        struct.pack(order + "IIII", seconds, fraction, len(frame), len(frame)) + frame
        for seconds, fraction, frame in frames
    )


class TestPackets:
    """pcap of either byte order, in microseconds or nanoseconds."""

    @pytest.mark.parametrize("order", ["<", ">"], ids=["little endian", "big endian"])
    @pytest.mark.parametrize(
        ("magic", "fraction"), [(MICROSECONDS, 250_000), (NANOSECONDS, 250_000_000)]
    )
    def test_frames_come_with_their_times(self, order: str, magic: int, fraction: int) -> None:
        """A quarter of a second is one, however it is counted."""
        raw = pcap((1, 0, b"one"), (2, fraction, b"two"), order=order, magic=magic)
        assert list(packets(raw)) == [Packet(1.0, b"one"), Packet(2.25, b"two")]

    def test_frames_come_as_soon_as_they_are_there(self) -> None:
        """Not when the stream ends: what comes after the first is not asked for."""

        def stream():  # type: ignore[no-untyped-def]
            yield pcap((1, 0, b"one"))
            raise AssertionError("it read on before it gave the first frame")

        assert next(packets(stream())) == Packet(1.0, b"one")

    @given(st.lists(st.binary(max_size=50), max_size=4), st.integers(0), st.integers(1, 30))
    def test_cut_anywhere_the_whole_frames_are_there(
        self, frames: list[bytes], cut: int, piece: int
    ) -> None:
        """tcpdump is stopped amid a record, and a channel brings bytes in pieces of any size."""
        raw = pcap(*((n, 0, frame) for n, frame in enumerate(frames)))
        end = 24 + cut % (len(raw) - 23)
        sent = [raw[n : min(n + piece, end)] for n in range(0, end, piece)]
        got = list(packets(sent))
        whole = [Packet(float(n), frame) for n, frame in enumerate(frames)]
        assert got == whole[: len(got)]
        assert end < len(raw) or got == whole

    @pytest.mark.parametrize("raw", [b"", pcap()[:23]], ids=["nothing", "half a header"])
    def test_tcpdump_that_never_began_is_an_error(self, raw: bytes) -> None:
        """No such device, no permission: that is no quiet wire."""
        with pytest.raises(NodeError, match="before its pcap header"):
            list(packets(raw))

    @pytest.mark.parametrize(
        ("raw", "why"),
        [
            (b"tcpdump: eth9: No such device exists", "not pcap"),
            (b"\x0a\x0d\x0d\x0a" + bytes(40), "pcapng"),
            (pcap()[:20] + struct.pack("<I", 113), "link type 113"),
            (pcap() + struct.pack("<IIII", 0, 0, 2**31, 60), "garbled"),
        ],
    )
    def test_what_is_no_pcap_of_ethernet_is_an_error(self, raw: bytes, why: str) -> None:
        """And it says which of them it is."""
        with pytest.raises(NodeError, match=why):
            list(packets(raw))


class TestCommand:
    """tcpdump as it is run on a node."""

    def test_one_nic_cut_frames_and_pcap_to_stdout(self) -> None:
        """Frame by frame: -U and --immediate-mode, or the last ones would stay in buffers."""
        assert command("eth0", "vrrp", 46) == (
            "tcpdump -i eth0 -n -U --immediate-mode -s 46 -w - -- vrrp"
        )

    @given(st.text(min_size=1), st.text(min_size=1))
    def test_shell_takes_nic_and_expression_as_they_are(self, nic: str, expression: str) -> None:
        """Parentheses, which tcpdump has as much use for as the shell, among it."""
        words = shlex.split(command(nic, expression, 46))
        assert (words[2], words[-2:]) == (nic, ["--", expression])

    def test_whole_frames_are_refused(self) -> None:
        """-s 0 is everything, the password too."""
        with pytest.raises(ValueError, match="snap length"):
            command("eth0", "vrrp", 0)


class TestArp:
    """Who says that it has which address."""

    def test_keepalived_announces_the_vip(self) -> None:
        """Its gratuitous ARP is a request for its own address; 42 bytes, so a snap of 46 has it."""
        heard = Arp.decode(7.0, VIP_ARP)
        vip = IPv4Address("192.168.250.250")
        assert heard == Arp(7.0, Operation.REQUEST, "00:30:48:5f:f1:ea", vip, vip)
        assert heard is not None
        assert heard.gratuitous

    def test_question_and_answer_are_not_gratuitous(self) -> None:
        """They are of two hosts."""
        for operation in b"\x01\x02":
            frame = VIP_ARP[:21] + bytes([operation]) + VIP_ARP[22:38] + bytes([192, 168, 250, 113])
            heard = Arp.decode(0, frame)
            assert heard is not None
            assert (heard.operation, heard.gratuitous) == (Operation(operation), False)

    def test_vlan_tag_is_passed_over(self) -> None:
        """As for adverts."""
        tagged = VIP_ARP[:12] + bytes.fromhex("81000064") + VIP_ARP[12:]
        assert Arp.decode(0, tagged) == Arp.decode(0, VIP_ARP)

    @pytest.mark.parametrize(
        "frame",
        [VIP_ARP[:-1], VIP_ARP[:21] + b"\x03" + VIP_ARP[22:], VIP_ARP[:13] + b"\0" + VIP_ARP[14:]],
        ids=["cut", "RARP", "IPv4"],
    )
    def test_anything_else_is_no_arp(self, frame: bytes) -> None:
        """None, and no error."""
        assert Arp.decode(0, frame) is None

    @given(st.binary(max_size=60))
    def test_no_frame_is_an_error(self, frame: bytes) -> None:
        """Whatever the wire brings."""
        Arp.decode(0, frame)
        Arp.decode(0, VIP_ARP[:20] + frame)
