"""What only the gate asks."""

from __future__ import annotations

from tests.mutations.breakage import haproxy
from tests.mutations.mutation import Mutation

GATE = "suites/gate/"

MUTATIONS = (
    Mutation(
        "HAProxy refuses one request in a hundred",
        GATE + "test_load.py::test_every_request_of_a_load_is_served",
        "failed == 0",
        lambda c: haproxy.cfg(
            c,
            "s/( +)default_backend .*/\\1http-request deny deny_status 503 "
            "if { rand(100) eq 7 }\\n&/",
        ),
    ),
    Mutation(
        "the MASTER serves only some time after HAProxy is back",
        GATE + "test_dead_haproxy.py::test_dead_haproxy_costs_what_its_tracking_promises",
        "longest_outage <=",
        lambda c: haproxy.closed_after_a_death(c.master),
    ),
)
