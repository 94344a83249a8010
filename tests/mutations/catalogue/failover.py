"""The VIP that moves: because a director is gone, or what it tracks."""

from __future__ import annotations

from halab import tracking
from halab.keepalived import CONFIG
from tests.mutations.breakage import haproxy, keepalived, network, node
from tests.mutations.mutation import Mutation

ROUTED = "suites/ha/test_routed.py::"
CLIENTS = "suites/ha/test_clients.py::test_every_kind_of_client_is_back_within_its_budget"
DIRECTOR = "suites/ha/test_director_faults.py::"
TRACKED = "suites/ha/test_tracking.py::"
NOPREEMPT = "suites/ha/test_nopreempt.py::"
PREEMPT_DELAY = "suites/ha/test_preempt_delay.py::"
COMBINED = "suites/ha/test_combined.py::"
FAILOVER = "suites/ha/test_failover.py::"
FLAPPING = COMBINED + "test_flapping_master_costs_each_time_what_once_costs"
CLOCK = "suites/ha/test_clock.py::test_jump_of_both_clocks_moves_nothing"

MUTATIONS = (
    # -- suites/ha/test_failover.py
    Mutation(
        "the BACKUP takes the VIP and tells nobody",
        FAILOVER + "test_stopped_master_hands_the_vip_over_within_skew_time",
        "longest_outage <=",
        lambda c: network.without_gratuitous_arp(c, c.backup),
        cause=("a takeover that nobody was told of", "took the VIP without gratuitous ARP"),
    ),
    Mutation(
        "keepalived of the BACKUP logs nothing",
        FAILOVER + "test_backup_logs_that_it_entered_master_state",
        "Entering MASTER STATE",
        lambda c: node.edited(
            c.backup.node,
            "/etc/default/keepalived",
            's/DAEMON_ARGS=""/DAEMON_ARGS="--no-syslog"/',
            c.backup.keepalived.restart,
        ),
    ),
    Mutation(
        "keepalived of the BACKUP is frozen for some seconds",
        FAILOVER + "test_backup_takes_over_when_keepalived_is_killed",
        "taken.after <=",
        lambda c: keepalived.frozen_for(c.backup, 10),
    ),
    Mutation(
        "a firewall keeps clients from the BACKUP's HAProxy",
        FAILOVER + "test_backup_takes_over_when_keepalived_is_killed",
        "longest_outage <=",
        lambda c: node.nft(c.backup.node, "ip", "input", "tcp dport 8081 drop"),
    ),
    Mutation(
        "keepalived of the BACKUP is frozen while the power goes",
        FAILOVER + "test_backup_takes_over_when_the_master_loses_power",
        "longest_outage <=",
        lambda c: keepalived.frozen_for(c.backup, 10),
    ),
    Mutation(
        "the MASTER does not preempt",
        FAILOVER + "test_returning_master_takes_the_vip_again",
        "the VIP is on lb1 alone: not within",
        lambda c: keepalived.nopreempt(c.master),
    ),
    Mutation(
        "both directors are MASTER with the same priority",
        FAILOVER + "test_returning_master_takes_the_vip_again",
        "the VIP is on lb1 alone: not within",
        lambda c: keepalived.conf(
            c.backup,
            "s/state BACKUP/state MASTER/; s/priority 100/priority 150/",
            c.vip_on(c.master),
        ),
    ),
    Mutation(
        "the MASTER takes the VIP again and tells nobody",
        FAILOVER + "test_returning_master_takes_the_vip_again",
        "longest_outage <=",
        lambda c: network.without_gratuitous_arp(c, c.master),
    ),
    Mutation(
        "a client speaks to the BACKUP",
        FAILOVER + "test_dead_backup_costs_no_request",
        "lost.total()",
        network.client_on_the_backup,
    ),
    Mutation(
        "the BACKUP takes the VIP and tells nobody, while the killed MASTER serves on",
        FAILOVER + "test_backup_takes_over_when_keepalived_is_killed",
        "lb2 took over from lb1 and sent no gratuitous ARP for 192.168.250.250",
        lambda c: network.without_gratuitous_arp(c, c.backup),
    ),
    # -- suites/ha/test_routed.py
    Mutation(
        "the gateway's ARP table has the BACKUP's MAC",
        ROUTED + "test_gateway_resolves_the_vip_to_the_master",
        "gateway1",
        lambda c: node.hard_wired(network.gateway(c), str(c.vip), c.backup.mac()),
        fast=True,
    ),
    Mutation(
        "the gateway is deaf to gratuitous ARP when the MASTER stops",
        ROUTED + "test_routed_client_follows_a_stopped_master_within_skew_time",
        "longest_outage <=",
        network.gateway_deaf_to_gratuitous_arp,
    ),
    Mutation(
        "the gateway's ARP table has the MASTER's MAC for good",
        ROUTED + "test_routed_client_follows_when_keepalived_is_killed",
        "gateway1",
        lambda c: node.hard_wired(network.gateway(c), str(c.vip), c.master.mac()),
    ),
    # -- suites/ha/test_clients.py
    Mutation(
        "the BACKUP takes the VIP and tells nobody, whatever they ask with",
        CLIENTS + "[stopped]",
        "outage, slow",
        lambda c: network.without_gratuitous_arp(c, c.backup),
    ),
    Mutation(
        "the gateway's ARP table has the MASTER's MAC when its power goes",
        CLIENTS + "[without power]",
        "outage, routed",
        lambda c: node.hard_wired(network.gateway(c), str(c.vip), c.master.mac()),
    ),
    Mutation(
        "the BACKUP's HAProxy refuses some of its clients",
        CLIENTS + "[killed]",
        "Outcome.REFUSED",
        lambda c: node.nft(
            c.backup.node,
            "ip",
            "input",
            "tcp dport 8081 tcp flags & (syn | ack) == syn numgen inc mod 20 0 "
            "reject with tcp reset",
        ),
    ),
    Mutation(
        "HAProxy serves one connection at a time",
        CLIENTS + "[stopped]",
        "every request of the clients is answered again: not within",
        lambda c: haproxy.cfg(c, "s/^( +)maxconn .*/\\1maxconn 1/"),
    ),
    Mutation(
        "timeout server is in another unit than it was meant",
        CLIENTS + "[stopped]",
        "every request of the clients is answered again: not within",
        lambda c: haproxy.cfg(c, "s/timeout server .*/timeout server 5/"),
    ),
    Mutation(
        "a firewall keeps one client from the BACKUP's HAProxy",
        CLIENTS + "[stopped]",
        "outage, new",
        lambda c: network.barred_from_the_backup(c, c.first_client.node),
    ),
    Mutation(
        "a firewall keeps a client with kept connections from the BACKUP's HAProxy",
        CLIENTS + "[stopped]",
        "outage, keepalive",
        lambda c: network.barred_from_the_backup(c, list(c.clients.values())[1]),
    ),
    # -- suites/ha/test_director_faults.py
    Mutation(
        "keepalived of the BACKUP is frozen while the MASTER's port is down",
        DIRECTOR + "test_silent_master_is_replaced_and_comes_back[switch port down]",
        "taken.after <=",
        lambda c: keepalived.frozen_for(c.backup, 10),
    ),
    Mutation(
        "a returning MASTER tells nobody",
        DIRECTOR + "test_silent_master_is_replaced_and_comes_back[switch port down]",
        "AssertionError: at its return",
        lambda c: network.without_gratuitous_arp(c, c.master),
    ),
    Mutation(
        "keepalived gives the VIP away for a dead HAProxy, though it is not asked to",
        DIRECTOR + "test_vip_stays_with_a_dead_haproxy[stopped]",
        "lb1 alone advertises",
        lambda c: keepalived.tracking_haproxy(c.master),
    ),
    Mutation(
        "the MASTER's keepalived stands still while the CPU is gone",
        DIRECTOR + "test_starved_master_keeps_the_vip",
        "<director lb2>",
        lambda c: keepalived.frozen_when_starved(c.master),
    ),
    Mutation(
        "the BACKUP takes the VIP with a full disk and tells nobody",
        DIRECTOR + "test_full_disk_costs_nothing_and_hinders_no_failover[/run]",
        "longest_outage <=",
        lambda c: network.without_gratuitous_arp(c, c.backup),
    ),
    # -- suites/ha/test_tracking.py
    Mutation(
        "the script that looks after HAProxy is content with anything",
        TRACKED + "test_vip_leaves_a_dead_haproxy_and_comes_back[tracking=script-stopped]",
        "lb2 takes the VIP: not within",
        lambda c: node.edited(
            c.master.node, tracking.SCRIPT, "2 i exit 0", lambda: keepalived.executable(c.master)
        ),
    ),
    Mutation(
        "keepalived was reloaded where it begins to track processes",
        TRACKED + "test_vip_leaves_a_dead_haproxy_and_comes_back[tracking=process-stopped]",
        "lb2 takes the VIP: not within",
        keepalived.reloaded_to_track_processes,
        lab="emulated",
        cause=("keepalived that is deaf to processes", "a reload does not begin to track"),
    ),
    # -- suites/ha/test_nopreempt.py
    Mutation(
        "nopreempt is forgotten on the MASTER",
        NOPREEMPT + "test_returned_master_leaves_the_vip_and_is_given_it",
        "lb2 alone advertises",
        lambda c: node.edited(c.master.node, CONFIG, "/nopreempt/d", c.master.keepalived.reload),
    ),
    # -- suites/ha/test_preempt_delay.py
    Mutation(
        "preempt_delay is forgotten on the MASTER",
        PREEMPT_DELAY + "test_returned_master_waits_before_it_takes_the_vip",
        "DELAY - timers.advert_int <=",
        lambda c: node.edited(
            c.master.node, CONFIG, "/preempt_delay/d", c.master.keepalived.reload
        ),
    ),
    # -- suites/ha/test_combined.py
    Mutation(
        "keepalived of the BACKUP is frozen while MASTER and server are lost",
        COMBINED + "test_master_is_lost_while_a_server_is_dying",
        "longest_outage <=",
        lambda c: keepalived.frozen_for(c.backup, 10),
    ),
    Mutation(
        "keepalived of the BACKUP is frozen while the MASTER flaps",
        FLAPPING + "[faster than VRRP]",
        "longest_outage <=",
        lambda c: keepalived.frozen_for(c.backup, 12),
    ),
    # -- suites/ha/test_clock.py
    Mutation(
        "a job stops the MASTER's keepalived at a time of day",
        CLOCK + "[ahead]",
        "lb1 alone advertises: not within",
        lambda c: keepalived.stopped_at_a_time_of_day(c.master, 1800),
        lab="emulated",
    ),
)
