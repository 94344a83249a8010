"""The service while nothing happens, and the LAN under watch."""

from __future__ import annotations

from halab.keepalived import CONFIG
from tests.mutations.breakage import haproxy, keepalived, network, node
from tests.mutations.mutation import Mutation

SERVICE = "suites/ha/test_service.py::"
UNDISTURBED = SERVICE + "test_undisturbed_service_loses_nothing"

MUTATIONS = (
    # -- suites/ha/test_nodes.py
    Mutation(
        "the BACKUP's keepalived does not run",
        "suites/ha/test_nodes.py::test_nothing_is_wrong_with_any_node_or_the_cluster",
        "lb2: keepalived.service is inactive",
        lambda c: node.done(
            c.backup.node, "systemctl stop keepalived", "systemctl start keepalived"
        ),
        fast=True,
    ),
    # -- suites/ha/test_service.py
    Mutation(
        "a client's first connections are lost, and nothing else happens",
        UNDISTURBED,
        "lost.total()",
        network.first_connections_lost,
    ),
    Mutation(
        "the VIP is hard-wired on the BACKUP",
        SERVICE + "test_vip_is_on_exactly_one_director_the_master",
        "lb2",
        lambda c: node.done(
            c.backup.node,
            f"ip address add {c.vip}/32 dev {c.backup.node.nic}",
            f"ip address del {c.vip}/32 dev {c.backup.node.nic}",
        ),
        fast=True,
    ),
    Mutation(
        "the VIP has the network's prefix",
        SERVICE + "test_vip_is_a_host_address_on_the_nic",
        "192.168.250.250/32",
        lambda c: node.edited(
            c.master.node,
            CONFIG,
            f"s/^( +){c.vip}.*/\\1{c.vip}\\/24/",
            c.master.keepalived.reload,
        ),
        fast=True,
    ),
    Mutation(
        "a client's ARP table has the BACKUP's MAC",
        SERVICE + "test_every_client_resolves_the_vip_to_the_master",
        "client1",
        lambda c: node.hard_wired(c.first_client.node, str(c.vip), c.backup.mac()),
        fast=True,
        cause=("a stale ARP entry", "client1 has the MAC of lb2 for the VIP"),
    ),
    Mutation(
        "the directors' virtual_router_id differ",
        SERVICE + "test_only_the_master_advertises",
        "192.168.250.111",
        keepalived.both_masters,
        cause=("directors that do not hear each other", "do not take each other's adverts"),
    ),
    Mutation(
        "the directors' passwords differ",
        SERVICE + "test_only_the_master_advertises",
        "192.168.250.111",
        lambda c: keepalived.both_masters(c, "s/auth_pass .*/auth_pass another/"),
    ),
    Mutation(
        "the directors' advert_int differ",
        SERVICE + "test_directors_are_configured_as_one_virtual_router",
        "'advert_int': 2",
        lambda c: keepalived.conf(c.backup, "s/advert_int .*/advert_int 2/"),
    ),
    Mutation(
        "a firewall keeps adverts from the BACKUP",
        SERVICE + "test_vip_is_on_exactly_one_director_the_master",
        "lb2",
        keepalived.adverts_dropped,
        cause=("a firewall", "a firewall on lb2 keeps packets back"),
    ),
    Mutation(
        "the MASTER advertises another priority",
        SERVICE + "test_adverts_say_what_the_topology_says",
        "140",
        lambda c: keepalived.conf(c.master, "s/priority 150/priority 140/", c.vip_on(c.master)),
    ),
    Mutation(
        "advert_int is twice what the topology says",
        SERVICE + "test_adverts_come_every_advert_int",
        "advert_int}",
        keepalived.advert_int_doubled,
        cause=("a file that was changed", "+advert_int 2"),
    ),
    Mutation(
        "the MASTER's keepalived stutters",
        SERVICE + "test_adverts_come_every_advert_int",
        "worst <",
        lambda c: keepalived.stuttering(c.master),
    ),
    Mutation(
        "the stats page has another password",
        SERVICE + "test_stats_page_answers_with_the_password[master]",
        "401",
        lambda c: haproxy.cfg(c, "s/(stats auth [^:]*:).*/\\1another/"),
        fast=True,
    ),
    Mutation(
        "the stats page leaves the backend out",
        SERVICE + "test_stats_page_answers_with_the_password[master]",
        "answer.page",
        lambda c: haproxy.cfg(c, "s/( +)stats auth .*/&\\n\\1stats scope http-frontend/"),
    ),
    Mutation(
        "the stats page is open to admin:admin",
        SERVICE + "test_stats_page_refuses_without_the_password[master-('admin', 'admin')]",
        "200",
        lambda c: haproxy.cfg(c, "s/stats auth .*/stats auth admin:admin/"),
        fast=True,
    ),
    Mutation(
        "the stats page is open to everybody",
        SERVICE + "test_stats_page_refuses_without_the_password[master-None]",
        "200",
        lambda c: haproxy.cfg(c, "/stats auth /d"),
    ),
    Mutation(
        "the stats page has a password that is easily guessed",
        SERVICE + "test_stats_page_refuses_without_the_password[master-('operator', 'wrong')]",
        "200",
        lambda c: haproxy.cfg(c, "s/(stats auth [^:]*:).*/\\1wrong/"),
    ),
    # -- the LAN under watch: each of these tests passes by its own assertions
    Mutation(
        "the directors' virtual_router_id differ, and no test looks at who holds the VIP",
        UNDISTURBED,
        "both lb1 and lb2 advertised as MASTER (split brain)",
        lambda c: network.unnoticed_by_a_client(c, keepalived.both_masters(c)),
    ),
    Mutation(
        "the MASTER advertises another priority, and no test looks at adverts",
        UNDISTURBED,
        "lb1 advertises priority 140, configured is 150",
        lambda c: keepalived.conf(c.master, "s/priority 150/priority 140/", c.vip_on(c.master)),
    ),
    Mutation(
        "a foreign host answers ARP for the VIP",
        UNDISTURBED,
        "no director, claims the VIP 192.168.250.250 by ARP (duplicate VIP)",
        lambda c: network.unnoticed_by_a_client(c, network.vip_too_on(c, c.servers["server6"])),
    ),
    Mutation(
        "the BACKUP answers ARP for the VIP",
        UNDISTURBED,
        "both lb1 and lb2 had the VIP 192.168.250.250 by ARP (duplicate VIP)",
        lambda c: network.unnoticed_by_a_client(c, network.vip_too_on(c, c.backup.node)),
    ),
    Mutation(
        "both keepalived are frozen and the VIP lies where it was",
        UNDISTURBED,
        "no director advertised as MASTER",
        keepalived.both_frozen,
        cause=("keepalived that is dead or frozen", "keepalived on lb1 is frozen"),
    ),
    Mutation(
        "the MASTER advertises and answers no ARP",
        UNDISTURBED,
        "no director had the VIP 192.168.250.250 by ARP",
        lambda c: network.unnoticed_by_a_client(c, network.mute_for_the_vip(c, c.master)),
    ),
)
