"""Web servers and their VMs: health, shares, and what clients lose by those that fail."""

from __future__ import annotations

from halab.faults import powered_off, slow
from tests.mutations.breakage import backends, haproxy, network, node
from tests.mutations.mutation import Mutation

HEALTH = "suites/backends/test_health.py::"
BALANCE = "suites/backends/test_balance.py::"
LOSS = "suites/backends/test_loss.py::"
BACKENDS = "suites/ha/test_backend_faults.py::"
REFUSING = BACKENDS + "test_refusing_backends_are_down_in_time_and_then_nothing_is_lost"
CHECKED = "suites/ha/test_http_check.py::test_frozen_apache_and_errors_are_found"
SLOW = BACKENDS + "test_slow_backend_costs_nobody_else_his_time"

MUTATIONS = (
    # -- suites/backends/test_health.py
    Mutation(
        "a web server is dead",
        HEALTH + "test_every_backend_is_up[default-master]",
        "web4",
        backends.apache_dead,
        fast=True,
        cause=("backends that are DOWN", "web4 refuses connections"),
    ),
    Mutation(
        "a backend has a wrong address",
        HEALTH + "test_backends_are_those_of_the_topology[default-master]",
        "192.168.250.182",
        lambda c: haproxy.cfg(c, "s/(server web1 ).*(:80 )/\\1192.168.250.182\\2/"),
        fast=True,
    ),
    Mutation(
        "a backend is missing",
        HEALTH + "test_backends_are_those_of_the_topology[default-master]",
        "web9",
        lambda c: haproxy.cfg(c, "/server web9 /d"),
    ),
    Mutation(
        "the check of one server was forgotten",
        HEALTH + "test_every_backend_is_up[default-master]",
        "web9",
        lambda c: haproxy.unchecked(c, "web9"),
        fast=True,
        cause=("a server that is never checked", "never checks web9"),
    ),
    Mutation(
        "a backend is there twice",
        HEALTH + "test_backends_are_those_of_the_topology[default-master]",
        "web9-again",
        lambda c: haproxy.cfg(c, "s/( +server )web9 (.*)/&\\n\\1web9-again \\2/"),
        fast=True,
    ),
    Mutation(
        "the BACKUP has no power",
        HEALTH + "test_every_backend_is_up[default-backup]",
        "lb2",
        lambda c: powered_off(c, c.backup),
        cause=("a director that is silent", "lb2 does not answer"),
    ),
    Mutation(
        "a server that is not in the topology is served",
        HEALTH + "test_backends_are_those_of_the_topology[default-backup]",
        "web99",
        lambda c: node.edited(
            c.backup.node,
            c.backup.haproxy().config,
            "s/( +server )web1 (.*)/&\\n\\1web99 \\2/",
            c.backup.haproxy().reload,
        ),
    ),
    Mutation(
        "a page names another server",
        HEALTH + "test_every_vm_answers_for_itself[default-/index.html]",
        "web2",
        lambda c: node.done(
            c.vm("web2"),
            "sed -i s/web2/web7/ /var/www/html/index.html",
            "sed -i s/web7/web2/ /var/www/html/index.html",
        ),
    ),
    Mutation(
        "pi.php integrates another function",
        HEALTH + "test_pi_is_computed[default]",
        "approx",
        lambda c: node.done(
            c.vm("web1"),
            "sed -i 's/1.0 + /1.1 + /' /var/www/html/pi.php",
            "sed -i 's/1.1 + /1.0 + /' /var/www/html/pi.php",
        ),
    ),
    # -- suites/backends/test_balance.py
    Mutation(
        "one server has twice the weight",
        BALANCE + "test_each_backend_gets_its_share_exactly[default]",
        "web1",
        lambda c: haproxy.weighted(c, ["web1"], 2),
        fast=True,
        cause=("a weight", "web1 has 2, the others 1"),
    ),
    Mutation(
        "balance source instead of roundrobin",
        BALANCE + "test_each_backend_gets_its_share_under_traffic[default]",
        "max(",
        lambda c: haproxy.cfg(c, "s/balance .*/balance source/"),
    ),
    Mutation(
        "a client's first connections are lost on the way",
        BALANCE + "test_each_backend_gets_its_share_under_traffic[default]",
        "lost.total()",
        network.first_connections_lost,
    ),
    Mutation(
        "HAProxy answers a client by itself",
        BALANCE + "test_each_backend_gets_its_share_under_traffic[default]",
        "sum(shares.values()) >=",
        lambda c: haproxy.cfg(
            c,
            "s/( +)default_backend .*/\\1http-request return status 200 content-type text\\/plain "
            f"string OK if {{ src {c.first_client.node.address} }}\\n&/",
        ),
    ),
    # -- suites/backends/test_loss.py
    Mutation(
        "HAProxy lets six checks fail where its file says three",
        LOSS + "test_backend_is_down_in_time_and_up_again[apache_killed]",
        "down.after <=",
        lambda c: haproxy.unlike_its_file(c, "s/ fall [0-9]+/ fall 6/"),
    ),
    Mutation(
        "a dead server has twenty times its share",
        LOSS + "test_backend_is_down_in_time_and_up_again[apache_killed]",
        "service.through <=",
        lambda c: haproxy.weighted(c, [c.backends[2].name], 20),
    ),
    Mutation(
        "HAProxy wants eight good checks where its file says two",
        LOSS + "test_backend_is_down_in_time_and_up_again[apache_killed]",
        "up.after <=",
        lambda c: haproxy.unlike_its_file(c, "s/ rise [0-9]+/ rise 8/"),
    ),
    Mutation(
        "HAProxy keeps what clients gave up, and idle connections to servers",
        LOSS + "test_backend_is_down_in_time_and_up_again[vm_off]",
        "lost_after",
        lambda c: haproxy.cfg(c, "/abortonclose|http-reuse never/d"),
    ),
    Mutation(
        "HAProxy lets six checks of a silent server fail where its file says three",
        LOSS + "test_service_goes_on_without_a_whole_server",
        "down.after <=",
        lambda c: haproxy.unlike_its_file(c, "s/ fall [0-9]+/ fall 6/"),
    ),
    Mutation(
        "a dead server's VMs have ten times their share",
        LOSS + "test_service_goes_on_without_a_whole_server",
        "service.through <=",
        lambda c: haproxy.weighted(c, [v.name for v in c.backends if v.server == "server6"], 10),
    ),
    # -- suites/ha/test_backend_faults.py
    Mutation(
        "HAProxy checks pages where its file says connections",
        BACKENDS + "test_tcp_checks_see_neither_a_frozen_apache_nor_errors",
        "missed ==",
        lambda c: haproxy.unlike_its_file(c, "s/( *)balance .*/&\\n\\1option httpchk/"),
    ),
    Mutation(
        "HAProxy lets six refused checks fail where its file says three",
        REFUSING + "[one refusing]",
        "down.after <=",
        lambda c: haproxy.unlike_its_file(c, "s/ fall [0-9]+/ fall 6/"),
    ),
    Mutation(
        "a refusing server has twenty times its share",
        REFUSING + "[one refusing]",
        "watch.through <=",
        lambda c: haproxy.weighted(c, [c.backends[4].name], 20),
    ),
    Mutation(
        "HAProxy wants eight good checks of a server that refused where its file says two",
        REFUSING + "[one refusing]",
        "up.after <=",
        lambda c: haproxy.unlike_its_file(c, "s/ rise [0-9]+/ rise 8/"),
    ),
    Mutation(
        "HAProxy tries a server that refuses six times where its file says three",
        BACKENDS + "test_request_for_a_server_that_refuses_is_held_for_its_retries_and_no_longer",
        "held <=",
        lambda c: haproxy.unlike_its_file(c, "s/( +)http-reuse never/&\\n\\1retries 6/"),
    ),
    Mutation(
        "HAProxy takes a request to another server when one refuses",
        BACKENDS + "test_request_for_a_server_that_refuses_is_held_for_its_retries_and_no_longer",
        "one of them went to",
        lambda c: haproxy.unlike_its_file(c, "s/( +)http-reuse never/&\\n\\1option redispatch/"),
    ),
    Mutation(
        "HAProxy lets six checks of half of all fail where its file says three",
        REFUSING + "[half of all killed]",
        "down.after <=",
        lambda c: haproxy.unlike_its_file(c, "s/ fall [0-9]+/ fall 6/"),
    ),
    Mutation(
        "HAProxy wants eight good checks of all where its file says two",
        BACKENDS + "test_without_any_backend_haproxy_answers_503_and_comes_back",
        "back <=",
        lambda c: haproxy.unlike_its_file(c, "s/ rise [0-9]+/ rise 8/"),
    ),
    Mutation(
        "HAProxy lets six checks of all fail where its file says three",
        BACKENDS + "test_without_any_backend_haproxy_answers_503_and_comes_back",
        "down.after <=",
        lambda c: haproxy.unlike_its_file(c, "s/ fall [0-9]+/ fall 6/"),
    ),
    Mutation(
        "HAProxy has an answer of its own when no server is there",
        BACKENDS + "test_without_any_backend_haproxy_answers_503_and_comes_back",
        "answer == 503",
        lambda c: haproxy.cfg(
            c,
            "s/( +)default_backend .*/\\1http-request return status 200 content-type text\\/plain "
            "string sorry if { nbsrv(wwwbackend) eq 0 }\\n&/",
        ),
    ),
    Mutation(
        "balance leastconn instead of roundrobin",
        SLOW,
        "not round robin",
        lambda c: haproxy.cfg(c, "s/balance .*/balance leastconn/"),
    ),
    Mutation(
        "another server is slow too",
        SLOW,
        "who was late is not who was slowed",
        lambda c: slow(c, c.backends[3], 0.3),
    ),
    Mutation(
        "HAProxy serves one connection at a time, and a slow one holds all",
        SLOW,
        "slowed.lost.total()",
        lambda c: haproxy.cfg(c, "s/^( +)maxconn .*/\\1maxconn 1/"),
    ),
    # -- suites/ha/test_http_check.py
    Mutation(
        "HAProxy checks connections where its file says pages",
        CHECKED,
        "for DOWN: not within",
        lambda c: haproxy.unlike_its_file(c, "/option httpchk|http-check/d"),
    ),
    Mutation(
        "HAProxy lets six checks of pages fail where its file says three",
        CHECKED,
        "over ==",
        lambda c: haproxy.unlike_its_file(c, "s/ fall [0-9]+/ fall 6/"),
    ),
    Mutation(
        "HAProxy wants eight good pages where its file says two",
        CHECKED,
        "up.after <=",
        lambda c: haproxy.unlike_its_file(c, "s/ rise [0-9]+/ rise 8/"),
    ),
    Mutation(
        "a check of pages is content with any answer",
        CHECKED,
        "not web18",
        lambda c: haproxy.cfg(c, "s/( *)http-check send .*/&\\n\\1http-check expect rstatus ./"),
    ),
)
