"""The fault catalogue: each a context manager that journals, does, and undoes.

The undoing stands beside the doing, bears being done twice, and runs even where the doing
failed half-way. Whether the cluster then comes back to its steady state is for the caller
to see: a fault only takes its own hands off.
"""

from halab.faults.backend import (
    answering,
    apache_frozen,
    apache_killed,
    refusing,
    server_off,
    slow,
    vm_off,
)
from halab.faults.clock import clock_jumped
from halab.faults.director import (
    cpu_starved,
    director_frozen,
    flapping,
    haproxy_frozen,
    haproxy_held_dead,
    haproxy_killed,
    haproxy_stopped,
    keepalived_frozen,
    keepalived_killed,
    keepalived_stopped,
    powered_off,
)
from halab.faults.disk import disk_full
from halab.faults.fault import Deed, Fault, each_of, fault, half_of
from halab.faults.network import (
    adverts_lost,
    adverts_lost_in_a_row,
    cable_out,
    cut_off,
    deaf_to,
    duplicate_vip,
    nic_down,
    port_down,
)

__all__ = [
    "Deed",
    "Fault",
    "adverts_lost",
    "adverts_lost_in_a_row",
    "answering",
    "apache_frozen",
    "apache_killed",
    "cable_out",
    "clock_jumped",
    "cpu_starved",
    "cut_off",
    "deaf_to",
    "director_frozen",
    "disk_full",
    "duplicate_vip",
    "each_of",
    "fault",
    "flapping",
    "half_of",
    "haproxy_frozen",
    "haproxy_held_dead",
    "haproxy_killed",
    "haproxy_stopped",
    "keepalived_frozen",
    "keepalived_killed",
    "keepalived_stopped",
    "nic_down",
    "port_down",
    "powered_off",
    "refusing",
    "server_off",
    "slow",
    "vm_off",
]
