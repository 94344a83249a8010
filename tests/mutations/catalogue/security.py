"""What strangers see, and what hostile clients cost."""

from __future__ import annotations

from halab.keepalived import CONFIG, FIREWALL
from tests.mutations.breakage import haproxy, keepalived, network, node
from tests.mutations.mutation import Mutation

EXPOSURE = "suites/security/test_exposure.py::"
HOSTILE = "suites/security/test_hostile_clients.py::"
RUBBISH = HOSTILE + "test_rubbish_is_refused_and_reaches_no_server"
SLOW_ONES = HOSTILE + "test_slow_clients_lose_their_places_and_nobody_else_does"
QUEUED = HOSTILE + "test_maxconn_queues_and_drops_nobody"
FOREIGN = "suites/security/test_foreign_vrrp.py::"
SHAPE = "suites/security/test_requests.py::test_one_request_is_passed_on_or_none"
DENYING = "http-request deny if { fe_conn gt 10 }"

MUTATIONS = (
    # -- suites/security/test_exposure.py
    Mutation(
        "the statistics page is open to admin:admin",
        EXPOSURE + "test_statistics_are_for_whoever_has_the_password[master]",
        "'stats auth'",
        lambda c: haproxy.cfg(c, "s/( +stats auth ).*/&\\n\\1admin:admin/"),
        fast=True,
    ),
    Mutation(
        "the statistics page is open to anyone",
        EXPOSURE + "test_statistics_are_for_whoever_has_the_password[backup]",
        "to anyone",
        lambda c: haproxy.backup_cfg(c, "/ +stats auth /d"),
    ),
    Mutation(
        "a backend has the statistics page for anyone",
        EXPOSURE + "test_statistics_are_for_whoever_has_the_password[master]",
        "/leak to anyone",
        lambda c: haproxy.cfg(c, "s/^( +)balance .*/&\\n\\1stats enable\\n\\1stats uri \\/leak/"),
    ),
    Mutation(
        "an admin socket is on TCP",
        EXPOSURE + "test_admin_sockets_are_on_no_network[master]",
        "make it a UNIX socket",
        lambda c: haproxy.cfg(c, "s/( +stats socket ).*/&\\n\\1ipv4@127.0.0.1:9999 level admin/"),
        fast=True,
    ),
    Mutation(
        "an admin socket is open to others",
        EXPOSURE + "test_admin_sockets_are_closed_to_others[backup]",
        "'mode 660'",
        lambda c: haproxy.started_anew(c.backup, "s/mode 660/mode 666/"),
    ),
    Mutation(
        "HAProxy tells of no admin socket",
        EXPOSURE + "test_admin_sockets_are_closed_to_others[master]",
        "no admin socket",
        lambda c: node.wrapped(
            c.master.node,
            "socat",
            'read -r said; case $said in "show cli sockets") echo "# socket lvl processes" ;; '
            '*) echo "$said" | /usr/bin/socat "$@" ;; esac',
        ),
    ),
    Mutation(
        "a node is searched for keys by who may not look",
        EXPOSURE + "test_keys_and_passwords_are_closed_to_others",
        "may this user read all files",
        lambda c: node.wrapped(c.backup.node, "find", "exit 1"),
    ),
    Mutation(
        "a private key is open to others",
        EXPOSURE + "test_keys_and_passwords_are_closed_to_others",
        "server3: /etc/ssl/site.pem (644",
        lambda c: node.done(
            c.servers["server3"],
            "install -D -m 644 /etc/ssh/ssh_host_ed25519_key /etc/ssl/site.pem",
            "rm -f /etc/ssl/site.pem",
        ),
        fast=True,
    ),
    Mutation(
        "VRRP's password is open to others",
        EXPOSURE + "test_keys_and_passwords_are_closed_to_others",
        "lb2: /etc/keepalived/keepalived.conf (644",
        lambda c: node.done(c.backup.node, f"chmod 644 {CONFIG}", f"chmod 600 {CONFIG}"),
    ),
    Mutation(
        "HAProxy is an old one",
        EXPOSURE + "test_no_program_has_a_known_remote_hole",
        "CVE-2023-40225",
        lambda c: node.packaged_as(c.master.node, "haproxy", "2.6.12-1"),
        fast=True,
    ),
    Mutation(
        "keepalived is an old one",
        EXPOSURE + "test_no_program_has_a_known_remote_hole",
        "CVE-2018-19115",
        lambda c: node.packaged_as(c.backup.node, "keepalived", "1:1.3.9-1"),
    ),
    Mutation(
        "nobody tells which keepalived it is",
        EXPOSURE + "test_no_program_has_a_known_remote_hole",
        "lb2: keepalived",
        lambda c: node.wrapped(
            c.backup.node,
            "dpkg-query",
            'case $* in *keepalived*) echo none ;; *) exec /usr/bin/dpkg-query "$@" ;; esac',
        ),
    ),
    # -- suites/security/test_hostile_clients.py
    Mutation(
        "clients have all the time in the world",
        SLOW_ONES + "[headers]",
        "'timeout http-request'",
        lambda c: haproxy.cfg(c, "/timeout http-request/d"),
        fast=True,
    ),
    Mutation(
        "timeout client and timeout http-request are swapped",
        SLOW_ONES + "[headers]",
        "'timeout http-request'",
        lambda c: haproxy.cfg(
            c, "s/timeout client .*/timeout client 5000/; s/(timeout http-request) .*/\\1 50000/"
        ),
    ),
    Mutation(
        "bodies have all the time in the world",
        SLOW_ONES + "[body]",
        "'option http-buffer-request'",
        lambda c: haproxy.cfg(c, "/option http-buffer-request/d"),
    ),
    Mutation(
        "silent clients have all places",
        SLOW_ONES + "[silent]",
        "a maxconn beyond what one client takes",
        lambda c: haproxy.cfg(c, "s/^( +)maxconn .*/\\1maxconn 500/"),
    ),
    Mutation(
        "half-open connections fill the queue",
        HOSTILE + "test_half_open_connections_keep_nobody_out",
        "net.ipv4.tcp_syncookies",
        haproxy.queue_of_sixteen,
    ),
    Mutation(
        "whoever has waited for a place is refused",
        QUEUED,
        "maxconn must queue",
        lambda c: haproxy.cfg(c, f"s/^( +)default_backend .*/&\\n\\1{DENYING}/"),
    ),
    Mutation(
        "places do not come free",
        QUEUED,
        "'timeout http-request'",
        lambda c: haproxy.cfg(c, "/timeout http-request/d"),
    ),
    Mutation(
        "a huge header is answered",
        RUBBISH,
        "not refused",
        lambda c: haproxy.cfg(
            c,
            "s/^( +)maxconn .*/&\\n\\1tune.bufsize 262144/; "
            "s/^( +)default_backend .*/&\\n\\1http-request return status 200/",
        ),
    ),
    Mutation(
        "what HAProxy passes on is not seen",
        RUBBISH,
        "shows nothing",
        lambda c: haproxy.cfg(
            c, "s/^( +)default_backend .*/&\\n\\1http-request return status 200/"
        ),
    ),
    Mutation(
        "rubbish has all places",
        RUBBISH,
        "a maxconn beyond what one client takes",
        lambda c: haproxy.cfg(c, "s/^( +)maxconn .*/\\1maxconn 8/"),
    ),
    Mutation(
        "half a request has all the time in the world",
        RUBBISH,
        "'timeout http-request'",
        lambda c: haproxy.cfg(c, "/timeout http-request/d"),
    ),
    Mutation(
        "a huge header goes to the server",
        RUBBISH,
        "passed on; is tune.bufsize",
        lambda c: haproxy.cfg(c, "s/^( +)maxconn .*/&\\n\\1tune.bufsize 262144/"),
    ),
    Mutation(
        "HAProxy is another one after the rubbish",
        RUBBISH,
        "the HAProxy that had the rubbish is gone",
        lambda c: node.meanwhile(
            c.master.node, "for n in $(seq 40); do systemctl reload haproxy@1; sleep 0.4; done"
        ),
    ),
    # -- suites/security/test_requests.py
    Mutation(
        "HAProxy passes on whatever comes",
        SHAPE + "[cl-te]",
        "'mode http'",
        lambda c: haproxy.cfg(c, "/^frontend /,/^listen /s/mode http/mode tcp/"),
        fast=True,
    ),
    Mutation(
        "a length may be larger than any",
        SHAPE + "[cl-too-large]",
        "smuggled past HAProxy",
        lambda c: haproxy.cfg(c, "/http-request reject if .*content-length/d"),
    ),
    Mutation(
        "no shape is seen behind HAProxy",
        SHAPE + "[cl-te]",
        "shows nothing",
        lambda c: haproxy.cfg(
            c, "s/^( +)default_backend .*/&\\n\\1http-request return status 200/"
        ),
    ),
    Mutation(
        "HAProxy answers by itself",
        "suites/security/test_requests.py::test_sound_request_is_passed_on",
        "assert [] == [1]",
        lambda c: haproxy.cfg(
            c, "s/^( +)default_backend .*/&\\n\\1http-request return status 200/"
        ),
    ),
    # -- suites/security/test_foreign_vrrp.py
    Mutation(
        "the MASTER hears a stranger",
        FOREIGN + "test_stranger_moves_the_vip_nowhere",
        "let a firewall on both directors",
        lambda c: node.done(c.master.node, "nft delete table ip vrrp", f"nft -f {FIREWALL}"),
        fast=True,
    ),
    Mutation(
        "VRRP has neither a firewall nor a password",
        FOREIGN + "test_stranger_moves_the_vip_nowhere",
        "let a firewall on both directors",
        lambda c: keepalived.vrrp_for_anyone(c, *c.directors.values()),
    ),
    Mutation(
        "VRRP has no password, and the BACKUP no firewall",
        FOREIGN + "test_stranger_keeps_nobody_from_taking_over",
        "let a firewall on both directors",
        lambda c: keepalived.vrrp_for_anyone(c, c.backup),
    ),
    Mutation(
        "HAProxy is away while a stranger advertises",
        FOREIGN + "test_stranger_moves_the_vip_nowhere",
        "lost.total() == 0",
        lambda c: node.meanwhile(
            c.master.node,
            "sleep 2; systemctl stop haproxy@1; sleep 0.5; systemctl start haproxy@1",
            "systemctl start haproxy@1",
        ),
    ),
    Mutation(
        "a stranger is heard by nobody",
        FOREIGN + "test_stranger_is_named",
        "nobody tells of",
        network.stranger_cut_off,
    ),
)
