"""How many VMs run where, and on which CPUs."""

from __future__ import annotations

from tests.mutations.breakage import backends, node
from tests.mutations.mutation import Mutation

COUNTS = "suites/placement/test_counts.py::"
GUESTS = "suites/placement/test_guests.py::"
GUEST_POWER = "suites/placement/test_guest_power.py::"
FOUR_PINNED = "servers=2,vms_pinned=True,hypervisor=qemu:///system"
FOUR_FREE = "servers=2,hypervisor=qemu:///system"

MUTATIONS = (
    # -- suites/placement/test_counts.py
    Mutation(
        "a server runs a VM too many",
        COUNTS + "test_each_server_runs_its_share_and_no_more[default]",
        "web5",
        lambda c: node.done(
            c.servers["server1"], "systemctl start web-vm@web5", "systemctl stop web-vm@web5"
        ),
    ),
    Mutation(
        "one of the VMs is dead",
        COUNTS + "test_all_of_them_are_up[default-master]",
        "web4",
        backends.apache_dead,
    ),
    # -- suites/placement
    Mutation(
        "Apache is dead in a guest",
        GUESTS + f"test_every_guest_is_up[{FOUR_FREE}-master]",
        "web4",
        backends.apache_dead,
        guests="libvirt",
    ),
    Mutation(
        "a guest runs that no backend is",
        GUESTS + f"test_every_backend_is_a_guest_of_its_server[{FOUR_FREE}]",
        "web5",
        backends.guest_too_many,
        guests="libvirt",
    ),
    Mutation(
        "a guest's page names another",
        GUESTS + f"test_every_guest_answers_for_itself[{FOUR_FREE}-/index.html]",
        "web2",
        lambda c: node.done(
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
        lambda c: node.done(c.vm("web2"), "hostname web7", "hostname web2"),
        guests="libvirt",
    ),
    Mutation(
        "a pinned vCPU is let go",
        GUESTS + f"test_vcpus_may_run_where_the_plan_says[{FOUR_PINNED}]",
        "web2",
        lambda c: node.done(
            c.servers["server1"], "virsh vcpupin web2 0 r --live", "virsh vcpupin web2 0 1 --live"
        ),
        guests="libvirt",
    ),
    Mutation(
        "the thread of a vCPU is moved behind libvirt's back",
        GUESTS + f"test_vcpus_may_run_where_the_plan_says[{FOUR_FREE}]",
        "web2",
        backends.vcpu_moved,
        guests="libvirt",
    ),
    Mutation(
        "the suite takes any domain for its own",
        GUESTS + f"test_foreign_domains_stay[{FOUR_FREE}]",
        "DID NOT RAISE",
        backends.mark_not_looked_at,
        guests="libvirt",
    ),
    Mutation(
        "a guest's address refuses when the guest is off",
        GUEST_POWER + "test_guest_without_power_is_silent",
        "L4TOUT",
        lambda c: backends.refused_once_silent(c, c.backends[0]),
        guests="libvirt",
    ),
    Mutation(
        "a guest without Apache is silent",
        GUEST_POWER + "test_guest_without_a_web_server_refuses",
        "L4CON",
        lambda c: node.nft(
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
        lambda c: node.done(
            c.servers["server1"],
            "virsh autostart --disable web1 && virsh autostart --disable web2",
            "virsh autostart web1 && virsh autostart web2 && virsh start web1 && virsh start web2",
        ),
        guests="libvirt",
    ),
)
