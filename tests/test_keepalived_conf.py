"""keepalived.conf: the thesis's is read right, and so is what keepalived allows beyond it."""

from __future__ import annotations

import math
from ipaddress import ip_interface

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halab.errors import NodeError
from halab.keepalived_conf import Deployed, GlobalDefs, VrrpInstance
from halab.tracking import VrrpScript, VrrpTrackProcess
from halab.vrrp import Timers

# Section 4.5, the BACKUP; its password is a made-up one.
THESIS = """\
# Configuración keepalived BACKUP
vrrp_instance HA1 {
        state BACKUP
        interface eth0
        virtual_router_id 11
        priority 100
        advert_int 1
        authentication {
                auth_type PASS
                auth_pass s3cretword
        }
        virtual_ipaddress {
                192.168.250.250
        }
        track_interface {
        eth0
      }
}
"""


def instance(lines: str = "", before: str = "") -> VrrpInstance:
    inside = f"interface eth0\nvirtual_router_id 11\n{lines}"
    return Deployed.parse(f"{before}\nvrrp_instance HA1 {{\n{inside}\n}}").instance("HA1")


class TestThesis:
    """Section 4.5."""

    def test_backup_is_read(self) -> None:
        """Every line of it; keepalived's defaults for the rest."""
        assert Deployed.parse(THESIS).instance("HA1") == VrrpInstance(
            name="HA1",
            state="BACKUP",
            interface="eth0",
            virtual_router_id=11,
            priority=100,
            version=2,
            advert_int=1.0,
            auth_type="PASS",
            auth_pass_length=10,
            virtual_ipaddresses=(ip_interface("192.168.250.250/32"),),
            track_interface={"eth0": 0},
        )

    def test_its_timers_are_the_rfcs(self) -> None:
        """3.609 s of silence."""
        timers = Deployed.parse(THESIS).instance("HA1").timers
        assert timers == Timers(version=2, advert_int=1, priority=100)

    def test_haproxys_death_moves_nothing(self) -> None:
        """It tracks the NIC alone."""
        ha1 = Deployed.parse(THESIS).instance("HA1")
        assert not ha1.track_script
        assert not ha1.track_process

    def test_password_is_not_kept(self) -> None:
        """Only its length; keepalived uses 8 characters of it."""
        assert "s3cret" not in repr(Deployed.parse(THESIS))


class TestInstance:
    """vrrp_instance, with keepalived 2.2.7's defaults."""

    def test_defaults(self) -> None:
        """BACKUP, priority 100, an advert a second, gratuitous ARP again after 5 s."""
        ha1 = instance()
        assert (ha1.state, ha1.priority, ha1.advert_int) == ("BACKUP", 100, 1.0)
        assert (ha1.nopreempt, ha1.preempt_delay, ha1.garp_master_delay) == (False, 0.0, 5.0)
        assert (ha1.auth_type, ha1.auth_pass_length) == (None, 0)

    def test_state_and_priority_follow_from_each_other(self) -> None:
        """A MASTER without priority owns the address, and the owner without state is MASTER."""
        assert instance("state MASTER").priority == 255
        assert instance("priority 255").state == "MASTER"

    def test_preemption(self) -> None:
        """nopreempt is a word alone, preempt_delay takes fractions."""
        ha1 = instance("nopreempt\npreempt_delay 4.12\ngarp_master_delay 1")
        assert (ha1.nopreempt, ha1.preempt_delay, ha1.garp_master_delay) == (True, 4.12, 1.0)

    def test_addresses_keep_their_prefix_and_lose_their_options(self) -> None:
        """/32 where none is given."""
        vips = "192.168.250.250/24 dev eth0 label eth0:1\n192.168.250.251"
        ha1 = instance(f"virtual_ipaddress {{\n{vips}\n}}")
        assert [str(vip) for vip in ha1.virtual_ipaddresses] == [
            "192.168.250.250/24",
            "192.168.250.251/32",
        ]

    def test_ipv6_is_always_version_3(self) -> None:
        """keepalived.conf(5), vrrp_version."""
        assert instance("virtual_ipaddress { fd00::1/64 }").version == 3

    @pytest.mark.parametrize(
        ("version", "written", "sent"),
        [(2, "1.4", 1), (2, "1.5", 2), (2, "0.1", 1), (3, "0.1", 0.1), (3, "255", 40.95)],
    )
    def test_timers_have_the_interval_that_is_sent(
        self, version: int, written: str, sent: float
    ) -> None:
        """Rounded and cut as keepalived does it; the fact stays as it is written."""
        ha1 = instance(f"version {version}\nadvert_int {written}")
        assert ha1.timers.advert_int == pytest.approx(sent)
        assert ha1.advert_int == float(written)


class TestTracking:
    """What puts an instance in FAULT, or moves its priority."""

    HAPROXY = """
        vrrp_script chk_haproxy {
            script "/usr/bin/killall -0 haproxy"  # cheaper than pidof
            interval 2
            fall 2
            weight -60
        }
        vrrp_track_process haproxy {
            process haproxy
            delay 0.5
            weight 10
        }
    """

    def test_script(self) -> None:
        """Its timeout is its interval unless it is set."""
        assert Deployed.parse(self.HAPROXY).scripts["chk_haproxy"] == VrrpScript(
            "chk_haproxy", "/usr/bin/killall -0 haproxy", interval=2, timeout=2, fall=2, weight=-60
        )

    def test_script_defaults(self) -> None:
        """Every second; one failure is enough, and so is one success."""
        scripts = Deployed.parse('vrrp_script s {\n script "/bin/true"\n interval 0\n}').scripts
        assert scripts == {"s": VrrpScript("s", "/bin/true", 1.0, 1.0, 1, 1, 0)}

    def test_script_finds_out_within_fall_intervals(self) -> None:
        """HAProxy may die just after a good run."""
        assert Deployed.parse(self.HAPROXY).scripts["chk_haproxy"].detection(hanging=False) == 4.0

    def test_process(self) -> None:
        """``delay`` is both delays, unless one has its own."""
        assert Deployed.parse(self.HAPROXY).processes["haproxy"] == VrrpTrackProcess(
            "haproxy", "haproxy", fork_delay=0.5, terminate_delay=0.5, weight=10, quorum=1
        )
        own = Deployed.parse("vrrp_track_process p {\nterminate_delay 2\ndelay 1\nquorum 2\n}")
        assert own.processes["p"] == VrrpTrackProcess("p", "", 1.0, 2.0, 0, 2)

    def test_instance_has_the_weights_of_the_definitions(self) -> None:
        """And its own where it says so."""
        tracked = "track_script {\nchk_haproxy\n}\ntrack_process {\nhaproxy weight -20\n}"
        ha1 = instance(tracked, self.HAPROXY)
        assert (ha1.track_script, ha1.track_process) == ({"chk_haproxy": -60}, {"haproxy": -20})

    def test_definitions_may_come_after_their_use(self) -> None:
        """keepalived reads them first."""
        text = "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\n"
        text += f"track_script {{ chk_haproxy }}\n}}\n{self.HAPROXY}"
        assert Deployed.parse(text).instance("A").track_script == {"chk_haproxy": -60}


class TestGlobalDefs:
    """What holds for every instance."""

    def test_defaults(self) -> None:
        """VRRPv2; five gratuitous ARPs, and five more after 5 s."""
        defs = Deployed.parse("").global_defs
        assert defs == GlobalDefs()
        assert (defs.vrrp_version, defs.vrrp_garp_master_repeat) == (2, 5)
        assert (defs.vrrp_garp_master_delay, defs.vrrp_startup_delay) == (5.0, 0.0)

    def test_instances_inherit(self) -> None:
        """Version and delay, unless they have their own."""
        defs = "global_defs {\nvrrp_version 3\nvrrp_garp_master_delay 1\nvrrp_startup_delay 5.5\n}"
        assert Deployed.parse(defs).global_defs.vrrp_startup_delay == 5.5
        assert (instance("", defs).version, instance("", defs).garp_master_delay) == (3, 1.0)
        assert instance("version 2", defs).version == 2

    def test_min_garp_is_one_announcement_and_no_second_round(self) -> None:
        """But what is set by itself stays."""
        defs = Deployed.parse("global_defs {\nvrrp_min_garp\nvrrp_garp_master_repeat 3\n}")
        assert defs.global_defs.vrrp_garp_master_delay == 0.0
        assert defs.global_defs.vrrp_garp_master_repeat == 3
        assert Deployed.parse("global_defs {\nvrrp_min_garp no\n}").global_defs == GlobalDefs()


class TestSyntax:
    """keepalived's: blocks, comments, quotes."""

    @pytest.mark.parametrize(
        "block",
        [
            "track_interface { eth0 }",
            "track_interface {eth0}",
            "track_interface{\neth0\n}",
            "track_interface\n{\neth0 # the LAN\n}",
            "track_interface { ! both words are comment signs\neth0\n}",
        ],
    )
    def test_block_is_a_block_however_it_is_written(self, block: str) -> None:
        """keepalived takes them all."""
        assert instance(block).track_interface == {"eth0": 0}

    def test_comment_signs_in_quotes_are_none(self) -> None:
        """Nor are braces."""
        text = 'vrrp_script s {\nscript "/bin/sh -c { true; } #!"\n}'
        assert Deployed.parse(text).scripts["s"].script == "/bin/sh -c { true; } #!"

    def test_directives_that_are_no_facts_are_passed_over(self) -> None:
        """With their blocks."""
        ha1 = instance(
            "smtp_alert\nunicast_peer {\n192.168.250.111\n}\npriority 7",
            "virtual_server 10.0.0.1 80 {\ndelay_loop 6\nreal_server 10.0.0.2 80 {\nweight 1\n}\n}",
        )
        assert ha1.priority == 7

    @settings(deadline=None)
    @given(
        st.text(st.characters(codec="ascii", exclude_characters='"!#\\', exclude_categories="C"))
    )
    def test_password_never_shows(self, password: str) -> None:
        """Whatever is in it: in the facts, its length; in an error, not a letter of it."""
        marked = f"x{password.replace(' ', '')}x"
        text = THESIS.replace("s3cretword", marked)
        assert Deployed.parse(text).instance("HA1").auth_pass_length == len(marked)
        with pytest.raises(NodeError) as caught:
            Deployed.parse(text.replace("}", ""))
        assert len(marked) < 5 or marked not in str(caught.value)

    @settings(deadline=None)
    @given(st.integers(1, 255), st.integers(1, 255), st.integers(1, 25500))
    def test_what_is_written_is_read(self, router: int, priority: int, centiseconds: int) -> None:
        """Routers, priorities and intervals of all sizes."""
        advert_int = centiseconds / 100
        text = THESIS.replace("_id 11", f"_id {router}").replace("ity 100", f"ity {priority}")
        ha1 = Deployed.parse(text.replace("_int 1", f"_int {advert_int}")).instance("HA1")
        assert (ha1.virtual_router_id, ha1.priority) == (router, priority)
        assert math.isclose(ha1.advert_int, advert_int)


class TestMistakes:
    """A NodeError that names the line, and no value of a line that may hold a password."""

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (THESIS.replace("priority 100", "priority 0"), ":6: priority: 0 is not a number from"),
            (THESIS.replace("advert_int 1", "advert_int"), ":7: advert_int: a value is missing"),
            (THESIS.replace("advert_int 1", "advert_int nan"), ":7: advert_int: nan is not"),
            (THESIS.replace(".250\n", ".256\n"), ":12: virtual_ipaddress: "),
            (THESIS.replace("interface eth0", "", 1), ":2: vrrp_instance: it has no interface"),
            (THESIS[:-2], ":2: vrrp_instance: the block does not close"),
            (THESIS + "}", ":19: closes a block that is not open"),
            ('global_defs {\nrouter_id "lb1\n}', ":2: a quote does not close"),
            ("{", ":1: a block without a keyword"),
            ("include /etc/keepalived/conf.d/*.conf", ":1: include: is not followed"),
            ("vrrp_instance A {\n@lb1 priority 150\n}", ":2: @lb1: is not followed"),
        ],
    )
    def test_line_is_named(self, text: str, said: str) -> None:
        """With what is wrong there."""
        with pytest.raises(NodeError) as caught:
            Deployed.parse(text)
        assert f"keepalived.conf{said}" in str(caught.value)

    def test_unknown_instance_is_told_from_the_known(self) -> None:
        """By their names."""
        with pytest.raises(NodeError, match=r"no vrrp_instance HA2; it has .*HA1"):
            Deployed.parse(THESIS).instance("HA2")


@pytest.mark.parametrize(
    ("tracked", "priorities"),
    [
        ("", set()),
        ("track_script { check }", set()),  # weight 0: FAULT, and no other priority
        ("track_script { check weight -10 }", {140}),
        ("track_script { check weight -10\n other weight 20 }", {140, 160, 170}),
        ("track_interface { eth0 weight -254 }", {1}),
    ],
)
def test_weights_of_what_is_tracked_give_other_priorities(
    tracked: str, priorities: set[int]
) -> None:
    instance = f"interface eth0\n virtual_router_id 11\n priority 150\n {tracked}"
    text = "".join(f'vrrp_script {n} {{ script "/bin/true" }}\n' for n in ("check", "other"))
    (found,) = Deployed.parse(f"{text}vrrp_instance HA1 {{ {instance} }}").instances
    assert found.tracked_priorities == priorities
