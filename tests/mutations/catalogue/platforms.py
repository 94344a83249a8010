"""Hypervisors' guests beside their hosts."""

from __future__ import annotations

from tests.mutations.breakage import node, platforms
from tests.mutations.mutation import Mutation

PLATFORMS = "suites/hypervisors/test_platforms.py::"
WORK = PLATFORMS + "test_work_is_done_right"

MUTATIONS = (
    Mutation(
        "a compiler computes in single precision",
        WORK + "[bare-metal-compile]",
        "what was compiled says",
        lambda p: node.wrapped(
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
        lambda p: node.wrapped(
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
        lambda p: node.wrapped(
            p.there["bare-metal"].node, "mbw", 'ulimit -v 100000; exec /usr/bin/mbw "$@"'
        ),
        fast=True,
    ),
    Mutation(
        "the disk is full",
        WORK + "[bare-metal-disk]",
        "No space left on device",
        lambda p: node.done(
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
        lambda p: node.nft(
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
        lambda p: node.done(
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
        lambda p: node.done(
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
        lambda p: node.done(
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
        platforms.answered_by_its_host,
        guests="libvirt",
    ),
    Mutation(
        "a guest's host is measured in its place",
        "suites/hypervisors/test_figures.py::test_figure[cpu]",
        "'undecided'",
        platforms.measured_on_its_host,
        guests="libvirt",
    ),
    Mutation(
        "a guest's Apache does not have the page",
        WORK + "[kvm-web]",
        "serves another page: status 404",
        lambda p: node.done(
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
