"""VRRP: the RFCs' timers, adverts off the wire, and who advertises how often."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halab.vrrp import SNAPLEN, Advert, Timers, intervals, snaplen, speakers

# keepalived 2.2.7 on lb1: VRRPv2, VRID 11, priority 150, advert_int 1, PASS, one VIP.
ETHERNET = bytes.fromhex("01005e000012 0030485ff1ea 0800")
IP = bytes.fromhex("45c0002800010000ff700000 c0a8fa79 e0000012")
VRRP_V2 = bytes.fromhex("210b9601 01010000")
VIP = bytes.fromhex("c0a8fafa")
PASSWORD = b"s3cret\0\0"
ADVERT = ETHERNET + IP + VRRP_V2 + VIP + PASSWORD

LB1, LB2 = IPv4Address("192.168.250.121"), IPv4Address("192.168.250.111")


def advert(at: float, source: IPv4Address = LB1, priority: int = 150, router: int = 11) -> Advert:
    frame = bytearray(ADVERT)
    frame[26:30], frame[35], frame[36] = source.packed, router, priority
    heard = Advert.decode(at, bytes(frame))
    assert heard is not None
    return heard


class TestTimers:
    """RFC 3768 for version 2, RFC 5798 and RFC 9568 for version 3."""

    def test_backup_of_the_thesis_bears_a_silent_master_for_3_6_seconds(self) -> None:
        """Priority 100, advert_int 1: 3 s and a skew of 156/256 s."""
        assert Timers(2, 1, 100).master_down_interval == pytest.approx(3.609, abs=0.001)

    def test_skew_time_is_shorter_for_the_better_router(self) -> None:
        """Priority 150: 106/256 s, so that it takes over before one of priority 100."""
        assert Timers(2, 1, 150).skew_time == 0.4140625

    def test_v2_skew_time_does_not_depend_on_the_interval(self) -> None:
        """RFC 3768 section 6.1 has seconds there."""
        assert Timers(2, 5, 100).skew_time == Timers(2, 1, 100).skew_time

    def test_v3_skew_time_is_a_fraction_of_the_interval(self) -> None:
        """RFC 5798 section 6.1: a tenth of the interval is a tenth of the wait."""
        timers = Timers(3, 0.1, 100)
        assert timers.skew_time == pytest.approx(0.0609375)
        assert timers.master_down_interval == pytest.approx(0.3609375)

    def test_down_timer_adverts_is_keepaliveds_own(self) -> None:
        """It lets another number of intervals pass than the RFCs' 3."""
        assert Timers(2, 1, 100, down_timer_adverts=5).master_down_interval == 5.609375

    @pytest.mark.parametrize(
        ("version", "advert_int", "priority"),
        [(1, 1, 100), (4, 1, 100), (2, 0, 100), (2, -1, 100), (2, 1, 0), (2, 1, 256)],
    )
    def test_what_no_rfc_knows_is_refused(
        self, version: int, advert_int: float, priority: int
    ) -> None:
        """Priority 0 among it: only adverts carry it."""
        with pytest.raises(ValueError, match=r"version|priority|advert_int"):
            Timers(version, advert_int, priority)

    @given(st.sampled_from((2, 3)), st.floats(0.01, 40.95), st.integers(1, 254))
    def test_higher_priority_never_waits_longer(
        self, version: int, advert_int: float, priority: int
    ) -> None:
        """That order is what skew_time is for."""
        worse, better = (Timers(version, advert_int, p) for p in (priority, priority + 1))
        assert better.master_down_interval <= worse.master_down_interval


class TestSnaplen:
    """A capture never holds the password."""

    def test_advert_of_one_vip_is_46_bytes_long(self) -> None:
        """Ethernet 14, IPv4 20, VRRP 8, address 4; then the password begins."""
        assert SNAPLEN == 46
        assert ADVERT[SNAPLEN:] == PASSWORD

    def test_each_vip_is_four_bytes_more(self) -> None:
        """With none, all but the addresses is there."""
        assert [snaplen(n) for n in (0, 1, 2)] == [42, 46, 50]


class TestAdvert:
    """Adverts are read from frames, cut or whole."""

    def test_v2_advert_is_read_from_a_frame_cut_before_the_password(self) -> None:
        """Every field of RFC 3768 section 5.1 but the checksum."""
        assert Advert.decode(12.5, ADVERT[:SNAPLEN]) == Advert(
            at=12.5,
            source=LB1,
            destination=IPv4Address("224.0.0.18"),
            source_mac="00:30:48:5f:f1:ea",
            destination_mac="01:00:5e:00:00:12",
            version=2,
            virtual_router_id=11,
            priority=150,
            advert_int=1.0,
            addresses=(IPv4Address("192.168.250.250"),),
        )

    def test_password_is_not_kept(self) -> None:
        """Not even when the capture took it."""
        assert "s3cret" not in repr(Advert.decode(0, ADVERT))

    @pytest.mark.parametrize("tag", ["8100 0064", "88a8 0064 8100 0065"])
    def test_vlan_tags_are_passed_over(self, tag: str) -> None:
        """One of 802.1Q, or two of 802.1ad."""
        tagged = ADVERT[:12] + bytes.fromhex(tag) + ADVERT[12:]
        assert Advert.decode(0, tagged) == Advert.decode(0, ADVERT)

    def test_v3_advert_carries_centiseconds(self) -> None:
        """Max Advertise Interval 10 is 0.1 s; the four bits above it are reserved."""
        frame = ETHERNET + IP + bytes.fromhex("310b9601 f00a0000") + VIP
        heard = Advert.decode(0, frame)
        assert heard is not None
        assert (heard.version, heard.advert_int) == (3, pytest.approx(0.1))

    def test_priority_0_resigns(self) -> None:
        """keepalived's last word when it is stopped."""
        assert advert(0, priority=0).resigns
        assert not advert(0).resigns

    def test_addresses_that_the_snap_length_cut_are_missing(self) -> None:
        """What is there is read all the same."""
        heard = Advert.decode(0, ADVERT[:42])
        assert heard is not None
        assert (heard.priority, heard.addresses) == (150, ())

    def test_ip_options_are_passed_over(self) -> None:
        """The header says how long it is."""
        ip = bytes([0x46]) + IP[1:] + bytes(4)
        heard = Advert.decode(0, ETHERNET + ip + VRRP_V2 + VIP)
        assert heard is not None
        assert heard.virtual_router_id == 11

    @pytest.mark.parametrize(
        "frame",
        [
            ETHERNET[:12] + b"\x08\x06" + ADVERT[14:],
            ADVERT[:23] + b"\x06" + ADVERT[24:],
            ADVERT[:20] + b"\x00\x10" + ADVERT[22:],
            ADVERT[:34] + b"\x11" + ADVERT[35:],
            ADVERT[:34] + b"\x22" + ADVERT[35:],
            ADVERT[:41],
            b"",
        ],
        ids=["ARP", "TCP", "fragment", "version 1", "type 2", "cut", "empty"],
    )
    def test_anything_else_is_no_advert(self, frame: bytes) -> None:
        """None, and no error: a capture holds all sorts."""
        assert Advert.decode(0, frame) is None

    @given(st.binary(max_size=80))
    def test_no_frame_is_an_error(self, frame: bytes) -> None:
        """Whatever the wire brings."""
        Advert.decode(0, frame)
        Advert.decode(0, ETHERNET + frame)
        Advert.decode(0, ETHERNET + IP + frame)

    @given(
        st.lists(st.ip_addresses(v=4), max_size=5),
        st.integers(0, 255),
        st.integers(1, 255),
        st.integers(1, 255),
    )
    def test_what_was_sent_is_read(
        self, vips: list[IPv4Address], priority: int, router: int, seconds: int
    ) -> None:
        """With the snap length of so many addresses, whole and without a byte of the password."""
        header = bytes([0x21, router, priority, len(vips), 1, seconds, 0, 0])
        frame = ETHERNET + IP + header + b"".join(vip.packed for vip in vips) + PASSWORD
        cut = frame[: snaplen(len(vips))]
        assert cut + PASSWORD == frame
        heard = Advert.decode(0, cut)
        assert heard is not None
        assert (heard.virtual_router_id, heard.priority) == (router, priority)
        assert (heard.advert_int, heard.addresses) == (seconds, tuple(vips))


class TestSpeakers:
    """Who advertises, and how often."""

    def test_two_speakers_are_told_apart(self) -> None:
        """In the order in which they were heard, whatever order they are given in."""
        heard = [advert(2.0), advert(0.5, LB2, 100), advert(1.0)]
        assert {who: [a.at for a in said] for who, said in speakers(heard).items()} == {
            LB2: [0.5],
            LB1: [1.0, 2.0],
        }
        assert list(speakers(heard)) == [LB2, LB1]

    def test_silence_has_no_speaker(self) -> None:
        """And no intervals."""
        assert speakers([]) == {}
        assert intervals([]) == ()

    def test_intervals_are_between_consecutive_adverts(self) -> None:
        """In seconds."""
        assert intervals([advert(t) for t in (0, 1, 2.25)]) == (1, 1.25)

    def test_resignation_is_not_in_them(self) -> None:
        """It comes at once, not at its time."""
        assert intervals([advert(0), advert(1), advert(1.2, priority=0)]) == (1,)

    @pytest.mark.parametrize("other", [advert(1, LB2), advert(1, router=12)])
    def test_intervals_are_of_one_speaker_for_one_router(self, other: Advert) -> None:
        """Those between two speakers' adverts mean nothing."""
        with pytest.raises(ValueError, match="several"):
            intervals([advert(0), other])
