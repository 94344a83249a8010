"""haproxy.cfg: the thesis's is read right, and so is what else HAProxy would take for a fact."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from halab.errors import NodeError
from halab.haproxy_cfg import (
    WITHOUT_PASSWORDS,
    Configuration,
    Global,
    Proxy,
    Server,
    Stats,
    StatsSocket,
    parse,
)
from halab.health_check import HealthCheck

# Annex A.15 with what sections 4.3.1 and 4.5 add; three of its VMs.
THESIS = r"""
# 24 VMs en el backend
global
        log /dev/log    local0
        log /dev/log    local1 notice
        chroot /var/lib/HAProxy
        stats socket /var/run/HAProxy241.sock mode 660 level admin
        stats timeout 2m
        maxconn 1000
        user HAProxy
        group HAProxy
        daemon
defaults
        log     global
        mode    http
        option  httplog
        option  dontlognull
        timeout connect 5000
        timeout client  50000
        timeout server  50000
peers LB
    peer lb1 192.168.250.121:1234
    peer lb2 192.168.250.111:1234
frontend http-frontend
    option httplog
    mode http
    bind 192.168.250.250:8081
    default_backend wwwbackend
backend wwwbackend
    mode http
    balance roundrobin
    server web1 192.168.250.181:80 check port 80
    server web2 192.168.250.182:80 check port 80
    server web31 192.168.250.231:80 check port 80
listen stats
        mode http
        stats enable
         bind :9000
        stats uri /haproxy?stats
        stats show-desc Nodo Master
        stats hide-version
        stats refresh 5s
        stats realm HAProxy\ Statistics
        stats auth admin:admin
"""


@pytest.fixture(scope="module")
def thesis() -> Configuration:
    return parse(THESIS)


def backend(lines: str, before: str = "") -> Proxy:
    return parse(f"{before}\nbackend www\n{lines}").backends["www"]


def check(words: str, before: str = "") -> HealthCheck:
    return backend(f"server web1 192.168.250.181:80 {words}", before).servers["web1"].check


class TestThesis:
    """Annex A.15."""

    def test_global_section(self, thesis: Configuration) -> None:
        """The socket's mode is octal."""
        socket = StatsSocket("/var/run/HAProxy241.sock", 0o660, "admin")
        assert thesis.process == Global(stats_sockets=(socket,), maxconn=1000)

    def test_frontend(self, thesis: Configuration) -> None:
        """On the VIP, with the options of its defaults."""
        frontend = thesis.frontends["http-frontend"]
        assert frontend.binds == (("192.168.250.250", 8081),)
        assert frontend.default_backend == "wwwbackend"
        assert frontend.options == {"httplog", "dontlognull"}

    def test_backend(self, thesis: Configuration) -> None:
        """Round robin, no redispatch, three retries, times in seconds."""
        www = thesis.backends["wwwbackend"]
        assert (www.mode, www.balance, www.retries, www.redispatch) == (
            "http",
            "roundrobin",
            3,
            False,
        )
        assert www.timeouts == {"connect": 5, "client": 50, "server": 50}
        assert list(www.servers) == ["web1", "web2", "web31"]

    def test_server_is_checked_with_haproxys_defaults(self, thesis: Configuration) -> None:
        """Every 2 s; DOWN after 3, UP after 2."""
        expected = HealthCheck(True, 80, inter=2, fall=3, rise=2, timeout_connect=5)
        web31 = thesis.backends["wwwbackend"].servers["web31"]
        assert web31 == Server("web31", "192.168.250.231", 80, expected)
        assert thesis.check_of("web31") == expected

    def test_peers(self, thesis: Configuration) -> None:
        """Both directors."""
        assert thesis.peers == {
            "LB": {"lb1": ("192.168.250.121", 1234), "lb2": ("192.168.250.111", 1234)}
        }

    def test_stats_page_is_open_to_admin_admin(self, thesis: Configuration) -> None:
        """On every address, which is what the project warns of."""
        (page,) = thesis.stats
        assert (page.name, page.binds) == ("stats", (("*", 9000),))
        assert page.stats == Stats("/haproxy?stats", ("admin",), auth_is_default=True)


class TestServers:
    """server lines, default-server and the defaults section."""

    def test_every_fact_of_a_line(self) -> None:
        """And nothing from the words between them."""
        words = "check port 81 addr 10.0.0.1 weight 10 maxconn 50 cookie check backup disabled id 7"
        assert backend(f"server web1 192.168.250.181:80 {words}").servers["web1"] == Server(
            name="web1",
            address="192.168.250.181",
            port=80,
            check=HealthCheck(True, 81),
            weight=10,
            maxconn=50,
            cookie="check",
            disabled=True,
            backup=True,
        )

    def test_check_goes_to_the_servers_port(self) -> None:
        """Unless it has its own."""
        assert check("check").port == 80
        assert check("check port 8080").port == 8080

    def test_check_has_every_time_of_its_line(self) -> None:
        """In seconds."""
        words = "check inter 5s fastinter 500 downinter 10s fall 4 rise 5"
        assert check(words) == HealthCheck(
            True, 80, inter=5, fastinter=0.5, downinter=10, fall=4, rise=5
        )

    def test_timeouts_of_the_section_and_spread_of_the_process_bound_the_check(self) -> None:
        """Both timeouts, whether from defaults or from the section itself."""
        before = "global\n spread-checks 50\ndefaults\n timeout connect 500\n timeout check 9s\n"
        bounds = HealthCheck(True, 80, spread_checks=50, timeout_connect=0.5, timeout_check=9)
        assert check("check", before) == bounds
        own = backend("timeout check 1s\nserver web1 10.0.0.1:80 check", before).servers["web1"]
        assert own.check == replace(bounds, timeout_check=1)

    def test_default_server_counts_for_the_lines_after_it(self) -> None:
        """Each adds to those before, and the server has the last word."""
        www = backend(
            "server a 10.0.0.1:80 check\n"
            "default-server inter 1s fall 2 check\n"
            "server b 10.0.0.2:80\n"
            "default-server rise 5\n"
            "server c 10.0.0.3:80 fall 4 no-check\n"
        )
        a, b, c = (server.check for server in www.servers.values())
        assert (a.enabled, a.inter, a.fall, a.rise) == (True, 2, 3, 2)
        assert (b.enabled, b.inter, b.fall, b.rise) == (True, 1, 2, 2)
        assert (c.enabled, c.inter, c.fall, c.rise) == (False, 1, 4, 5)

    def test_defaults_are_of_the_last_section_before(self) -> None:
        """A second defaults section begins anew."""
        text = "defaults\n retries 1\n option redispatch\n http-reuse never\n"
        text += " default-server check fall 9\n"
        text += "backend old\n server a 10.0.0.1:80\n no option redispatch\n"
        text += "defaults\n balance leastconn\nbackend new\n server b 10.0.0.1:80\n"
        old, new = parse(text).backends.values()
        assert (old.retries, old.redispatch, old.servers["a"].check.fall) == (1, False, 9)
        assert (old.http_reuse, new.http_reuse) == ("never", "safe")
        assert (new.retries, new.balance, new.servers["b"].check.fall) == (3, "leastconn", 3)

    def test_named_defaults(self) -> None:
        """``from`` takes those, for a proxy as for other defaults."""
        text = "defaults a\n retries 1\ndefaults b from a\n balance first\ndefaults\n"
        www = parse(text + "backend www from b\n").backends["www"]
        assert (www.retries, www.balance) == (1, "first")

    def test_persistence(self) -> None:
        """Lines as they are written."""
        www = backend("cookie SRV insert indirect\nstick-table type ip size 1m expire 30m peers LB")
        assert www.cookie == "SRV insert indirect"
        assert www.stick_table == "type ip size 1m expire 30m peers LB"

    def test_check_of_a_name_that_two_servers_have_is_no_answer(self) -> None:
        """Nor is that of none."""
        two = parse("backend a\nserver s 10.0.0.1:80\nbackend b\nserver s 10.0.0.1:80 check")
        for name, count in (("s", 2), ("web99", 0)):
            with pytest.raises(NodeError, match=f"{count} servers are called {name}"):
                two.check_of(name)


class TestSections:
    """All that are not servers or the page."""

    def test_global_section_for_many_threads(self) -> None:
        """Pinning as it is written; two global sections are one."""
        text = "global\n nbthread 4\n cpu-map auto:1/1-2 0-1\nglobal\n cpu-map 1/3 2 3\n"
        process = parse(text + " spread-checks 5\n stats socket ipv4@127.0.0.1:9999").process
        assert process.cpu_map == {"auto:1/1-2": "0-1", "1/3": "2 3"}
        assert (process.nbthread, process.spread_checks) == (4, 5)
        assert process.stats_sockets == (StatsSocket("ipv4@127.0.0.1:9999"),)

    def test_sections_and_comments_that_are_no_facts_are_passed_over(self) -> None:
        """A userlist's passwords among it."""
        text = (
            "userlist u\n user a insecure-password s3cret # :9\nresolvers r\n parse-resolv-conf\n"
        )
        configuration = parse(text + "backend b # s3cret\n")
        assert list(configuration.backends) == ["b"]
        assert "s3cret" not in repr(configuration)

    def test_listen_is_a_frontend_and_a_backend(self) -> None:
        """Both at once."""
        both = parse("listen l\n bind :80\n server a 10.0.0.1:80")
        assert both.frontends["l"] is both.backends["l"]


class TestStats:
    """The statistics page."""

    def test_password_is_not_kept(self) -> None:
        """Only who may log in."""
        text = "listen stats\n bind :9000\n stats auth operator:s3cret\n stats auth viewer:other"
        (page,) = parse(text).stats
        assert page.stats == Stats("/haproxy?stats", ("operator", "viewer"))
        assert "s3cret" not in repr(page)

    def test_there_is_none_without_a_stats_line(self) -> None:
        """``stats socket`` is another thing."""
        assert parse("global\n stats socket /run/a.sock\nlisten l\n bind :80").stats == ()


class TestMistakes:
    """A NodeError that names the line, and no word of it that may be a password."""

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("retries 3", ":1: retries: is in no section"),
            ("backend b\n timeout server soon", ":2: timeout: soon is not a time"),
            ("backend b\n timeout server", ":2: timeout: a value is missing"),
            ("backend b\n server a 10.0.0.1:80 check fall", ":2: server: a value is missing"),
            ("backend b\n retries many", ":2: retries: many is not a number"),
            ("backend b\n server-template a 3 h:80", ":2: server-template: is not expanded"),
            ("backend b from nowhere", ":1: backend: no defaults section nowhere"),
            ("backend", ":1: backend: a value is missing"),
            ("global\n.if defined(X)", ":2: .if: is read only by HAProxy"),
            ('backend b\n stats auth "a:s3cret', ":2: a quote does not close"),
        ],
    )
    def test_line_is_named(self, text: str, said: str) -> None:
        """With what is wrong there."""
        with pytest.raises(NodeError) as caught:
            parse(text)
        assert f"haproxy.cfg{said}" in str(caught.value)
        assert "s3cret" not in str(caught.value)


def test_passwords_stay_on_the_node_and_facts_do_not() -> None:
    """Sed takes them out of whatever is written there, remarks as well, but the one of manuals."""
    written = (
        "global\n\tuser haproxy\n"
        "userlist people\n    user ann insecure-password 0815x groups a\n"
        "  user bob password $5$0815x\n"
        "listen one\n  bind :1\n stats\tauth  operator:0815x # not 0815x\n# stats auth a:0815x\n"
        "listen two\n  bind :2\n  stats auth admin:admin\n"
    )
    sed = ["sed", "-E", WITHOUT_PASSWORDS]
    read = subprocess.run(sed, input=written, capture_output=True, text=True, check=True).stdout
    assert "0815x" not in read
    assert parse(read).stats == parse(written).stats
    assert [page.stats.users for page in parse(read).stats if page.stats] == [
        ("operator",), ("admin",),
    ]  # fmt: skip
    assert "user ann insecure-password ******** groups a" in read
    assert "\tuser haproxy\n" in read


def test_page_of_a_backend_is_asked_for_at_every_frontend() -> None:
    """Whoever is sent to that backend gets it; one of a listen section is its own alone."""
    parsed = parse(
        "frontend a\n bind :80\n bind :81\nfrontend b\n bind /run/b.sock\n"
        "backend c\n stats enable\n stats uri /c\nlisten d\n bind :9000\n stats uri /d\n"
    )
    assert parsed.stats_pages == (
        (("*", 80), "/c"),
        (("*", 81), "/c"),
        (("/run/b.sock", None), "/c"),
        (("*", 9000), "/c"),
        (("*", 9000), "/d"),
    )
