"""``show stat`` and ``show info``: HAProxy 2.6's answers as facts."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halab.errors import NodeError
from halab.haproxy_stat import Kind, Stat, Status, parse, parse_info

# HAProxy 2.6.12: management guide, section 9.1; a comma ends every line.
HEADER = (
    "# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,"
    "wredis,status,weight,act,bck,chkfail,chkdown,lastchg,downtime,qlimit,pid,iid,sid,throttle,"
    "lbtot,tracked,type,rate,rate_lim,rate_max,check_status,check_code,check_duration,hrsp_1xx,"
    "hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,hanafail,req_rate,req_rate_max,req_tot,"
    "cli_abrt,srv_abrt,comp_in,comp_out,comp_byp,comp_rsp,lastsess,last_chk,last_agt,qtime,ctime,"
    "rtime,ttime,agent_status,agent_code,agent_duration,check_desc,agent_desc,check_rise,"
    "check_fall,check_health,agent_rise,agent_fall,agent_health,addr,cookie,mode,"
)
FRONTEND = (
    "http-frontend,FRONTEND,,,2,7,1000,480,52800,153600,0,0,1,,,,,OPEN,,,,,,,,,1,2,0,,,,0,0,0,12,"
    ",,,0,478,0,1,0,0,,0,12,480,,,0,0,0,0,,,,,,,,,,,,,,,,,,,,,http,"
)
WEB1 = (
    "wwwbackend,web1,0,0,1,3,,240,26400,76800,,0,,0,0,2,1,UP,1,1,0,1,0,93,0,,1,3,1,,239,,2,0,,6,"
    "L4OK,,0,0,239,0,0,0,0,,,,240,0,0,,,,,0,,,0,0,1,1,,,,Layer4 check passed,,2,3,4,,,,"
    "192.168.250.181:80,,http,"
)
WEB2 = (
    "wwwbackend,web2,0,0,0,3,,120,13200,38400,,0,,9,1,27,9,DOWN,0,1,0,3,1,12,12,,1,3,2,,120,,2,0,"
    ",6,* L4CON,,0,0,119,0,0,1,0,,,,120,0,0,,,,,12,Connection refused,,0,0,1,1,,,,"
    '"Layer4 connection problem, no route",,2,3,0,,,,192.168.250.182:80,,http,'
)
BACKEND = (
    "wwwbackend,BACKEND,0,0,1,6,200,360,39600,115200,0,0,,9,1,29,10,UP,1,1,0,,0,93,0,,1,3,0,,359,"
    ",1,0,,12,,,,0,358,0,0,2,0,,,,360,0,0,0,0,0,0,0,,,0,0,1,1,,,,,,,,,,,,,,http,"
)
SHOW_STAT = "\n".join([HEADER, FRONTEND, WEB1, WEB2, BACKEND, "", ""])


def server(status: str, check_status: str = "L4OK") -> Stat:
    (row,) = parse(
        f"{HEADER}\n{WEB1.replace(',UP,', f',{status},').replace('L4OK', check_status)}\n"
    )
    return row


class TestRows:
    """What each row says."""

    def test_rows_come_in_haproxys_order(self) -> None:
        """Frontend, servers, backend."""
        assert [(row.proxy, row.server, row.kind) for row in parse(SHOW_STAT)] == [
            ("http-frontend", "FRONTEND", Kind.FRONTEND),
            ("wwwbackend", "web1", Kind.SERVER),
            ("wwwbackend", "web2", Kind.SERVER),
            ("wwwbackend", "BACKEND", Kind.BACKEND),
        ]
        assert [row.is_server for row in parse(SHOW_STAT)] == [False, True, True, False]

    def test_server_that_is_up(self) -> None:
        """Its state, its check, and what it has done."""
        web1 = parse(SHOW_STAT)[1]
        assert (web1.status, web1.health, web1.checks, web1.up) == (Status.UP, None, None, True)
        assert (web1.check_status, web1.checking, web1.check_code) == ("L4OK", False, None)
        assert (web1.last_chg, web1.weight, web1.addr) == (93, 1, "192.168.250.181:80")
        assert (web1.lbtot, web1.stot, web1.req_tot, web1.hrsp_2xx) == (239, 240, 240, 239)
        assert (web1.wretr, web1.wredis, web1.scur, web1.smax) == (2, 1, 1, 3)

    def test_server_that_is_down(self) -> None:
        """With a check under way, whose star is no part of the last one's status."""
        web2 = parse(SHOW_STAT)[2]
        assert (web2.status, web2.up, web2.weight) == (Status.DOWN, False, 0)
        assert (web2.check_status, web2.checking, web2.check_passed) == ("L4CON", True, False)
        assert (web2.econ, web2.eresp, web2.hrsp_5xx, web2.downtime) == (9, 1, 1, 12)

    def test_what_a_frontend_does_not_have_is_empty(self) -> None:
        """Counters are 0, the rest is None."""
        frontend = parse(SHOW_STAT)[0]
        assert frontend.status is Status.OPEN
        assert (frontend.econ, frontend.lbtot) == (0, 0)
        assert (frontend.last_chg, frontend.weight, frontend.check_status) == (None, None, "")


class TestStatus:
    """HAProxy writes a state in many ways (src/stats.c)."""

    @pytest.mark.parametrize(
        ("written", "status", "health", "checks"),
        [
            ("UP", Status.UP, None, None),
            ("UP 1/3", Status.UP, 1, 3),
            ("UP -1/3", Status.UP, -1, 3),
            ("DOWN", Status.DOWN, None, None),
            ("DOWN 1/2", Status.DOWN, 1, 2),
            ("DOWN (agent)", Status.DOWN, None, None),
            ("MAINT", Status.MAINT, None, None),
            ("MAINT (via wwwbackend/web1)", Status.MAINT, None, None),
            ("MAINT (resolution)", Status.MAINT, None, None),
            ("DRAIN", Status.DRAIN, None, None),
            ("DRAIN 2/3", Status.DRAIN, 2, 3),
            ("DRAIN (agent)", Status.DRAIN, None, None),
            ("NOLB", Status.NOLB, None, None),
            ("NOLB 1/2", Status.NOLB, 1, 2),
            ("no check", Status.NO_CHECK, None, None),
        ],
    )
    def test_is_normalised(
        self, written: str, status: Status, health: int | None, checks: int | None
    ) -> None:
        """To one word, and the counter of a transition."""
        row = server(written)
        assert (row.status, row.health, row.checks) == (status, health, checks)

    def test_server_going_down_is_up_still(self) -> None:
        """It gets requests until the last check that it takes has failed."""
        row = server("UP 1/3", "L4CON")
        assert (row.up, row.going_down, row.going_up, row.check_passed) == (
            True,
            True,
            False,
            False,
        )

    def test_server_going_up_is_down_still(self) -> None:
        """One good check is not enough."""
        row = server("DOWN 1/2")
        assert (row.up, row.going_down, row.going_up, row.check_passed) == (
            False,
            False,
            True,
            True,
        )

    @pytest.mark.parametrize("written", ["MAINT", "DRAIN", "NOLB", "DOWN"])
    def test_server_that_gets_no_new_requests_is_not_up(self, written: str) -> None:
        """Whatever its checks say."""
        assert not server(written).up

    def test_server_that_is_not_checked_is_up(self) -> None:
        """HAProxy knows no better."""
        assert server("no check", "").up

    @pytest.mark.parametrize("check_status", ["INI", "* INI", "UNK", "SOCKERR", "L4TOUT", "L7STS"])
    def test_check_that_was_not_made_has_not_passed(self, check_status: str) -> None:
        """A server is UP before its first one."""
        assert not server("UP", check_status).check_passed

    @given(st.integers(1, 99), st.integers(1, 99), st.sampled_from(["UP", "DOWN", "NOLB", "DRAIN"]))
    def test_counters_of_any_size(self, health: int, checks: int, status: str) -> None:
        """As many as fall and rise allow."""
        row = server(f"{status} {health}/{checks}")
        assert (row.status.value, row.health, row.checks) == (status, health, checks)


class TestAnswers:
    """What else the socket may say."""

    @given(st.text(st.characters(codec="ascii", exclude_categories="C"), min_size=1))
    def test_names_with_commas_and_quotes(self, name: str) -> None:
        """HAProxy quotes what needs it."""
        line = io.StringIO()
        csv.writer(line).writerow([name])
        quoted = line.getvalue().strip("\r\n")
        (row,) = parse(f"{HEADER}\n{WEB1.replace('192.168.250.181:80', quoted)}\n")
        assert row.addr == name

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("", "nothing"),
            ("Permission denied\n", "Permission denied"),
            (f"{HEADER}\n{WEB1[:100]}", "garbled or cut"),
            (f"{HEADER}\n{WEB1.replace(',UP,', ',SIDEWAYS,')}", "SIDEWAYS"),
            (f"{HEADER}\n{WEB1.replace(',239,', ',many,')}", "many"),
        ],
    )
    def test_anything_but_the_whole_csv_is_an_error(self, text: str, why: str) -> None:
        """A socket that answers half is no cluster without servers."""
        with pytest.raises(NodeError, match=why):
            parse(text)

    def test_info_is_a_value_for_each_name(self) -> None:
        """As they are written, colons and all."""
        text = "Name: HAProxy\nVersion: 2.6.12-1\nUptime: 0d 0h01m33s\nnode: a:b\ndescription: \n\n"
        assert parse_info(text) == {
            "Name": "HAProxy",
            "Version": "2.6.12-1",
            "Uptime": "0d 0h01m33s",
            "node": "a:b",
            "description": "",
        }

    def test_info_that_is_none_is_an_error(self) -> None:
        """With what was said instead."""
        with pytest.raises(NodeError, match="Unknown command"):
            parse_info("Unknown command: 'shwo'\n")
