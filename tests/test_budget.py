"""Budgets: the number, and the terms that a report prints beside it."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest

from halab.bond import State as BondState
from halab.budget import Budget, Work
from halab.connecting import Connecting
from halab.health_check import HealthCheck
from halab.keepalived_conf import VrrpInstance
from halab.tracking import VrrpScript, VrrpTrackProcess
from halab.virtual_server import TcpCheck
from halab.vrrp import Timers
from tests.sample_suite import service

BACKUP = Timers(version=2, advert_int=1, priority=100)
WORK = Work("takeover_work", 0.05)
CHECK = HealthCheck(enabled=True)


def test_silence_is_master_down_interval_and_work() -> None:
    """3 × 1 s + 156/256 s, and what the topology grants for the takeover."""
    budget = Budget.silence(BACKUP, [WORK])
    assert budget.value == pytest.approx(3.659375)
    assert str(budget) == (
        "3.659 s (Master_Down_Interval = 3 × 1 s + skew_time 0.609 s, + takeover_work 0.05 s)"
    )


@pytest.mark.parametrize(("adverts", "seconds"), [(4, 4.0), (2.5, 2.5)])
def test_operator_may_ask_for_so_many_adverts(adverts: float, seconds: float) -> None:
    """N advert intervals, and not a grain of work beyond."""
    budget = Budget.silence(BACKUP, [WORK], adverts=adverts)
    assert budget.value == seconds
    assert budget.terms == f"{adverts:g} × advert_int 1 s, as asked for"


def test_resignation_leaves_skew_time_alone() -> None:
    """RFC 5798 section 6.4.2: a priority-0 advert sets Master_Down_Timer to Skew_Time."""
    assert Budget.resignation(BACKUP, [WORK]).value == pytest.approx(0.659375)


def test_each_work_is_a_term_of_its_own() -> None:
    """A lab whose directors are slower by themselves says so beside what any director may take."""
    budget = Budget.resignation(BACKUP, [WORK, Work("emulation", 0.4)])
    assert str(budget) == (
        "1.059 s (skew_time of the BACKUP 0.609 s + takeover_work 0.05 s + emulation 0.4 s)"
    )


def test_preemption_is_one_advert_of_the_better_one() -> None:
    """The other lets go at the first advert that it hears."""
    assert Budget.preemption(Timers(version=2, advert_int=0.5, priority=150)).value == 0.5


def test_second_announcement_is_its_delay_and_work() -> None:
    """Five seconds, unless the file says otherwise."""
    budget = Budget.announced_again(5.0, [WORK])
    assert budget.value == pytest.approx(5.0 + WORK.seconds)
    assert "vrrp_garp_lower_prio_delay 5 s" in str(budget)


@pytest.mark.parametrize(("silent", "seconds"), [(False, 6.0), (True, 12.0)])
def test_detection_says_what_each_check_costs(silent: bool, seconds: float) -> None:
    """HAProxy's defaults, for a server that refuses and for one that is gone."""
    budget = Budget.detection(CHECK, silent=silent)
    assert budget.value == seconds
    assert ("3 × 2 s until a check is given up" in budget.terms) == silent


def test_what_a_tcp_check_does_not_see_has_no_budget() -> None:
    """An http check sees it: a server that hangs costs it the wait for an answer."""
    hangs, fails = Budget.detection_of_frozen, Budget.detection_of_errors
    assert str(hangs(CHECK)) == str(fails(CHECK)) == "inf s (a TCP check passes)"
    http = HealthCheck(enabled=True, http=True)
    assert str(hangs(http)) == "12.000 s (fall 3 × inter 2 s + 3 × 2 s for an answer)"
    assert str(fails(http)) == "6.000 s (fall 3 × inter 2 s, each failed by its status)"


def test_recovery_is_rise_times_inter() -> None:
    """HAProxy's defaults."""
    assert str(Budget.recovery(CHECK)) == "4.000 s (rise 2 × inter 2 s)"


def test_recovery_from_silence_may_lose_a_check_first() -> None:
    """One that began just before the return waits for its timeout."""
    assert Budget.recovery(CHECK, silent=True).value == 6.0


SCRIPT = VrrpScript("haproxy", interval=2, timeout=1, fall=2)


def test_hanging_script_costs_its_timeout_too() -> None:
    """A frozen HAProxy accepts connections, by the kernel, and answers none."""
    assert Budget.script(SCRIPT, hanging=False).value == 4
    hanging = Budget.script(SCRIPT, hanging=True)
    assert str(hanging) == "5.000 s (fall 2 × interval 2 s + timeout 1 s)"


def test_fault_resigns_and_a_lower_priority_is_waited_out() -> None:
    """Weight 0 is an advert of priority 0; another weight is adverts that do not count."""
    lost = Budget.script(SCRIPT, hanging=False)
    assert Budget.given_away(lost, BACKUP, [WORK]).value == pytest.approx(4 + 0.659375)
    assert Budget.given_away(lost, BACKUP, [WORK], weight=-60).value == pytest.approx(4 + 3.659375)


def test_process_counts_after_its_delay() -> None:
    """Without one, at once."""
    assert Budget.process(VrrpTrackProcess("p")).value == 0
    assert Budget.process(VrrpTrackProcess("p", terminate_delay=1.5)).value == 1.5


def test_failback_waits_for_preempt_delay() -> None:
    """From the first advert that it hears; under nopreempt it never comes."""
    better = VrrpInstance("HA1", "BACKUP", "eth0", 11, 150)
    assert Budget.failback(better).value == pytest.approx(3.4140625)
    delayed = Budget.failback(replace(better, preempt_delay=3.0))
    assert delayed.value == pytest.approx(1 + 3 + 3.4140625)
    assert "preempt_delay 3 s" in delayed.terms
    assert Budget.failback(replace(better, nopreempt=True)).value == math.inf


def test_held_request_names_its_retries() -> None:
    """(1 + 3) × 5 s for a silent server, with the thesis's timeouts."""
    held = Budget.held(Connecting(timeout_connect=5.0), silent=True)
    assert held.value == 20
    assert "retries 3" in held.terms


CONNECTING = Connecting(timeout_connect=0.3)
UNEVEN = HealthCheck(enabled=True, inter=4, fastinter=0.5, downinter=8, fall=5, rise=4)
PATIENT = replace(CHECK, http=True, inter=3, timeout_connect=1.0, timeout_check=2.5)
IPVS_CHECK = TcpCheck(delay_loop=6, connect_timeout=3, retry=2, delay_before_retry=1.5)
BETTER = VrrpInstance("HA1", "BACKUP", "eth0", 11, 150, preempt_delay=3.0)


def test_what_waited_for_a_frozen_haproxy_is_served_first() -> None:
    """500 requests of a millisecond each: who comes then waits 0.5 s, and gives up after 0.25 s."""
    budget = Budget.thawed(5.0, service(5.0))
    assert budget.value == pytest.approx(5.25)
    assert budget.terms == (
        "the fault itself 5.000 s + 500 × 0.00100 s for what waited - timeout 0.25 s"
    )


def test_what_waited_takes_the_mean_of_an_answer_each() -> None:
    """One answer in a hundred took 0.1 s: the median does not know it, the sum of all does."""
    seen = service(5.0)
    first, *others = seen.requests
    slow = replace(seen, requests=(replace(first, duration=0.1), *others))
    assert seen.at("fault") == 1.0, "a hundred requests before it"
    assert slow.before_fault.mean == pytest.approx(0.00199)
    assert Budget.thawed(5.0, slow).value == pytest.approx(5.0 + 500 * 0.00199 - 0.25)


def test_what_is_served_within_the_timeout_holds_nobody_up() -> None:
    """200 requests of a millisecond each: who comes then waits 0.2 s, and is answered."""
    assert Budget.thawed(2.0, service(2.0)) == Budget(2.0, "the fault itself 2.000 s")


@pytest.mark.parametrize(
    "budget",
    [
        Budget.silence(BACKUP, [WORK, Work("emulation", 0.4)]),
        Budget.silence(BACKUP, [WORK], adverts=4),
        Budget.resignation(BACKUP, [WORK]),
        Budget.preemption(BACKUP).and_(WORK),
        Budget.announced_again(5.0, [WORK]),
        Budget.failback(BETTER),
        Budget.failback(replace(BETTER, preempt_delay=0.0)),
        Budget.given_away(Budget.script(SCRIPT, hanging=True), BACKUP, [WORK]),
        Budget.given_away(Budget.process(VrrpTrackProcess("p", terminate_delay=2)), BACKUP, [WORK]),
        Budget.carrier_lost(BondState("active-backup", "port1", 0.1, 0.2, {}), [WORK]),
        *(
            made(check, silent=silent)
            for made in (Budget.detection, Budget.recovery)
            for check in (CHECK, UNEVEN, PATIENT, replace(UNEVEN, spread_checks=50))
            for silent in (False, True)
        ),
        *(
            Budget.held(connecting, silent=silent, bound=bound)
            for connecting in (CONNECTING, replace(CONNECTING, redispatch=True))
            for silent in (False, True)
            for bound in (False, True)
        ),
        Budget.held(replace(CONNECTING, redispatch=True, retries=0), silent=True, bound=True),
        Budget.recovery(replace(CHECK, downinter=5)),
        Budget.detection_of_frozen(PATIENT),
        Budget.detection_of_frozen(replace(PATIENT, fastinter=1, spread_checks=20)),
        Budget.detection_of_errors(replace(UNEVEN, http=True)),
        Budget.thawed(5.0, service(5.0)),
        *(
            made(IPVS_CHECK, silent=silent)
            for made in (Budget.sent_no_more, Budget.sent_again)
            for silent in (False, True)
        ),
    ],
    ids=str,
)
def test_terms_add_up_to_the_budget(budget: Budget) -> None:
    """Whoever doubts a verdict can reckon: milliseconds are rounded, and nothing is left out."""
    sum_of_them = budget.terms.partition(" = ")[2] or budget.terms
    reckoned = re.sub(
        r"[^\d.+*/() -]", "", re.sub(r"[A-Za-z_][\w-]*", "", sum_of_them.replace("×", "*"))
    )
    assert eval(reckoned) == pytest.approx(budget.value, abs=0.002)  # of a literal of ours
