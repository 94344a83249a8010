"""Directors of layer 4: IPVS, and keepalived's own checks."""

from __future__ import annotations

from tests.mutations.breakage import keepalived, node
from tests.mutations.mutation import Mutation

LAYER4 = "suites/ha/test_layer4.py::"

MUTATIONS = (
    Mutation(
        "keepalived of the BACKUP tells IPVS of one web VM too few",
        LAYER4 + "test_kernel_sends_to_every_backend_and_to_nothing_else[backup]",
        "'web9': 'Masq'",
        lambda c: keepalived.ipvs_told_otherwise(
            c, c.backup, "/real_server 192.168.250.189 /,+3d", but="web9"
        ),
        lab="emulated",
    ),
    Mutation(
        "IPVS sends a client to the same web VM always",
        LAYER4 + "test_each_backend_gets_its_share_exactly",
        "served ==",
        lambda c: keepalived.ipvs_told_otherwise(c, c.master, "s/lvs_sched rr/lvs_sched sh/"),
        lab="emulated",
    ),
    Mutation(
        "the BACKUP passes no answer on",
        LAYER4 + "test_stopped_master_hands_the_vip_over_within_skew_time",
        "longest_outage <=",
        lambda c: node.meanwhile(
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
        lambda c: keepalived.frozen_for(c.backup, 10),
        lab="emulated",
    ),
    Mutation(
        "keepalived takes its time to check a web VM again",
        LAYER4 + "test_dead_backend_gets_nothing_in_time_and_its_share_again[refusing]",
        "out.after <=",
        lambda c: keepalived.ipvs_told_otherwise(
            c, c.master, "s/delay_before_retry .*/delay_before_retry 4/"
        ),
        lab="emulated",
    ),
    Mutation(
        "keepalived takes its time to give a silent web VM up",
        LAYER4 + "test_dead_backend_gets_nothing_in_time_and_its_share_again[silent]",
        "out.after <=",
        lambda c: keepalived.ipvs_told_otherwise(
            c, c.master, "s/connect_timeout .*/connect_timeout 3/"
        ),
        lab="emulated",
    ),
    Mutation(
        "keepalived cannot see a web VM return",
        LAYER4 + "test_dead_backend_gets_nothing_in_time_and_its_share_again[refusing]",
        "lb1's IPVS sends to web3: not within",
        lambda c: keepalived.barred_once_sent_nothing(c, c.backends[2]),
        lab="emulated",
    ),
    Mutation(
        "keepalived sees late that a web VM is back",
        LAYER4 + "test_dead_backend_gets_nothing_in_time_and_its_share_again[refusing]",
        "back.after <=",
        lambda c: keepalived.barred_once_sent_nothing(c, c.backends[2], 12),
        lab="emulated",
    ),
    Mutation(
        "a HAProxy goes on where IPVS balances",
        LAYER4 + "test_kernel_sends_to_every_backend_and_to_nothing_else[master]",
        "frozenset({1})",
        lambda c: node.done(
            c.master.node,
            "echo CPUS=0-1023 > /etc/haproxy/haproxy-1.cpus; printf '%s\\n' 'frontend old' "
            "'mode http' 'timeout client 5s' 'bind :8081' > /etc/haproxy/haproxy-1.cfg; "
            "systemctl start haproxy@1",
            "systemctl stop haproxy@1; rm -f /etc/haproxy/haproxy-1.c*",
        ),
        lab="emulated",
    ),
)
