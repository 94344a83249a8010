"""Reloads, reboots, drain and priorities."""

from __future__ import annotations

from halab.keepalived import CONFIG
from tests.mutations.breakage import haproxy, keepalived, network, node
from tests.mutations.mutation import Mutation

PLANNED = "suites/ha/test_planned_work.py::"
OUT = PLANNED + "test_backend_is_taken_out_and_put_back"

MUTATIONS = (
    Mutation(
        "a reload of HAProxy kills it",
        PLANNED + "test_reloads_of_haproxy_cost_no_request",
        "listens alone: not within",
        lambda c: haproxy.unit_of(c.master, 1, "[Service]\nExecReload=/bin/kill -TERM $MAINPID"),
    ),
    Mutation(
        "a reload of HAProxy is a restart",
        PLANNED + "test_reloads_of_haproxy_cost_no_request",
        "lost.total()",
        lambda c: haproxy.unit_of(
            c.master, 1, "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecReload="
        ),
    ),
    Mutation(
        "the BACKUP does not take the VIP from a worse MASTER",
        PLANNED + "test_vip_follows_a_changed_priority",
        "the VIP is on lb2 alone: not within",
        lambda c: node.edited(
            c.backup.node,
            CONFIG,
            "s/state BACKUP/&\\n    nopreempt/",
            c.backup.keepalived.reload,
        ),
    ),
    Mutation(
        "a reload of keepalived is a restart",
        PLANNED + "test_reload_of_keepalived_costs_no_request",
        '"Reloading" in log.text',
        lambda c: node.unit_with(c.master.keepalived.unit, "[Service]\nExecReload="),
    ),
    Mutation(
        "a client's first connections are lost while keepalived is reloaded",
        PLANNED + "test_reload_of_keepalived_costs_no_request",
        "lost.total()",
        network.first_connections_lost,
    ),
    Mutation(
        "a reload of keepalived finds another priority in its file",
        PLANNED + "test_reload_of_keepalived_costs_no_request",
        "lb1 advertises priority 140, configured is 150",
        lambda c: keepalived.left_in_conf(c.master, "s/priority 150/priority 140/"),
    ),
    Mutation(
        "keepalived does not start at the MASTER's boot",
        PLANNED + "test_master_is_drained_and_rebooted",
        "the VIP is on lb1 alone: not within",
        lambda c: node.not_at_boot(c.master.keepalived.unit),
    ),
    Mutation(
        "the BACKUP takes a drained MASTER's VIP and tells nobody",
        PLANNED + "test_master_is_drained_and_rebooted",
        "left <=",
        lambda c: network.without_gratuitous_arp(c, c.backup),
    ),
    Mutation(
        "HAProxy does not start at the MASTER's boot",
        PLANNED + "test_master_is_drained_and_rebooted",
        "back <=",
        lambda c: node.not_at_boot(c.master.haproxy().unit),
    ),
    Mutation(
        "HAProxy's admin socket lets nobody change a thing",
        OUT + "[drained]",
        "Permission denied",
        lambda c: haproxy.cfg(c, "s/level admin/level operator/"),
    ),
    Mutation(
        "a rule sends clients to a server, drained or not",
        OUT + "[drained]",
        "meanwhile ==",
        lambda c: haproxy.cfg(
            c, f"s/( *)balance .*/&\\n\\1use-server {c.backends[4].name} if {{ rand(10) eq 0 }}/"
        ),
    ),
    Mutation(
        "a client's first connections are lost while a server is put to maint",
        OUT + "[in_maintenance]",
        "lost.total()",
        network.first_connections_lost,
    ),
    Mutation(
        "a forgotten HAProxy listens beside the MASTER's",
        OUT + "[in_maintenance]",
        "still sends it clients",
        haproxy.forgotten_haproxy,
    ),
)
