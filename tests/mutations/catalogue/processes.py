"""HAProxy's processes and threads: their ports, their CPUs, and their parts of a load."""

from __future__ import annotations

from tests.mutations.breakage import haproxy, nic, node
from tests.mutations.mutation import Mutation

PROCESSES = "suites/directors/test_processes.py::"
PINNING = "suites/directors/test_pinning.py::"
DEATH = "suites/directors/test_death.py::"
LOADED = "suites/directors/test_load.py::"
PINNED = "haproxy_processes=4,haproxy_cpus=0.1.0.1"

MUTATIONS = (
    Mutation(
        "a HAProxy process is stopped",
        PROCESSES + "test_as_many_processes_run_as_asked_for[haproxy_processes=2-master]",
        "frozenset({1}) ==",
        lambda c: node.done(c.master.node, "systemctl stop haproxy@2", "systemctl start haproxy@2"),
        fast=True,
        cause=("a HAProxy process that is missing", "HAProxy 2 does not run on lb1"),
    ),
    Mutation(
        "a HAProxy process does not come back with its director",
        PROCESSES + "test_as_many_processes_run_as_asked_for[haproxy_processes=2-master]",
        "is_enabled",
        lambda c: node.done(
            c.master.node,
            "systemctl --quiet disable haproxy@2",
            "systemctl --quiet enable haproxy@2",
        ),
    ),
    Mutation(
        "a PID file names another process",
        PROCESSES + "test_as_many_processes_run_as_asked_for[haproxy_processes=2-master]",
        "int(written)",
        lambda c: node.edited(c.master.node, "/run/haproxy/haproxy-2.pid", "s/$/0/", lambda: None),
    ),
    Mutation(
        "a HAProxy process serves another port",
        PROCESSES + "test_each_process_serves_its_own_ports_and_only_those"
        "[haproxy_processes=2-master]",
        "8083",
        lambda c: haproxy.cfg(c, "s/:8082$/:8083/", process=2),
    ),
    Mutation(
        "two HAProxy processes share an admin socket",
        PROCESSES + "test_no_two_processes_share_an_admin_socket[haproxy_processes=2-master]",
        "told",
        haproxy.shared_admin_socket,
    ),
    Mutation(
        "HAProxy has more threads than asked for",
        PROCESSES + "test_no_two_processes_share_an_admin_socket[haproxy_processes=2-master]",
        "threads ==",
        lambda c: haproxy.cfg(c, "s/nbthread 1/nbthread 2/"),
    ),
    Mutation(
        "a firewall closes a port",
        PROCESSES + "test_the_vip_serves_each_port[haproxy_processes=2]",
        "answers ==",
        lambda c: node.nft(c.master.node, "ip", "input", "tcp dport 8082 reject"),
    ),
    Mutation(
        "a HAProxy process favours a server",
        PROCESSES + "test_each_process_rotates_over_all_backends_by_itself[haproxy_processes=2]",
        "served ==",
        lambda c: haproxy.weighted(c, ["web1"], 2, process=2),
    ),
    Mutation(
        "a pin is lost",
        PINNING + f"test_threads_may_run_on_their_cpus_alone[{PINNED}-master]",
        "allowed",
        lambda c: haproxy.moved(c, 3, frozenset()),
    ),
    Mutation(
        "a HAProxy process runs elsewhere than its unit says",
        PINNING + f"test_threads_ran_on_their_cpus_alone[{PINNED}]",
        "on <= wanted",
        lambda c: haproxy.moved(c, 3, frozenset({1})),
    ),
    Mutation(
        "systemd does not start HAProxy again",
        DEATH + "test_killed_process_is_started_again_and_the_others_go_on[haproxy_processes=2]",
        "answers: not within",
        lambda c: haproxy.unit_of(c.master, 2, "[Service]\nRestart=no"),
    ),
    Mutation(
        "a killed HAProxy comes back on another port",
        DEATH + "test_killed_process_is_started_again_and_the_others_go_on[haproxy_processes=2]",
        "longest_outage <",
        haproxy.other_port_after_restart,
    ),
    Mutation(
        "one HAProxy process goes with another",
        DEATH + "test_killed_process_is_started_again_and_the_others_go_on[haproxy_processes=2]",
        "others.lost",
        lambda c: haproxy.unit_of(
            c.master, 1, "[Unit]\nPartOf=haproxy@2.service\nBindsTo=haproxy@2.service"
        ),
    ),
    Mutation(
        "somebody else asks HAProxy during a load",
        LOADED + "test_every_request_to_every_port_is_served",
        "the generators made 1800 requests, HAProxy counted",
        haproxy.asked_by_somebody_else,
    ),
    Mutation(
        "one of HAProxy's processes refuses one request in a hundred",
        LOADED + "test_every_request_to_every_port_is_served",
        "of 1800 requests succeeded",
        lambda c: haproxy.cfg(
            c,
            "s/( +)default_backend .*/\\1http-request deny deny_status 503 "
            "if { rand(100) eq 7 }\\n&/",
            process=2,
        ),
    ),
    Mutation(
        "one HAProxy process does the work of another",
        LOADED + "test_each_process_does_its_part",
        "{2: 0",
        haproxy.served_by_the_first,
    ),
    Mutation(
        "something else needs the MASTER's CPU",
        LOADED + "test_the_director_works_for_haproxy",
        "others < haproxy",
        lambda c: node.meanwhile(
            c.master.node, "for n in 1 2 3; do while :; do :; done & done; wait"
        ),
    ),
    Mutation(
        "the MASTER's CPUs keep hardly any packet until they have time",
        LOADED + "test_no_packet_is_dropped_before_it_is_looked_at",
        "softnet_drops == 0",
        nic.short_of_backlog,
        lab="emulated",
    ),
    Mutation(
        "the MASTER keeps a hundred sockets in TIME_WAIT and no more",
        LOADED + "test_there_is_room_for_every_socket_in_time_wait",
        "time_wait <",
        lambda c: node.sysctl(c.master, "net.ipv4.tcp_max_tw_buckets", 100),
    ),
)
