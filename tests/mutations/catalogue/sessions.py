"""Cookies, stick tables, peers."""

from __future__ import annotations

from tests.mutations.breakage import haproxy, network, node
from tests.mutations.mutation import Mutation

SESSIONS = "suites/ha/test_sessions.py::"
TABLE = "suites/ha/test_stick_table.py::"
KEPT = SESSIONS + "test_clients_keep_their_backends_through_a_"

MUTATIONS = (
    # -- suites/ha/test_sessions.py
    Mutation(
        "the cookie's values differ between the directors",
        KEPT + "failover[persistence=cookie-keepalived_stopped]",
        "seen_again(visitors) == before",
        lambda c: haproxy.backup_cfg(c, "s/ cookie web/ cookie node/"),
    ),
    Mutation(
        "the BACKUP has no cookie",
        KEPT + "failover[persistence=cookie-keepalived_killed]",
        "seen_again(visitors) == before",
        lambda c: haproxy.backup_cfg(c, "/cookie SERVERID/d"),
    ),
    Mutation(
        "the peers' port is wrong on the MASTER",
        KEPT + "failover[persistence=stick-table-keepalived_stopped]",
        "seen_again(visitors) == before",
        haproxy.peers_apart,
    ),
    Mutation(
        "the MASTER's stick table is told to nobody",
        KEPT + "failover[persistence=stick-table-keepalived_killed]",
        "seen_again(visitors) == before",
        lambda c: haproxy.cfg(c, "s/ peers LB$//"),
    ),
    Mutation(
        "clients reach the MASTER's HAProxy after a failover too",
        KEPT + "failover[persistence=cookie-keepalived_stopped]",
        "== len(visitors)",
        network.clients_on_the_master,
    ),
    Mutation(
        "a reload takes over other cookies",
        KEPT + "reload[persistence=cookie]",
        "seen_again(visitors) == before",
        lambda c: node.edited(
            c.master.node,
            c.master.haproxy().config,
            "s/ cookie web/ cookie node/",
            lambda: None,
        ),
    ),
    Mutation(
        "the MASTER's stick table does not outlive a reload",
        KEPT + "reload[persistence=stick-table]",
        "seen_again(visitors) == before",
        lambda c: haproxy.cfg(c, "s/ peers LB$//"),
    ),
    Mutation(
        "the BACKUP's stick table forgets within a second",
        KEPT + "failover[persistence=stick-table-keepalived_killed]",
        "seen_again(visitors) == before",
        lambda c: haproxy.backup_cfg(c, "s/ expire 30m/ expire 1s/"),
    ),
    # -- suites/ha/test_stick_table.py
    Mutation(
        "the MASTER tells no peer",
        TABLE + "test_backup_holds_what_the_master_learns",
        "both directors' stick tables are",
        haproxy.peers_apart,
    ),
    Mutation(
        "the BACKUP tells no peer",
        TABLE + "test_master_holds_what_the_backup_learns_in_its_place",
        "both directors' stick tables are",
        lambda c: haproxy.backup_cfg(c, "s/ peers LB$//"),
    ),
    Mutation(
        "a reload takes over a table that is told to nobody",
        TABLE + "test_reload_keeps_the_table[master]",
        "both directors' stick tables are",
        lambda c: node.edited(
            c.master.node, c.master.haproxy().config, "s/ peers LB$//", lambda: None
        ),
    ),
    Mutation(
        "a reload of the BACKUP takes over a table that is told to nobody",
        TABLE + "test_reload_keeps_the_table[backup]",
        "both directors' stick tables are",
        lambda c: node.edited(
            c.backup.node, c.backup.haproxy().config, "s/ peers LB$//", lambda: None
        ),
    ),
)
