"""The VIP that moves, and back: who takes it, who is told, who may have it."""

from __future__ import annotations

from halab.keepalived import CONFIG
from tests.mutations.breakage import haproxy, keepalived, network, node
from tests.mutations.mutation import Mutation

ROUTED = "suites/ha/test_routed.py::"
CLIENTS = "suites/ha/test_clients.py::test_every_kind_of_client_is_back_within_its_budget"
NOPREEMPT = "suites/ha/test_nopreempt.py::"
PREEMPT_DELAY = "suites/ha/test_preempt_delay.py::"
FAILOVER = "suites/ha/test_failover.py::"

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
        "silence <=",
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
    Mutation(
        "a firewall keeps a routed client from the BACKUP's HAProxy",
        ROUTED + "test_routed_client_follows_when_keepalived_is_killed",
        "longest_outage <=",
        lambda c: network.barred_from_the_backup(c, next(iter(c.routed_clients.values()))),
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
    # -- suites/ha/test_nopreempt.py
    Mutation(
        "nopreempt is forgotten on the MASTER",
        NOPREEMPT + "test_returned_master_leaves_the_vip_and_is_given_it",
        "lb2 alone advertises",
        lambda c: node.edited(c.master.node, CONFIG, "/nopreempt/d", c.master.keepalived.reload),
    ),
    Mutation(
        "the MASTER is given the VIP and tells nobody",
        NOPREEMPT + "test_returned_master_leaves_the_vip_and_is_given_it",
        "longest_outage <=",
        lambda c: network.without_gratuitous_arp(c, c.master),
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
    Mutation(
        "keepalived takes four seconds to start",
        PREEMPT_DELAY + "test_returned_master_waits_before_it_takes_the_vip",
        "returned.after <=",
        lambda c: node.unit_with(c.master.keepalived.unit, "[Service]\nExecStartPre=/bin/sleep 4"),
    ),
    Mutation(
        "the MASTER has waited, takes the VIP again and tells nobody",
        PREEMPT_DELAY + "test_returned_master_waits_before_it_takes_the_vip",
        "longest_outage <=",
        lambda c: network.without_gratuitous_arp(c, c.master),
    ),
)
