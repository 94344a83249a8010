"""The LAN: partitions, lost adverts, a second VIP, bonds."""

from __future__ import annotations

from halab.keepalived import CONFIG
from tests.mutations.breakage import keepalived, network, node
from tests.mutations.mutation import Mutation

BONDING = "suites/ha/test_bonding.py::"
NETWORK = "suites/ha/test_network_faults.py::"
LOST_ADVERTS = "suites/ha/test_lost_adverts.py::"
REPAIR = "suites/ha/test_partition_repair.py::"
REPAIRED = REPAIR + "test_backup_that_hears_the_master_first_has_it_announce_itself"
DUPLICATE = NETWORK + "test_duplicate_vip_is_named_by_its_mac"

MUTATIONS = (
    # -- suites/ha/test_bonding.py
    Mutation(
        "the second cable of the BACKUP's bond is out",
        BONDING + "test_every_port_has_carrier[backup]",
        "['port2'] == []",
        lambda c: network.cable_out_before(c, c.backup, 2),
        lab="emulated",
        nics=2,
    ),
    Mutation(
        "nothing leaves by the bond's second port at first",
        BONDING + "test_lost_cable_moves_no_vip",
        "longest_outage <=",
        lambda c: network.second_port_closed_at_first(c.master),
        lab="emulated",
        nics=2,
    ),
    Mutation(
        "keepalived tracks one port of the bond",
        BONDING + "test_lost_cable_moves_no_vip",
        "lb1 alone advertises: not within",
        lambda c: node.edited(
            c.master.node,
            CONFIG,
            "s/track_interface \\{/&\\n        port1/",
            c.master.keepalived.reload,
        ),
        lab="emulated",
        nics=2,
    ),
    # -- suites/ha/test_network_faults.py
    Mutation(
        "the MASTER tells nobody when it hears a worse one",
        NETWORK
        + "test_cut_off_directors_both_serve_and_the_better_one_wins_when_it_hears_the_other",
        "settled.announced <=",
        lambda c: network.without_gratuitous_arp(c, c.master),
    ),
    Mutation(
        "the BACKUP has its last word",
        NETWORK + "test_clients_stay_with_a_worse_one_that_gave_up_in_silence",
        "settled.others_adverts",
        lambda c: keepalived.conf(
            c.backup, "s/( *)priority 100/&\\n\\1higher_prio_send_advert true/", c.vip_on(c.master)
        ),
    ),
    Mutation(
        "the MASTER lets the BACKUP have its clients",
        NETWORK + "test_deaf_backup_takes_the_vip_and_the_master_keeps_its_clients",
        "seen ==",
        lambda c: network.without_gratuitous_arp(c, c.master),
    ),
    Mutation(
        "the MASTER tells nobody after the BACKUP's moment as MASTER",
        LOST_ADVERTS
        + "test_lost_adverts_move_the_vip_only_after_master_down_interval[three in a row]",
        "longest_outage <=",
        lambda c: network.without_gratuitous_arp(c, c.master),
    ),
    Mutation(
        "what the MASTER does not hear of the BACKUP is lost the other way too",
        NETWORK + "test_deaf_master_changes_nothing",
        "lb1 alone advertises: not within",
        network.lost_both_ways,
    ),
    Mutation(
        "a client's first connections are lost, and the MASTER is deaf besides",
        NETWORK + "test_deaf_master_changes_nothing",
        "lost.total()",
        network.first_connections_lost,
    ),
    Mutation(
        "the BACKUP takes the VIP after one lost advert",
        LOST_ADVERTS
        + "test_lost_adverts_move_the_vip_only_after_master_down_interval[two in a row]",
        "silences were long enough",
        keepalived.backup_of_one_advert,
    ),
    Mutation(
        "a client with an intruder's MAC is deaf to the MASTER",
        DUPLICATE + "[announced]",
        "brought clients not back",
        network.deaf_to_the_master,
    ),
    Mutation(
        "an intruder has the VIP and never says so",
        DUPLICATE + "[not announced]",
        "is heard: not within",
        lambda c: node.nft(
            list(c.clients.values())[1], "arp", "output", f"arp saddr ip {c.vip} drop"
        ),
    ),
    Mutation(
        "an intruder tells the LAN by itself",
        DUPLICATE + "[not announced]",
        "watch.lost.total() == 0",
        lambda c: network.tells_when_it_has_the_vip(c, list(c.clients.values())[1]),
    ),
    # -- suites/ha/test_partition_repair.py
    Mutation(
        "the BACKUP has no last word, though it should",
        REPAIRED,
        "settled.announced <=",
        lambda c: keepalived.conf(c.backup, "/higher_prio_send_advert/d", c.vip_on(c.master)),
    ),
    Mutation(
        "the MASTER hears the BACKUP's last word and tells nobody",
        REPAIRED,
        "settled.announced <=",
        lambda c: network.without_gratuitous_arp(c, c.master),
    ),
)
