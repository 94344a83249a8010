"""Directors that fail otherwise than by losing keepalived or power, and several things at once."""

from __future__ import annotations

from halab import tracking
from tests.mutations.breakage import haproxy, keepalived, network, node
from tests.mutations.mutation import Mutation

DIRECTOR = "suites/ha/test_director_faults.py::"
TRACKED = "suites/ha/test_tracking.py::"
COMBINED = "suites/ha/test_combined.py::"
FLAPPING = COMBINED + "test_flapping_master_costs_each_time_what_once_costs"
CLOCK = "suites/ha/test_clock.py::test_jump_of_both_clocks_moves_nothing"

MUTATIONS = (
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
        "keepalived of the MASTER does not look at its NIC",
        DIRECTOR + "test_silent_master_is_replaced_and_comes_back[switch port down]",
        "without a NIC",
        lambda c: keepalived.conf(
            c.master,
            "/track_interface/,/}/d; s/( *)priority 150/&\\n\\1dont_track_primary/",
            c.vip_on(c.master),
        ),
    ),
    Mutation(
        "the MASTER serves only some time after HAProxy is back, and keeps the VIP",
        DIRECTOR + "test_vip_stays_with_a_dead_haproxy[held dead]",
        "longest_outage <=",
        lambda c: haproxy.closed_after_a_death(c.master),
    ),
    Mutation(
        "a job starts HAProxy again, whoever has stopped it",
        DIRECTOR + "test_vip_stays_with_a_dead_haproxy[stopped]",
        "least - answered <=",
        lambda c: node.meanwhile(
            c.master.node, "while :; do systemctl start haproxy@1; sleep 0.2; done"
        ),
    ),
    Mutation(
        "a firewall has the MASTER fall silent where nobody listens",
        DIRECTOR + "test_vip_stays_with_a_dead_haproxy[stopped]",
        "is seen_as",
        lambda c: node.nft(
            c.master.node, "ip", "output", "tcp sport 8081 tcp flags & rst != 0 drop"
        ),
    ),
    Mutation(
        "HAProxy stumbles when it is back",
        DIRECTOR + "test_vip_stays_with_a_dead_haproxy[stopped]",
        "lost_later(seen, ",
        lambda c: haproxy.stopped_again_after_a_death(c.master),
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
        "a client's first connections are lost while a disk fills",
        DIRECTOR + "test_full_disk_costs_nothing_and_hinders_no_failover[/var]",
        "quiet.lost.total()",
        network.first_connections_lost,
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
        "the script may hang for eight seconds where its file says one",
        TRACKED + "test_vip_leaves_a_dead_haproxy_and_comes_back[tracking=script-frozen]",
        "self.taken.after <=",
        lambda c: keepalived.unlike_its_file(
            c.master, "s/^( *)timeout 1$/\\1timeout 8/", c.vip_on(c.master)
        ),
    ),
    Mutation(
        "the script must fail six times where its file says two",
        TRACKED + "test_vip_leaves_a_dead_haproxy_and_comes_back[tracking=script-held dead]",
        "self.taken.after <=",
        lambda c: keepalived.unlike_its_file(
            c.master, "s/^( *)fall 2$/\\1fall 6/", c.vip_on(c.master)
        ),
    ),
    Mutation(
        "the script must succeed eight times where its file says two",
        TRACKED + "test_vip_leaves_a_dead_haproxy_and_comes_back[tracking=script-stopped]",
        "self.returned.after <=",
        lambda c: keepalived.unlike_its_file(
            c.master, "s/^( *)rise 2$/\\1rise 8/", c.vip_on(c.master)
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
    Mutation(
        "keepalived gives the VIP away for a HAProxy that hangs, which it is not to see",
        TRACKED + "test_frozen_haproxy_is_a_process_all_the_same[tracking=process]",
        "lb1 alone advertises",
        lambda c: keepalived.tracking_haproxy(c.master, hanging=True),
        lab="emulated",
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
