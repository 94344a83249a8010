"""The mutations: for each assertion of the suites a way to break the cluster that it notices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from halab import tracking
from halab.cluster import Cluster
from halab.faults import powered_off, slow
from halab.keepalived import CONFIG, FIREWALL
from tests.mutations import breakage as by
from tests.mutations.breakage import Break

if TYPE_CHECKING:
    # imported first by pytest, which rewrites its assertions
    from fixtures.platforms import Platforms

COUNTS = "suites/placement/test_counts.py::"
HEALTH = "suites/backends/test_health.py::"
BALANCE = "suites/backends/test_balance.py::"
LOSS = "suites/backends/test_loss.py::"
SERVICE = "suites/ha/test_service.py::"
UNDISTURBED = SERVICE + "test_undisturbed_service_loses_nothing"
ROUTED = "suites/ha/test_routed.py::"
CLIENTS = "suites/ha/test_clients.py::test_every_kind_of_client_is_back_within_its_budget"
DIRECTOR = "suites/ha/test_director_faults.py::"
TRACKED = "suites/ha/test_tracking.py::"
PLANNED = "suites/ha/test_planned_work.py::"
NOPREEMPT = "suites/ha/test_nopreempt.py::"
PREEMPT_DELAY = "suites/ha/test_preempt_delay.py::"
COMBINED = "suites/ha/test_combined.py::"
FAILOVER = "suites/ha/test_failover.py::"
LAYER4 = "suites/ha/test_layer4.py::"
BONDING = "suites/ha/test_bonding.py::"
SESSIONS = "suites/ha/test_sessions.py::"
NETWORK = "suites/ha/test_network_faults.py::"
LOST_ADVERTS = "suites/ha/test_lost_adverts.py::"
BACKENDS = "suites/ha/test_backend_faults.py::"
REFUSING = BACKENDS + "test_refusing_backends_are_down_in_time_and_then_nothing_is_lost"
TABLE = "suites/ha/test_stick_table.py::"
CHECKED = "suites/ha/test_http_check.py::test_frozen_apache_and_errors_are_found"
REPAIR = "suites/ha/test_partition_repair.py::"
REPAIRED = REPAIR + "test_backup_that_hears_the_master_first_has_it_announce_itself"
DUPLICATE = NETWORK + "test_duplicate_vip_is_named_by_its_mac"
SLOW = BACKENDS + "test_slow_backend_costs_nobody_else_his_time"
OUT = PLANNED + "test_backend_is_taken_out_and_put_back"
FLAPPING = COMBINED + "test_flapping_master_costs_each_time_what_once_costs"
CLOCK = "suites/ha/test_clock.py::test_jump_of_both_clocks_moves_nothing"
KEPT = SESSIONS + "test_clients_keep_their_backends_through_a_"
PROCESSES = "suites/directors/test_processes.py::"
PINNING = "suites/directors/test_pinning.py::"
DEATH = "suites/directors/test_death.py::"
LOADED = "suites/directors/test_load.py::"
RECEIVING = "suites/interrupts/test_receiving.py::"
QUEUES = "suites/interrupts/test_queues.py::"
PINNED = "haproxy_processes=4,haproxy_cpus=0.1.0.1"
GATE = "suites/gate/"
PAGES = "suites/webservers/test_pages.py::"
PI = "suites/webservers/test_pi.py::"
FPM_ENDS = 'kill "$(cat /run/php/php8.2-fpm.pid)"'
SERVLET = "suites/webservers/test_servlet.py::"
CONNECTIONS = "suites/webservers/test_connections.py::"
GUESTS = "suites/placement/test_guests.py::"
PLATFORMS = "suites/hypervisors/test_platforms.py::"
WORK = PLATFORMS + "test_work_is_done_right"
GUEST_POWER = "suites/placement/test_guest_power.py::"
EXPOSURE = "suites/security/test_exposure.py::"
HOSTILE = "suites/security/test_hostile_clients.py::"
RUBBISH = HOSTILE + "test_rubbish_is_refused_and_reaches_no_server"
SLOW_ONES = HOSTILE + "test_slow_clients_lose_their_places_and_nobody_else_does"
QUEUED = HOSTILE + "test_maxconn_queues_and_drops_nobody"
FOREIGN = "suites/security/test_foreign_vrrp.py::"
SHAPE = "suites/security/test_requests.py::test_one_request_is_passed_on_or_none"
DENYING = "http-request deny if { fe_conn gt 10 }"
FOUR_PINNED = "servers=2,vms_pinned=True,hypervisor=qemu:///system"
FOUR_FREE = "servers=2,hypervisor=qemu:///system"


@dataclass(frozen=True)
class Mutation:
    """How to break the cluster, or platforms, the test that must fail, and what it must say.

    ``fast`` are those that a developer's every run can afford: about two seconds each. ``lab``
    is the kind of lab that can be broken so, and ``guests`` what its VMs must be; ``nics`` is how
    many NICs emulated directors must at least have, and ``queues`` how many queues each.
    ``cause`` is the known cause (halab/causes.py) that the report must tell, and words of it.
    """

    name: str
    test: str
    says: str
    breaks: Callable[[Cluster], Break] | Callable[[Platforms], Break]
    fast: bool = False
    lab: str = "embedded"
    guests: str = "containers"
    queues: int = 1
    nics: int = 1
    cause: tuple[str, str] | None = None


MUTATIONS = (
    # -- suites/backends/test_health.py
    Mutation(
        "a web server is dead",
        HEALTH + "test_every_backend_is_up[default-master]",
        "web4",
        by.apache_dead,
        fast=True,
        cause=("backends that are DOWN", "web4 refuses connections"),
    ),
    Mutation(
        "a backend has a wrong address",
        HEALTH + "test_backends_are_those_of_the_topology[default-master]",
        "192.168.250.182",
        lambda c: by.haproxy_cfg(c, "s/(server web1 ).*(:80 )/\\1192.168.250.182\\2/"),
        fast=True,
    ),
    Mutation(
        "a backend is missing",
        HEALTH + "test_backends_are_those_of_the_topology[default-master]",
        "web9",
        lambda c: by.haproxy_cfg(c, "/server web9 /d"),
    ),
    Mutation(
        "the check of one server was forgotten",
        HEALTH + "test_every_backend_is_up[default-master]",
        "web9",
        lambda c: by.unchecked(c, "web9"),
        fast=True,
        cause=("a server that is never checked", "never checks web9"),
    ),
    Mutation(
        "a backend is there twice",
        HEALTH + "test_backends_are_those_of_the_topology[default-master]",
        "web9-again",
        lambda c: by.haproxy_cfg(c, "s/( +server )web9 (.*)/&\\n\\1web9-again \\2/"),
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
        lambda c: by.edited(
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
        lambda c: by.done(
            c.vm("web2"),
            "sed -i s/web2/web7/ /var/www/html/index.html",
            "sed -i s/web7/web2/ /var/www/html/index.html",
        ),
    ),
    Mutation(
        "pi.php integrates another function",
        HEALTH + "test_pi_is_computed[default]",
        "approx",
        lambda c: by.done(
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
        lambda c: by.weighted(c, ["web1"], 2),
        fast=True,
        cause=("a weight", "web1 has 2, the others 1"),
    ),
    Mutation(
        "balance source instead of roundrobin",
        BALANCE + "test_each_backend_gets_its_share_under_traffic[default]",
        "max(",
        lambda c: by.haproxy_cfg(c, "s/balance .*/balance source/"),
    ),
    Mutation(
        "a client's first connections are lost on the way",
        BALANCE + "test_each_backend_gets_its_share_under_traffic[default]",
        "lost.total()",
        by.first_connections_lost,
    ),
    Mutation(
        "HAProxy answers a client by itself",
        BALANCE + "test_each_backend_gets_its_share_under_traffic[default]",
        "sum(shares.values()) >=",
        lambda c: by.haproxy_cfg(
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
        lambda c: by.haproxy_unlike_its_file(c, "s/ fall [0-9]+/ fall 6/"),
    ),
    Mutation(
        "a dead server has twenty times its share",
        LOSS + "test_backend_is_down_in_time_and_up_again[apache_killed]",
        "service.through <=",
        lambda c: by.weighted(c, [c.backends[2].name], 20),
    ),
    Mutation(
        "HAProxy wants eight good checks where its file says two",
        LOSS + "test_backend_is_down_in_time_and_up_again[apache_killed]",
        "up.after <=",
        lambda c: by.haproxy_unlike_its_file(c, "s/ rise [0-9]+/ rise 8/"),
    ),
    Mutation(
        "HAProxy keeps what clients gave up, and idle connections to servers",
        LOSS + "test_backend_is_down_in_time_and_up_again[vm_off]",
        "lost_after",
        lambda c: by.haproxy_cfg(c, "/abortonclose|http-reuse never/d"),
    ),
    Mutation(
        "HAProxy lets six checks of a silent server fail where its file says three",
        LOSS + "test_service_goes_on_without_a_whole_server",
        "down.after <=",
        lambda c: by.haproxy_unlike_its_file(c, "s/ fall [0-9]+/ fall 6/"),
    ),
    Mutation(
        "a dead server's VMs have ten times their share",
        LOSS + "test_service_goes_on_without_a_whole_server",
        "service.through <=",
        lambda c: by.weighted(c, [v.name for v in c.backends if v.server == "server6"], 10),
    ),
    # -- suites/ha/test_nodes.py
    Mutation(
        "the BACKUP's keepalived does not run",
        "suites/ha/test_nodes.py::test_nothing_is_wrong_with_any_node_or_the_cluster",
        "lb2: keepalived.service is inactive",
        lambda c: by.done(c.backup.node, "systemctl stop keepalived", "systemctl start keepalived"),
        fast=True,
    ),
    # -- suites/ha/test_service.py
    Mutation(
        "a client's first connections are lost, and nothing else happens",
        UNDISTURBED,
        "lost.total()",
        by.first_connections_lost,
    ),
    Mutation(
        "the VIP is hard-wired on the BACKUP",
        SERVICE + "test_vip_is_on_exactly_one_director_the_master",
        "lb2",
        lambda c: by.done(
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
        lambda c: by.edited(
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
        lambda c: by.hard_wired(c.first_client.node, str(c.vip), c.backup.mac()),
        fast=True,
        cause=("a stale ARP entry", "client1 has the MAC of lb2 for the VIP"),
    ),
    Mutation(
        "the directors' virtual_router_id differ",
        SERVICE + "test_only_the_master_advertises",
        "192.168.250.111",
        by.both_masters,
        cause=("directors that do not hear each other", "do not take each other's adverts"),
    ),
    Mutation(
        "the directors' passwords differ",
        SERVICE + "test_only_the_master_advertises",
        "192.168.250.111",
        lambda c: by.both_masters(c, "s/auth_pass .*/auth_pass another/"),
    ),
    Mutation(
        "the directors' advert_int differ",
        SERVICE + "test_directors_are_configured_as_one_virtual_router",
        "'advert_int': 2",
        lambda c: by.keepalived_conf(c.backup, "s/advert_int .*/advert_int 2/"),
    ),
    Mutation(
        "a firewall keeps adverts from the BACKUP",
        SERVICE + "test_vip_is_on_exactly_one_director_the_master",
        "lb2",
        by.adverts_dropped,
        cause=("a firewall", "a firewall on lb2 keeps packets back"),
    ),
    Mutation(
        "the MASTER advertises another priority",
        SERVICE + "test_adverts_say_what_the_topology_says",
        "140",
        lambda c: by.keepalived_conf(c.master, "s/priority 150/priority 140/", c.vip_on(c.master)),
    ),
    Mutation(
        "advert_int is twice what the topology says",
        SERVICE + "test_adverts_come_every_advert_int",
        "advert_int}",
        by.advert_int_doubled,
        cause=("a file that was changed", "+advert_int 2"),
    ),
    Mutation(
        "the MASTER's keepalived stutters",
        SERVICE + "test_adverts_come_every_advert_int",
        "worst <",
        lambda c: by.stuttering(c.master),
    ),
    Mutation(
        "the stats page has another password",
        SERVICE + "test_stats_page_answers_with_the_password[master]",
        "401",
        lambda c: by.haproxy_cfg(c, "s/(stats auth [^:]*:).*/\\1another/"),
        fast=True,
    ),
    Mutation(
        "the stats page leaves the backend out",
        SERVICE + "test_stats_page_answers_with_the_password[master]",
        "answer.page",
        lambda c: by.haproxy_cfg(c, "s/( +)stats auth .*/&\\n\\1stats scope http-frontend/"),
    ),
    Mutation(
        "the stats page is open to admin:admin",
        SERVICE + "test_stats_page_refuses_without_the_password[master-('admin', 'admin')]",
        "200",
        lambda c: by.haproxy_cfg(c, "s/stats auth .*/stats auth admin:admin/"),
        fast=True,
    ),
    Mutation(
        "the stats page is open to everybody",
        SERVICE + "test_stats_page_refuses_without_the_password[master-None]",
        "200",
        lambda c: by.haproxy_cfg(c, "/stats auth /d"),
    ),
    Mutation(
        "the stats page has a password that is easily guessed",
        SERVICE + "test_stats_page_refuses_without_the_password[master-('operator', 'wrong')]",
        "200",
        lambda c: by.haproxy_cfg(c, "s/(stats auth [^:]*:).*/\\1wrong/"),
    ),
    # -- suites/ha/test_failover.py
    Mutation(
        "the BACKUP takes the VIP and tells nobody",
        FAILOVER + "test_stopped_master_hands_the_vip_over_within_skew_time",
        "longest_outage <=",
        lambda c: by.without_gratuitous_arp(c, c.backup),
        cause=("a takeover that nobody was told of", "took the VIP without gratuitous ARP"),
    ),
    Mutation(
        "keepalived of the BACKUP logs nothing",
        FAILOVER + "test_backup_logs_that_it_entered_master_state",
        "Entering MASTER STATE",
        lambda c: by.edited(
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
        lambda c: by.frozen_for(c.backup, 10),
    ),
    Mutation(
        "a firewall keeps clients from the BACKUP's HAProxy",
        FAILOVER + "test_backup_takes_over_when_keepalived_is_killed",
        "longest_outage <=",
        lambda c: by.nft(c.backup.node, "ip", "input", "tcp dport 8081 drop"),
    ),
    Mutation(
        "keepalived of the BACKUP is frozen while the power goes",
        FAILOVER + "test_backup_takes_over_when_the_master_loses_power",
        "longest_outage <=",
        lambda c: by.frozen_for(c.backup, 10),
    ),
    Mutation(
        "the MASTER does not preempt",
        FAILOVER + "test_returning_master_takes_the_vip_again",
        "the VIP is on lb1 alone: not within",
        lambda c: by.nopreempt(c.master),
    ),
    Mutation(
        "both directors are MASTER with the same priority",
        FAILOVER + "test_returning_master_takes_the_vip_again",
        "the VIP is on lb1 alone: not within",
        lambda c: by.keepalived_conf(
            c.backup,
            "s/state BACKUP/state MASTER/; s/priority 100/priority 150/",
            c.vip_on(c.master),
        ),
    ),
    Mutation(
        "the MASTER takes the VIP again and tells nobody",
        FAILOVER + "test_returning_master_takes_the_vip_again",
        "longest_outage <=",
        lambda c: by.without_gratuitous_arp(c, c.master),
    ),
    Mutation(
        "a client speaks to the BACKUP",
        FAILOVER + "test_dead_backup_costs_no_request",
        "lost.total()",
        by.client_on_the_backup,
    ),
    # -- suites/ha/test_layer4.py
    Mutation(
        "keepalived of the BACKUP tells IPVS of one web VM too few",
        LAYER4 + "test_kernel_sends_to_every_backend_and_to_nothing_else[backup]",
        "'web9': 'Masq'",
        lambda c: by.ipvs_told_otherwise(
            c, c.backup, "/real_server 192.168.250.189 /,+3d", but="web9"
        ),
        lab="emulated",
    ),
    Mutation(
        "IPVS sends a client to the same web VM always",
        LAYER4 + "test_each_backend_gets_its_share_exactly",
        "served ==",
        lambda c: by.ipvs_told_otherwise(c, c.master, "s/lvs_sched rr/lvs_sched sh/"),
        lab="emulated",
    ),
    Mutation(
        "the BACKUP passes no answer on",
        LAYER4 + "test_stopped_master_hands_the_vip_over_within_skew_time",
        "longest_outage <=",
        lambda c: by.meanwhile(
            c.backup.node,
            "sysctl -q -w net.ipv4.ip_forward=0; until ip address show eth0 | "
            f"grep -q {c.vip}; do sleep 0.1; done; sleep 3; sysctl -q -w net.ipv4.ip_forward=1",
            "sysctl -q -w net.ipv4.ip_forward=1",
        ),
        lab="emulated",
    ),
    Mutation(
        "keepalived of the BACKUP is frozen while a layer-4 director loses power",
        LAYER4 + "test_backup_takes_over_when_the_master_loses_power",
        "longest_outage <=",
        lambda c: by.frozen_for(c.backup, 10),
        lab="emulated",
    ),
    Mutation(
        "keepalived takes its time to check a web VM again",
        LAYER4 + "test_dead_backend_gets_nothing_in_time_and_its_share_again[refusing]",
        "out.after <=",
        lambda c: by.ipvs_told_otherwise(
            c, c.master, "s/delay_before_retry .*/delay_before_retry 4/"
        ),
        lab="emulated",
    ),
    Mutation(
        "keepalived takes its time to give a silent web VM up",
        LAYER4 + "test_dead_backend_gets_nothing_in_time_and_its_share_again[silent]",
        "out.after <=",
        lambda c: by.ipvs_told_otherwise(c, c.master, "s/connect_timeout .*/connect_timeout 3/"),
        lab="emulated",
    ),
    Mutation(
        "keepalived cannot see a web VM return",
        LAYER4 + "test_dead_backend_gets_nothing_in_time_and_its_share_again[refusing]",
        "lb1's IPVS sends to web3: not within",
        lambda c: by.barred_once_sent_nothing(c, c.backends[2]),
        lab="emulated",
    ),
    # -- suites/ha/test_bonding.py
    Mutation(
        "the second cable of the BACKUP's bond is out",
        BONDING + "test_every_port_has_carrier[backup]",
        "['port2'] == []",
        lambda c: by.cable_out_before(c, c.backup, 2),
        lab="emulated",
        nics=2,
    ),
    Mutation(
        "nothing leaves by the bond's second port at first",
        BONDING + "test_lost_cable_moves_no_vip",
        "longest_outage <=",
        lambda c: by.second_port_closed_at_first(c.master),
        lab="emulated",
        nics=2,
    ),
    Mutation(
        "keepalived tracks one port of the bond",
        BONDING + "test_lost_cable_moves_no_vip",
        "lb1 alone advertises: not within",
        lambda c: by.edited(
            c.master.node,
            CONFIG,
            "s/track_interface \\{/&\\n        port1/",
            c.master.keepalived.reload,
        ),
        lab="emulated",
        nics=2,
    ),
    # -- the LAN under watch: each of these tests passes by its own assertions
    Mutation(
        "the directors' virtual_router_id differ, and no test looks at who holds the VIP",
        UNDISTURBED,
        "both lb1 and lb2 advertised as MASTER (split brain)",
        lambda c: by.unnoticed_by_a_client(c, by.both_masters(c)),
    ),
    Mutation(
        "the MASTER advertises another priority, and no test looks at adverts",
        UNDISTURBED,
        "lb1 advertises priority 140, configured is 150",
        lambda c: by.keepalived_conf(c.master, "s/priority 150/priority 140/", c.vip_on(c.master)),
    ),
    Mutation(
        "a foreign host answers ARP for the VIP",
        UNDISTURBED,
        "no director, claims the VIP 192.168.250.250 by ARP (duplicate VIP)",
        lambda c: by.unnoticed_by_a_client(c, by.vip_too_on(c, c.servers["server6"])),
    ),
    Mutation(
        "the BACKUP answers ARP for the VIP",
        UNDISTURBED,
        "both lb1 and lb2 had the VIP 192.168.250.250 by ARP (duplicate VIP)",
        lambda c: by.unnoticed_by_a_client(c, by.vip_too_on(c, c.backup.node)),
    ),
    Mutation(
        "both keepalived are frozen and the VIP lies where it was",
        UNDISTURBED,
        "no director advertised as MASTER",
        by.both_frozen,
        cause=("keepalived that is dead or frozen", "keepalived on lb1 is frozen"),
    ),
    Mutation(
        "the MASTER advertises and answers no ARP",
        UNDISTURBED,
        "no director had the VIP 192.168.250.250 by ARP",
        lambda c: by.unnoticed_by_a_client(c, by.mute_for_the_vip(c, c.master)),
    ),
    Mutation(
        "the BACKUP takes the VIP and tells nobody, while the killed MASTER serves on",
        FAILOVER + "test_backup_takes_over_when_keepalived_is_killed",
        "lb2 took over from lb1 and sent no gratuitous ARP for 192.168.250.250",
        lambda c: by.without_gratuitous_arp(c, c.backup),
    ),
    # -- suites/ha/test_routed.py
    Mutation(
        "the gateway's ARP table has the BACKUP's MAC",
        ROUTED + "test_gateway_resolves_the_vip_to_the_master",
        "gateway1",
        lambda c: by.hard_wired(by.gateway(c), str(c.vip), c.backup.mac()),
        fast=True,
    ),
    Mutation(
        "the gateway is deaf to gratuitous ARP when the MASTER stops",
        ROUTED + "test_routed_client_follows_a_stopped_master_within_skew_time",
        "longest_outage <=",
        by.gateway_deaf_to_gratuitous_arp,
    ),
    Mutation(
        "the gateway's ARP table has the MASTER's MAC for good",
        ROUTED + "test_routed_client_follows_when_keepalived_is_killed",
        "gateway1",
        lambda c: by.hard_wired(by.gateway(c), str(c.vip), c.master.mac()),
    ),
    # -- suites/ha/test_clients.py
    Mutation(
        "the BACKUP takes the VIP and tells nobody, whatever they ask with",
        CLIENTS + "[stopped]",
        "outage, slow",
        lambda c: by.without_gratuitous_arp(c, c.backup),
    ),
    Mutation(
        "the gateway's ARP table has the MASTER's MAC when its power goes",
        CLIENTS + "[without power]",
        "outage, routed",
        lambda c: by.hard_wired(by.gateway(c), str(c.vip), c.master.mac()),
    ),
    Mutation(
        "the BACKUP's HAProxy refuses some of its clients",
        CLIENTS + "[killed]",
        "Outcome.REFUSED",
        lambda c: by.nft(
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
        lambda c: by.haproxy_cfg(c, "s/^( +)maxconn .*/\\1maxconn 1/"),
    ),
    Mutation(
        "timeout server is in another unit than it was meant",
        CLIENTS + "[stopped]",
        "every request of the clients is answered again: not within",
        lambda c: by.haproxy_cfg(c, "s/timeout server .*/timeout server 5/"),
    ),
    Mutation(
        "a firewall keeps one client from the BACKUP's HAProxy",
        CLIENTS + "[stopped]",
        "outage, new",
        lambda c: by.barred_from_the_backup(c, c.first_client.node),
    ),
    Mutation(
        "a firewall keeps a client with kept connections from the BACKUP's HAProxy",
        CLIENTS + "[stopped]",
        "outage, keepalive",
        lambda c: by.barred_from_the_backup(c, list(c.clients.values())[1]),
    ),
    # -- suites/ha/test_sessions.py
    Mutation(
        "the cookie's values differ between the directors",
        KEPT + "failover[persistence=cookie-keepalived_stopped]",
        "seen_again(visitors) == before",
        lambda c: by.backup_cfg(c, "s/ cookie web/ cookie node/"),
    ),
    Mutation(
        "the BACKUP has no cookie",
        KEPT + "failover[persistence=cookie-keepalived_killed]",
        "seen_again(visitors) == before",
        lambda c: by.backup_cfg(c, "/cookie SERVERID/d"),
    ),
    Mutation(
        "the peers' port is wrong on the MASTER",
        KEPT + "failover[persistence=stick-table-keepalived_stopped]",
        "seen_again(visitors) == before",
        by.peers_apart,
    ),
    Mutation(
        "the MASTER's stick table is told to nobody",
        KEPT + "failover[persistence=stick-table-keepalived_killed]",
        "seen_again(visitors) == before",
        lambda c: by.haproxy_cfg(c, "s/ peers LB$//"),
    ),
    Mutation(
        "clients reach the MASTER's HAProxy after a failover too",
        KEPT + "failover[persistence=cookie-keepalived_stopped]",
        "== len(visitors)",
        by.clients_on_the_master,
    ),
    Mutation(
        "a reload takes over other cookies",
        KEPT + "reload[persistence=cookie]",
        "seen_again(visitors) == before",
        lambda c: by.edited(
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
        lambda c: by.haproxy_cfg(c, "s/ peers LB$//"),
    ),
    Mutation(
        "the BACKUP's stick table forgets within a second",
        KEPT + "failover[persistence=stick-table-keepalived_killed]",
        "seen_again(visitors) == before",
        lambda c: by.backup_cfg(c, "s/ expire 30m/ expire 1s/"),
    ),
    # -- suites/ha/test_stick_table.py
    Mutation(
        "the MASTER tells no peer",
        TABLE + "test_backup_holds_what_the_master_learns",
        "both directors' stick tables are",
        by.peers_apart,
    ),
    Mutation(
        "the BACKUP tells no peer",
        TABLE + "test_master_holds_what_the_backup_learns_in_its_place",
        "both directors' stick tables are",
        lambda c: by.backup_cfg(c, "s/ peers LB$//"),
    ),
    Mutation(
        "a reload takes over a table that is told to nobody",
        TABLE + "test_reload_keeps_the_table[master]",
        "both directors' stick tables are",
        lambda c: by.edited(
            c.master.node, c.master.haproxy().config, "s/ peers LB$//", lambda: None
        ),
    ),
    Mutation(
        "a reload of the BACKUP takes over a table that is told to nobody",
        TABLE + "test_reload_keeps_the_table[backup]",
        "both directors' stick tables are",
        lambda c: by.edited(
            c.backup.node, c.backup.haproxy().config, "s/ peers LB$//", lambda: None
        ),
    ),
    # -- suites/ha/test_director_faults.py
    Mutation(
        "keepalived of the BACKUP is frozen while the MASTER's port is down",
        DIRECTOR + "test_silent_master_is_replaced_and_comes_back[switch port down]",
        "taken.after <=",
        lambda c: by.frozen_for(c.backup, 10),
    ),
    Mutation(
        "a returning MASTER tells nobody",
        DIRECTOR + "test_silent_master_is_replaced_and_comes_back[switch port down]",
        "AssertionError: at its return",
        lambda c: by.without_gratuitous_arp(c, c.master),
    ),
    Mutation(
        "keepalived gives the VIP away for a dead HAProxy, though it is not asked to",
        DIRECTOR + "test_vip_stays_with_a_dead_haproxy[stopped]",
        "lb1 alone advertises",
        lambda c: by.tracking_haproxy(c.master),
    ),
    Mutation(
        "the MASTER's keepalived stands still while the CPU is gone",
        DIRECTOR + "test_starved_master_keeps_the_vip",
        "<director lb2>",
        lambda c: by.frozen_when_starved(c.master),
    ),
    Mutation(
        "the BACKUP takes the VIP with a full disk and tells nobody",
        DIRECTOR + "test_full_disk_costs_nothing_and_hinders_no_failover[/run]",
        "longest_outage <=",
        lambda c: by.without_gratuitous_arp(c, c.backup),
    ),
    # -- suites/ha/test_tracking.py
    Mutation(
        "the script that looks after HAProxy is content with anything",
        TRACKED + "test_vip_leaves_a_dead_haproxy_and_comes_back[tracking=script-stopped]",
        "lb2 takes the VIP: not within",
        lambda c: by.edited(
            c.master.node, tracking.SCRIPT, "2 i exit 0", lambda: by.executable(c.master)
        ),
    ),
    Mutation(
        "keepalived was reloaded where it begins to track processes",
        TRACKED + "test_vip_leaves_a_dead_haproxy_and_comes_back[tracking=process-stopped]",
        "lb2 takes the VIP: not within",
        by.reloaded_to_track_processes,
        lab="emulated",
        cause=("keepalived that is deaf to processes", "a reload does not begin to track"),
    ),
    # -- suites/ha/test_planned_work.py
    Mutation(
        "a reload of HAProxy kills it",
        PLANNED + "test_reloads_of_haproxy_cost_no_request",
        "listens alone: not within",
        lambda c: by.unit_of(c.master, 1, "[Service]\nExecReload=/bin/kill -TERM $MAINPID"),
    ),
    Mutation(
        "the BACKUP does not take the VIP from a worse MASTER",
        PLANNED + "test_vip_follows_a_changed_priority",
        "the VIP is on lb2 alone: not within",
        lambda c: by.edited(
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
        lambda c: by.unit_with(c.master.keepalived.unit, "[Service]\nExecReload="),
    ),
    Mutation(
        "a reload of keepalived finds another priority in its file",
        PLANNED + "test_reload_of_keepalived_costs_no_request",
        "lb1 advertises priority 140, configured is 150",
        lambda c: by.left_in_keepalived_conf(c.master, "s/priority 150/priority 140/"),
    ),
    Mutation(
        "keepalived does not start at the MASTER's boot",
        PLANNED + "test_master_is_drained_and_rebooted",
        "the VIP is on lb1 alone: not within",
        lambda c: by.not_at_boot(c.master.keepalived.unit),
    ),
    Mutation(
        "HAProxy does not start at the MASTER's boot",
        PLANNED + "test_master_is_drained_and_rebooted",
        "back <=",
        lambda c: by.not_at_boot(c.master.haproxy().unit),
    ),
    Mutation(
        "HAProxy's admin socket lets nobody change a thing",
        OUT + "[drained]",
        "Permission denied",
        lambda c: by.haproxy_cfg(c, "s/level admin/level operator/"),
    ),
    Mutation(
        "a rule sends clients to a server, drained or not",
        OUT + "[drained]",
        "meanwhile ==",
        lambda c: by.haproxy_cfg(
            c, f"s/( *)balance .*/&\\n\\1use-server {c.backends[4].name} if {{ rand(10) eq 0 }}/"
        ),
    ),
    Mutation(
        "a forgotten HAProxy listens beside the MASTER's",
        OUT + "[in_maintenance]",
        "still sends it clients",
        by.forgotten_haproxy,
    ),
    # -- suites/ha/test_nopreempt.py
    Mutation(
        "nopreempt is forgotten on the MASTER",
        NOPREEMPT + "test_returned_master_leaves_the_vip_and_is_given_it",
        "lb2 alone advertises",
        lambda c: by.edited(c.master.node, CONFIG, "/nopreempt/d", c.master.keepalived.reload),
    ),
    # -- suites/ha/test_preempt_delay.py
    Mutation(
        "preempt_delay is forgotten on the MASTER",
        PREEMPT_DELAY + "test_returned_master_waits_before_it_takes_the_vip",
        "DELAY - timers.advert_int <=",
        lambda c: by.edited(c.master.node, CONFIG, "/preempt_delay/d", c.master.keepalived.reload),
    ),
    # -- suites/ha/test_combined.py
    Mutation(
        "keepalived of the BACKUP is frozen while MASTER and server are lost",
        COMBINED + "test_master_is_lost_while_a_server_is_dying",
        "longest_outage <=",
        lambda c: by.frozen_for(c.backup, 10),
    ),
    Mutation(
        "keepalived of the BACKUP is frozen while the MASTER flaps",
        FLAPPING + "[faster than VRRP]",
        "longest_outage <=",
        lambda c: by.frozen_for(c.backup, 12),
    ),
    # -- suites/ha/test_clock.py
    Mutation(
        "a job stops the MASTER's keepalived at a time of day",
        CLOCK + "[ahead]",
        "lb1 alone advertises: not within",
        lambda c: by.stopped_at_a_time_of_day(c.master, 1800),
        lab="emulated",
    ),
    # -- suites/ha/test_network_faults.py
    Mutation(
        "the MASTER tells nobody when it hears a worse one",
        NETWORK
        + "test_cut_off_directors_both_serve_and_the_better_one_wins_when_it_hears_the_other",
        "settled.announced <=",
        lambda c: by.without_gratuitous_arp(c, c.master),
    ),
    Mutation(
        "the BACKUP has its last word",
        NETWORK + "test_clients_stay_with_a_worse_one_that_gave_up_in_silence",
        "settled.others_adverts",
        lambda c: by.keepalived_conf(
            c.backup, "s/( *)priority 100/&\\n\\1higher_prio_send_advert true/", c.vip_on(c.master)
        ),
    ),
    Mutation(
        "the MASTER lets the BACKUP have its clients",
        NETWORK + "test_deaf_backup_takes_the_vip_and_the_master_keeps_its_clients",
        "seen ==",
        lambda c: by.without_gratuitous_arp(c, c.master),
    ),
    Mutation(
        "the MASTER tells nobody after the BACKUP's moment as MASTER",
        LOST_ADVERTS
        + "test_lost_adverts_move_the_vip_only_after_master_down_interval[three in a row]",
        "longest_outage <=",
        lambda c: by.without_gratuitous_arp(c, c.master),
    ),
    Mutation(
        "what the MASTER does not hear of the BACKUP is lost the other way too",
        NETWORK + "test_deaf_master_changes_nothing",
        "lb1 alone advertises: not within",
        lambda _: by.lost_both_ways(),
    ),
    Mutation(
        "the BACKUP takes the VIP after one lost advert",
        LOST_ADVERTS
        + "test_lost_adverts_move_the_vip_only_after_master_down_interval[two in a row]",
        "silences were long enough",
        by.backup_of_one_advert,
    ),
    Mutation(
        "a client with an intruder's MAC is deaf to the MASTER",
        DUPLICATE + "[announced]",
        "brought clients not back",
        by.deaf_to_the_master,
    ),
    Mutation(
        "an intruder has the VIP and never says so",
        DUPLICATE + "[not announced]",
        "is heard: not within",
        lambda c: by.nft(
            list(c.clients.values())[1], "arp", "output", f"arp saddr ip {c.vip} drop"
        ),
    ),
    # -- suites/ha/test_partition_repair.py
    Mutation(
        "the BACKUP has no last word, though it should",
        REPAIRED,
        "settled.announced <=",
        lambda c: by.keepalived_conf(c.backup, "/higher_prio_send_advert/d", c.vip_on(c.master)),
    ),
    Mutation(
        "the MASTER hears the BACKUP's last word and tells nobody",
        REPAIRED,
        "settled.announced <=",
        lambda c: by.without_gratuitous_arp(c, c.master),
    ),
    # -- suites/ha/test_backend_faults.py
    Mutation(
        "HAProxy checks pages where its file says connections",
        BACKENDS + "test_tcp_checks_see_neither_a_frozen_apache_nor_errors",
        "missed ==",
        lambda c: by.haproxy_unlike_its_file(c, "s/( *)balance .*/&\\n\\1option httpchk/"),
    ),
    Mutation(
        "HAProxy lets six refused checks fail where its file says three",
        REFUSING + "[one refusing]",
        "down.after <=",
        lambda c: by.haproxy_unlike_its_file(c, "s/ fall [0-9]+/ fall 6/"),
    ),
    Mutation(
        "HAProxy lets six checks of half of all fail where its file says three",
        REFUSING + "[half of all killed]",
        "down.after <=",
        lambda c: by.haproxy_unlike_its_file(c, "s/ fall [0-9]+/ fall 6/"),
    ),
    Mutation(
        "HAProxy wants eight good checks of all where its file says two",
        BACKENDS + "test_without_any_backend_haproxy_answers_503_and_comes_back",
        "back <=",
        lambda c: by.haproxy_unlike_its_file(c, "s/ rise [0-9]+/ rise 8/"),
    ),
    Mutation(
        "balance leastconn instead of roundrobin",
        SLOW,
        "not round robin",
        lambda c: by.haproxy_cfg(c, "s/balance .*/balance leastconn/"),
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
        lambda c: by.haproxy_cfg(c, "s/^( +)maxconn .*/\\1maxconn 1/"),
    ),
    # -- suites/ha/test_http_check.py
    Mutation(
        "HAProxy checks connections where its file says pages",
        CHECKED,
        "for DOWN: not within",
        lambda c: by.haproxy_unlike_its_file(c, "/option httpchk|http-check/d"),
    ),
    Mutation(
        "HAProxy lets six checks of pages fail where its file says three",
        CHECKED,
        "over ==",
        lambda c: by.haproxy_unlike_its_file(c, "s/ fall [0-9]+/ fall 6/"),
    ),
    Mutation(
        "a check of pages is content with any answer",
        CHECKED,
        "not web18",
        lambda c: by.haproxy_cfg(c, "s/( *)http-check send .*/&\\n\\1http-check expect rstatus ./"),
    ),
    # -- suites/directors
    Mutation(
        "a HAProxy process is stopped",
        PROCESSES + "test_as_many_processes_run_as_asked_for[haproxy_processes=2-master]",
        "frozenset({1}) ==",
        lambda c: by.done(c.master.node, "systemctl stop haproxy@2", "systemctl start haproxy@2"),
        fast=True,
        cause=("a HAProxy process that is missing", "HAProxy 2 does not run on lb1"),
    ),
    Mutation(
        "a HAProxy process does not come back with its director",
        PROCESSES + "test_as_many_processes_run_as_asked_for[haproxy_processes=2-master]",
        "is_enabled",
        lambda c: by.done(
            c.master.node,
            "systemctl --quiet disable haproxy@2",
            "systemctl --quiet enable haproxy@2",
        ),
    ),
    Mutation(
        "a PID file names another process",
        PROCESSES + "test_as_many_processes_run_as_asked_for[haproxy_processes=2-master]",
        "int(written)",
        lambda c: by.edited(c.master.node, "/run/haproxy/haproxy-2.pid", "s/$/0/", lambda: None),
    ),
    Mutation(
        "a HAProxy process serves another port",
        PROCESSES + "test_each_process_serves_its_own_ports_and_only_those"
        "[haproxy_processes=2-master]",
        "8083",
        lambda c: by.haproxy_cfg(c, "s/:8082$/:8083/", process=2),
    ),
    Mutation(
        "two HAProxy processes share an admin socket",
        PROCESSES + "test_no_two_processes_share_an_admin_socket[haproxy_processes=2-master]",
        "told",
        by.shared_admin_socket,
    ),
    Mutation(
        "HAProxy has more threads than asked for",
        PROCESSES + "test_no_two_processes_share_an_admin_socket[haproxy_processes=2-master]",
        "threads ==",
        lambda c: by.haproxy_cfg(c, "s/nbthread 1/nbthread 2/"),
    ),
    Mutation(
        "a firewall closes a port",
        PROCESSES + "test_the_vip_serves_each_port[haproxy_processes=2]",
        "answers ==",
        lambda c: by.nft(c.master.node, "ip", "input", "tcp dport 8082 reject"),
    ),
    Mutation(
        "a HAProxy process favours a server",
        PROCESSES + "test_each_process_rotates_over_all_backends_by_itself[haproxy_processes=2]",
        "served ==",
        lambda c: by.weighted(c, ["web1"], 2, process=2),
    ),
    Mutation(
        "a pin is lost",
        PINNING + f"test_threads_may_run_on_their_cpus_alone[{PINNED}-master]",
        "allowed",
        lambda c: by.moved(c, 3, frozenset()),
    ),
    Mutation(
        "a HAProxy process runs elsewhere than its unit says",
        PINNING + f"test_threads_ran_on_their_cpus_alone[{PINNED}]",
        "on <= wanted",
        lambda c: by.moved(c, 3, frozenset({1})),
    ),
    Mutation(
        "systemd does not start HAProxy again",
        DEATH + "test_killed_process_is_started_again_and_the_others_go_on[haproxy_processes=2]",
        "answers: not within",
        lambda c: by.unit_of(c.master, 2, "[Service]\nRestart=no"),
    ),
    Mutation(
        "a killed HAProxy comes back on another port",
        DEATH + "test_killed_process_is_started_again_and_the_others_go_on[haproxy_processes=2]",
        "longest_outage <",
        by.other_port_after_restart,
    ),
    Mutation(
        "one HAProxy process goes with another",
        DEATH + "test_killed_process_is_started_again_and_the_others_go_on[haproxy_processes=2]",
        "others.lost",
        lambda c: by.unit_of(
            c.master, 1, "[Unit]\nPartOf=haproxy@2.service\nBindsTo=haproxy@2.service"
        ),
    ),
    Mutation(
        "somebody else asks HAProxy during a load",
        LOADED + "test_every_request_to_every_port_is_served",
        "the generators made 1800 requests, HAProxy counted",
        by.asked_by_somebody_else,
    ),
    Mutation(
        "one of HAProxy's processes refuses one request in a hundred",
        LOADED + "test_every_request_to_every_port_is_served",
        "of 1800 requests succeeded",
        lambda c: by.haproxy_cfg(
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
        by.served_by_the_first,
    ),
    Mutation(
        "something else needs the MASTER's CPU",
        LOADED + "test_the_director_works_for_haproxy",
        "others < haproxy",
        lambda c: by.meanwhile(
            c.master.node, "for n in 1 2 3; do while :; do :; done & done; wait"
        ),
    ),
    Mutation(
        "the MASTER's CPUs keep hardly any packet until they have time",
        LOADED + "test_no_packet_is_dropped_before_it_is_looked_at",
        "softnet_drops == 0",
        by.short_of_backlog,
        lab="emulated",
    ),
    Mutation(
        "the MASTER keeps a hundred sockets in TIME_WAIT and no more",
        LOADED + "test_there_is_room_for_every_socket_in_time_wait",
        "time_wait <",
        lambda c: by.sysctl(c.master, "net.ipv4.tcp_max_tw_buckets", 100),
    ),
    # -- suites/placement/test_counts.py
    Mutation(
        "a server runs a VM too many",
        COUNTS + "test_each_server_runs_its_share_and_no_more[default]",
        "web5",
        lambda c: by.done(
            c.servers["server1"], "systemctl start web-vm@web5", "systemctl stop web-vm@web5"
        ),
    ),
    Mutation(
        "one of the VMs is dead",
        COUNTS + "test_all_of_them_are_up[default-master]",
        "web4",
        by.apache_dead,
    ),
    # -- suites/interrupts
    Mutation(
        "RPS has every CPU",
        RECEIVING + "test_packets_were_worked_on_where_they_were_steered[008c]",
        "seen.received <=",
        lambda c: by.done(
            c.master.node,
            "echo ffff > /sys/class/net/eth0/queues/rx-0/rps_cpus",
            "echo 0 > /sys/class/net/eth0/queues/rx-0/rps_cpus",
        ),
        lab="emulated",
    ),
    Mutation(
        "RPS is off",
        RECEIVING + "test_packets_were_worked_on_where_they_were_steered[008c]",
        "steered <=",
        lambda c: by.done(
            c.master.node,
            "echo 0 > /sys/class/net/eth0/queues/rx-0/rps_cpus",
            "echo 8c > /sys/class/net/eth0/queues/rx-0/rps_cpus",
        ),
        lab="emulated",
    ),
    Mutation(
        "the NIC interrupts another CPU",
        RECEIVING + "test_interrupts_came_to_their_cpu[008c]",
        "busy(",
        lambda c: by.interrupted_on(c.master, 12),
        lab="emulated",
    ),
    Mutation(
        "HAProxy runs on the interrupt's CPU",
        RECEIVING + "test_haproxy_kept_off_the_cpus_of_the_network[008c]",
        "seen.haproxy ==",
        lambda c: by.moved(c, 1, frozenset({6})),
        lab="emulated",
    ),
    Mutation(
        "two queues interrupt one CPU",
        QUEUES + "test_queues_are_worked_on_by_a_cpu_each",
        "counted.interrupts",
        lambda _: by.interrupts_crowded(),
        lab="emulated",
        queues=2,
    ),
    Mutation(
        "RPS takes the packets of all queues to one CPU",
        QUEUES + "test_queues_are_worked_on_by_a_cpu_each",
        "counted.processed",
        lambda _: by.packets_steered_on(12),
        lab="emulated",
        queues=2,
    ),
    Mutation(
        "a director with queues loses a client's first connections",
        QUEUES + "test_queues_are_worked_on_by_a_cpu_each",
        "lost.total()",
        by.first_connections_lost,
        lab="emulated",
        queues=2,
    ),
    # -- suites/placement
    Mutation(
        "Apache is dead in a guest",
        GUESTS + f"test_every_guest_is_up[{FOUR_FREE}-master]",
        "web4",
        by.apache_dead,
        guests="libvirt",
    ),
    Mutation(
        "a guest runs that no backend is",
        GUESTS + f"test_every_backend_is_a_guest_of_its_server[{FOUR_FREE}]",
        "web5",
        by.guest_too_many,
        guests="libvirt",
    ),
    Mutation(
        "a guest's page names another",
        GUESTS + f"test_every_guest_answers_for_itself[{FOUR_FREE}-/index.html]",
        "web2",
        lambda c: by.done(
            c.vm("web2"),
            "sed -i s/web2/web7/ /var/www/html/index.html",
            "sed -i s/web7/web2/ /var/www/html/index.html",
        ),
        guests="libvirt",
    ),
    Mutation(
        "a guest is another",
        GUESTS + f"test_every_guest_lets_the_operator_in[{FOUR_FREE}]",
        "web7",
        lambda c: by.done(c.vm("web2"), "hostname web7", "hostname web2"),
        guests="libvirt",
    ),
    Mutation(
        "a pinned vCPU is let go",
        GUESTS + f"test_vcpus_may_run_where_the_plan_says[{FOUR_PINNED}]",
        "web2",
        lambda c: by.done(
            c.servers["server1"], "virsh vcpupin web2 0 r --live", "virsh vcpupin web2 0 1 --live"
        ),
        guests="libvirt",
    ),
    Mutation(
        "the thread of a vCPU is moved behind libvirt's back",
        GUESTS + f"test_vcpus_may_run_where_the_plan_says[{FOUR_FREE}]",
        "web2",
        by.vcpu_moved,
        guests="libvirt",
    ),
    Mutation(
        "the suite takes any domain for its own",
        GUESTS + f"test_foreign_domains_stay[{FOUR_FREE}]",
        "DID NOT RAISE",
        by.mark_not_looked_at,
        guests="libvirt",
    ),
    Mutation(
        "a guest's address refuses when the guest is off",
        GUEST_POWER + "test_guest_without_power_is_silent",
        "L4TOUT",
        lambda c: by.refused_once_silent(c, c.backends[0]),
        guests="libvirt",
    ),
    Mutation(
        "a guest without Apache is silent",
        GUEST_POWER + "test_guest_without_a_web_server_refuses",
        "L4CON",
        lambda c: by.nft(
            c.master.node,
            "ip",
            "input",
            f"ip saddr {c.backends[0].address} tcp flags & rst != 0 drop",
        ),
        guests="libvirt",
    ),
    Mutation(
        "guests do not start with their server",
        GUEST_POWER + "test_guests_go_and_come_with_their_server",
        "holds web1, web2 for UP: not within",
        lambda c: by.done(
            c.servers["server1"],
            "virsh autostart --disable web1 && virsh autostart --disable web2",
            "virsh autostart web1 && virsh autostart web2 && virsh start web1 && virsh start web2",
        ),
        guests="libvirt",
    ),
    # -- suites/webservers
    Mutation(
        "php-fpm is dead behind nginx",
        PAGES + "test_every_vm_serves_each_page[web_server=nginx-index.php]",
        "'web3': ['status 502']",
        lambda c: by.done(c.vm("web3"), FPM_ENDS, "php-fpm8.2"),
        fast=True,
    ),
    Mutation(
        "nginx sends PHP's source",
        PAGES + "test_every_vm_serves_each_page[web_server=nginx-pi.php?n=1000]",
        "sent, and not run",
        lambda c: by.web_server_with(
            c,
            "web3",
            "sed -i 's/.php. {/.phtml$ {/' /etc/nginx/nginx.conf",
            "sed -i 's/.phtml. {/.php$ {/' /etc/nginx/nginx.conf",
        ),
    ),
    Mutation(
        "Apache's event MPM has no way to php-fpm",
        PAGES + "test_every_vm_serves_each_page[web_server=apache-event-index.php]",
        "sent, and not run",
        lambda c: by.web_server_with(
            c, "web3", "a2disconf -q php8.2-fpm", "a2enconf -q php8.2-fpm"
        ),
    ),
    Mutation(
        "HAProxy answers a page in the web servers' place",
        PAGES + "test_the_vip_serves_each_page[default-index.php]",
        "status 403",
        lambda c: by.haproxy_cfg(
            c, "s/( +)default_backend .*/\\1http-request deny if { path \\/index.php }\\n&/"
        ),
    ),
    Mutation(
        "HAProxy asks backends for something else",
        PAGES + "test_the_vip_serves_each_page[default-pi.php?n=1000]",
        "pi over 1000 intervals",
        lambda c: by.haproxy_cfg(
            c, "s/( +)default_backend .*/\\1http-request set-query n=999\\n&/"
        ),
    ),
    Mutation(
        "a backend is never served",
        PAGES + "test_the_vip_serves_each_page[default-index.html]",
        "web9",
        lambda c: by.weighted(c, ["web9"], 0),
    ),
    Mutation(
        "a VM runs Apache where nginx is asked for",
        PAGES + "test_the_web_server_is_the_one_asked_for[web_server=nginx]",
        "'web3': 'Apache/",
        lambda c: by.done(
            c.vm("web3"),
            "nginx -s stop; while pgrep -x nginx; do sleep 0.1; done; "
            "APACHE_STARTED_BY_SYSTEMD=yes apache2ctl start",
            "apache2ctl stop; while pgrep -x apache2; do sleep 0.1; done; nginx",
        ),
    ),
    Mutation(
        "a VM has prefork where the event MPM is asked for",
        PAGES + "test_php_and_workers_are_as_asked_for[web_server=apache-event]",
        "'web3': ('fpm-fcgi', False)",
        lambda c: by.web_server_with(
            c,
            "web3",
            "a2dismod -q mpm_event && a2enmod -q mpm_prefork",
            "a2dismod -q mpm_prefork && a2enmod -q mpm_event",
        ),
    ),
    Mutation(
        "a VM has php-fpm where mod_php is asked for",
        PAGES + "test_php_and_workers_are_as_asked_for[default]",
        "'web3': ('fpm-fcgi', False)",
        lambda c: by.web_server_with(
            c,
            "web3",
            "php-fpm8.2; a2dismod -q php8.2; a2enmod -q proxy_fcgi; a2enconf -q php8.2-fpm",
            f"{FPM_ENDS}; a2enmod -q php8.2; a2disconf -q php8.2-fpm",
        ),
    ),
    Mutation(
        "pi.php leaves out the last interval",
        PI + "test_pi_is_right_to_what_n_gives[web_server=nginx-1000000]",
        "3.14159065",
        lambda c: by.done(
            c.vm("web1"),
            "sed -i 's/i < .n;/i < $n - 1;/' /var/www/html/pi.php",
            "sed -i 's/i < .n - 1;/i < $n;/' /var/www/html/pi.php",
        ),
    ),
    Mutation(
        "pi.php does no more than a million intervals",
        PI + "test_time_is_linear_in_n[default]",
        "approx",
        lambda c: by.done(
            c.vm("web1"),
            "sed -i 's/i < .n;/i < min($n, 1000000);/' /var/www/html/pi.php",
            "sed -i 's/i < min(.n, 1000000);/i < $n;/' /var/www/html/pi.php",
        ),
    ),
    Mutation(
        "the servlet integrates another function",
        SERVLET + "test_every_vm_serves_the_servlet",
        "pi over 1000 intervals",
        lambda c: by.servlet_with(c, "web2", "s/1.0 + x/1.1 + x/", "s/1.1 + x/1.0 + x/"),
        guests="java",
    ),
    Mutation(
        "the servlet leaves out the last interval",
        SERVLET + "test_pi_is_right_to_what_n_gives[1000000]",
        "3.14159065",
        lambda c: by.servlet_with(c, "web1", "s/i < n;/i < n - 1;/", "s/n - 1;/n;/"),
        guests="java",
    ),
    Mutation(
        "the servlet takes no intervals for a number of them",
        SERVLET + "test_what_is_no_number_of_intervals_is_refused[?n=0]",
        "200 == 400",
        lambda c: by.servlet_with(c, "web1", "s/n < 1/n < 0/", "s/n < 0/n < 1/"),
        guests="java",
    ),
    Mutation(
        "HAProxy asks the servlet for something else",
        SERVLET + "test_the_vip_serves_the_servlet",
        "pi over 1000 intervals",
        lambda c: by.haproxy_cfg(
            c, "s/( +)default_backend .*/\\1http-request set-query n=999\\n&/"
        ),
        guests="java",
    ),
    Mutation(
        "HAProxy shares connections that it is to keep apart",
        CONNECTIONS + "test_connections_to_web_servers[web_server=nginx]",
        "least <= made",
        lambda c: by.haproxy_cfg(c, "s/http-reuse never/http-reuse always/"),
    ),
    Mutation(
        "HAProxy shares no connection",
        CONNECTIONS + "test_a_client_that_stays_shares_what_others_opened"
        "[web_server=nginx,http_reuse=safe]",
        "made <= most",
        lambda c: by.haproxy_cfg(c, "s/http-reuse safe/http-reuse never/"),
    ),
    Mutation(
        "HAProxy opens a connection for each request where all are to be shared",
        CONNECTIONS + "test_connections_to_web_servers[web_server=nginx,http_reuse=always]",
        "made <= most",
        lambda c: by.haproxy_cfg(c, "s/http-reuse always/http-reuse safe/"),
    ),
    Mutation(
        "HAProxy speaks no HTTP/2 to clients",
        CONNECTIONS + "test_http_2_clients_get_every_page[web_server=nginx-index.php]",
        "HTTP/2",
        lambda c: by.haproxy_cfg(c, "s/( +)option abortonclose/&\\n\\1option disable-h2-upgrade/"),
    ),
    # -- suites/gate
    Mutation(
        "HAProxy refuses one request in a hundred",
        GATE + "test_load.py::test_every_request_of_a_load_is_served",
        "failed == 0",
        lambda c: by.haproxy_cfg(
            c,
            "s/( +)default_backend .*/\\1http-request deny deny_status 503 "
            "if { rand(100) eq 7 }\\n&/",
        ),
    ),
    Mutation(
        "the MASTER serves only some time after HAProxy is back",
        GATE + "test_dead_haproxy.py::test_dead_haproxy_costs_what_its_tracking_promises",
        "longest_outage <=",
        lambda c: by.closed_after_a_death(c.master),
    ),
    # -- suites/security/test_exposure.py
    Mutation(
        "the statistics page is open to admin:admin",
        EXPOSURE + "test_statistics_are_for_whoever_has_the_password[master]",
        "'stats auth'",
        lambda c: by.haproxy_cfg(c, "s/( +stats auth ).*/&\\n\\1admin:admin/"),
        fast=True,
    ),
    Mutation(
        "the statistics page is open to anyone",
        EXPOSURE + "test_statistics_are_for_whoever_has_the_password[backup]",
        "to anyone",
        lambda c: by.backup_cfg(c, "/ +stats auth /d"),
    ),
    Mutation(
        "an admin socket is on TCP",
        EXPOSURE + "test_admin_sockets_are_on_no_network[master]",
        "make it a UNIX socket",
        lambda c: by.haproxy_cfg(
            c, "s/( +stats socket ).*/&\\n\\1ipv4@127.0.0.1:9999 level admin/"
        ),
        fast=True,
    ),
    Mutation(
        "an admin socket is open to others",
        EXPOSURE + "test_admin_sockets_are_closed_to_others[backup]",
        "'mode 660'",
        lambda c: by.started_anew(c.backup, "s/mode 660/mode 666/"),
    ),
    Mutation(
        "a private key is open to others",
        EXPOSURE + "test_keys_and_passwords_are_closed_to_others",
        "server3: /etc/ssl/site.pem (644",
        lambda c: by.done(
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
        lambda c: by.done(c.backup.node, f"chmod 644 {CONFIG}", f"chmod 600 {CONFIG}"),
    ),
    Mutation(
        "HAProxy is an old one",
        EXPOSURE + "test_no_program_has_a_known_remote_hole",
        "CVE-2023-40225",
        lambda c: by.packaged_as(c.master.node, "haproxy", "2.6.12-1"),
        fast=True,
    ),
    Mutation(
        "keepalived is an old one",
        EXPOSURE + "test_no_program_has_a_known_remote_hole",
        "CVE-2018-19115",
        lambda c: by.packaged_as(c.backup.node, "keepalived", "1:1.3.9-1"),
    ),
    # -- suites/security/test_hostile_clients.py
    Mutation(
        "clients have all the time in the world",
        SLOW_ONES + "[headers]",
        "'timeout http-request'",
        lambda c: by.haproxy_cfg(c, "/timeout http-request/d"),
        fast=True,
    ),
    Mutation(
        "bodies have all the time in the world",
        SLOW_ONES + "[body]",
        "'option http-buffer-request'",
        lambda c: by.haproxy_cfg(c, "/option http-buffer-request/d"),
    ),
    Mutation(
        "silent clients have all places",
        SLOW_ONES + "[silent]",
        "a maxconn beyond what one client takes",
        lambda c: by.haproxy_cfg(c, "s/^( +)maxconn .*/\\1maxconn 500/"),
    ),
    Mutation(
        "half-open connections fill the queue",
        HOSTILE + "test_half_open_connections_keep_nobody_out",
        "net.ipv4.tcp_syncookies",
        by.queue_of_sixteen,
    ),
    Mutation(
        "whoever has waited for a place is refused",
        QUEUED,
        "maxconn must queue",
        lambda c: by.haproxy_cfg(c, f"s/^( +)default_backend .*/&\\n\\1{DENYING}/"),
    ),
    Mutation(
        "a huge header goes to the server",
        RUBBISH,
        "tune.bufsize",
        lambda c: by.haproxy_cfg(c, "s/^( +)maxconn .*/&\\n\\1tune.bufsize 262144/"),
    ),
    Mutation(
        "HAProxy is another one after the rubbish",
        RUBBISH,
        "the HAProxy that had the rubbish is gone",
        lambda c: by.meanwhile(
            c.master.node, "for n in $(seq 40); do systemctl reload haproxy@1; sleep 0.4; done"
        ),
    ),
    # -- suites/security/test_requests.py
    Mutation(
        "HAProxy passes on whatever comes",
        SHAPE + "[cl-te]",
        "'mode http'",
        lambda c: by.haproxy_cfg(c, "/^frontend /,/^listen /s/mode http/mode tcp/"),
        fast=True,
    ),
    Mutation(
        "a length may be larger than any",
        SHAPE + "[cl-too-large]",
        "smuggled past HAProxy",
        lambda c: by.haproxy_cfg(c, "/http-request reject if .*content-length/d"),
    ),
    Mutation(
        "HAProxy answers by itself",
        "suites/security/test_requests.py::test_sound_request_is_passed_on",
        "assert [] == [1]",
        lambda c: by.haproxy_cfg(
            c, "s/^( +)default_backend .*/&\\n\\1http-request return status 200/"
        ),
    ),
    # -- suites/security/test_foreign_vrrp.py
    Mutation(
        "the MASTER hears a stranger",
        FOREIGN + "test_stranger_moves_the_vip_nowhere",
        "let a firewall on both directors",
        lambda c: by.done(c.master.node, "nft delete table ip vrrp", f"nft -f {FIREWALL}"),
        fast=True,
    ),
    Mutation(
        "VRRP has neither a firewall nor a password",
        FOREIGN + "test_stranger_moves_the_vip_nowhere",
        "let a firewall on both directors",
        by.vrrp_for_anyone,
    ),
    Mutation(
        "HAProxy is away while a stranger advertises",
        FOREIGN + "test_stranger_moves_the_vip_nowhere",
        "lost.total() == 0",
        lambda c: by.meanwhile(
            c.master.node,
            "sleep 2; systemctl stop haproxy@1; sleep 0.5; systemctl start haproxy@1",
            "systemctl start haproxy@1",
        ),
    ),
    Mutation(
        "a stranger is heard by nobody",
        FOREIGN + "test_stranger_is_named",
        "nobody tells of",
        by.stranger_cut_off,
    ),
    # -- suites/hypervisors
    Mutation(
        "a compiler computes in single precision",
        WORK + "[bare-metal-compile]",
        "what was compiled says",
        lambda p: by.wrapped(
            p.there["bare-metal"].node,
            "cc",
            'case "$*" in *-DUNIT*) exec /usr/bin/cc -Ddouble=float "$@";; esac; '
            'exec /usr/bin/cc "$@"',
        ),
        fast=True,
    ),
    Mutation(
        "sysbench finds no prime number",
        WORK + "[bare-metal-cpu]",
        "sysbench did no work",
        lambda p: by.wrapped(
            p.there["bare-metal"].node,
            "sysbench",
            '/usr/bin/sysbench "$@" | sed "s/events per second: .*/events per second: 0.00/"',
        ),
        fast=True,
    ),
    Mutation(
        "memory cannot be had",
        WORK + "[bare-metal-memory]",
        "mbw",
        lambda p: by.wrapped(
            p.there["bare-metal"].node, "mbw", 'ulimit -v 100000; exec /usr/bin/mbw "$@"'
        ),
        fast=True,
    ),
    Mutation(
        "the disk is full",
        WORK + "[bare-metal-disk]",
        "No space left on device",
        lambda p: by.done(
            p.there["bare-metal"].node,
            "mount -t tmpfs -o size=4M none /var/tmp",
            "umount /var/tmp",
        ),
        fast=True,
    ),
    Mutation(
        "a host loses one echo request of seven",
        WORK + "[bare-metal-network]",
        "echo requests had no answer",
        lambda p: by.nft(
            p.there["bare-metal"].node,
            "ip",
            "input",
            "icmp type echo-request numgen inc mod 7 == 0 drop",
        ),
        fast=True,
    ),
    Mutation(
        "Apache does not have the page",
        WORK + "[bare-metal-web]",
        "serves another page: status 404",
        lambda p: by.done(
            p.there["bare-metal"].node,
            "echo 'Redirect 404 /halab-compared.html' > /etc/apache2/conf-enabled/zz-mutation.conf",
            "rm /etc/apache2/conf-enabled/zz-mutation.conf",
        ),
        fast=True,
    ),
    Mutation(
        "a guest has three CPUs",
        PLATFORMS + "test_guests_are_made_alike[kvm]",
        "assert 3 == 4",
        lambda p: by.done(
            p.there["kvm"].node,
            "echo 0 > /sys/devices/system/cpu/cpu3/online",
            "echo 1 > /sys/devices/system/cpu/cpu3/online",
        ),
        guests="libvirt",
    ),
    Mutation(
        "a guest has half the memory",
        PLATFORMS + "test_guests_are_made_alike[kvm]",
        "976",
        lambda p: by.done(
            p.there["kvm"].node,
            "echo 'MemTotal: 1000000 kB' > /run/meminfo; mount --bind /run/meminfo /proc/meminfo",
            "umount /proc/meminfo",
        ),
        guests="libvirt",
    ),
    Mutation(
        "a guest's host takes what is for it",
        PLATFORMS + "test_guests_are_in_the_lan[kvm]",
        "02:00:c0:a8:fa:7e",
        by.answered_by_its_host,
        guests="libvirt",
    ),
    Mutation(
        "a guest's Apache does not have the page",
        WORK + "[kvm-web]",
        "serves another page: status 404",
        lambda p: by.done(
            p.there["kvm"].node,
            # one that is just starting with its guest has read its files, and has no PID file yet
            "timeout 30 sh -c 'until test -e /run/apache2/apache2.pid; do sleep 0.1; done' && "
            "echo 'Redirect 404 /halab-compared.html' > /etc/apache2/conf-enabled/zz-mutation.conf"
            " && apache2ctl graceful",
            "rm /etc/apache2/conf-enabled/zz-mutation.conf && apache2ctl graceful",
        ),
        guests="libvirt",
    ),
)
