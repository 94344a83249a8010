"""What is right of a page: pi to what n gives, and an answer that is the VM's own."""

from __future__ import annotations

import math
from ipaddress import IPv4Address

import pytest

from halab import page
from halab.topology import VirtualMachine
from halab.webserver import Answer

VM = VirtualMachine(name="web1", address=IPv4Address("192.168.250.181"), server="server1")
PI = """<p>Pi by 1000 intervals is 3.141592736923.</p>
<p>It took 0.000023 seconds, 0.000022 of a CPU.</p>
<p>Served by web1 at 192.168.250.181.</p>"""


def midpoint(n: int) -> float:
    """The rule, as pi.php does it."""
    return sum(4.0 / (1.0 + ((i + 0.5) / n) ** 2) for i in range(n)) / n


@pytest.mark.parametrize("n", [10, 11, 100, 1000, 10_000, 1_000_000])
def test_the_rule_gives_what_is_expected_of_it(n: int) -> None:
    value, within = page.pi(n)
    assert abs(midpoint(n) - value) <= within


@pytest.mark.parametrize("n", [10, 100, 1000, 10_000])
def test_one_interval_less_is_found(n: int) -> None:
    """No tolerance is so wide that it would pass."""
    value, within = page.pi(n)
    assert abs(midpoint(n) - 4.0 / (1.0 + (1 - 0.5 / n) ** 2) / n - value) > 100 * within


def test_the_rule_s_own_error_is_told_from_pi() -> None:
    value, within = page.pi(1000)
    assert value - math.pi == pytest.approx(8.333e-8, rel=1e-3)
    assert within < 1e-11


def wrong(answer: Answer, name: str = "pi.php?n=1000") -> list[str]:
    return [*page.wrong(answer, name, VM)]


def test_a_server_that_cannot_name_itself_is_named_by_its_page() -> None:
    """G-WAN sends no header of ours: one with it is another server."""
    named, other = "<p>served by web1.</p>", "<p>served by web2.</p>"
    for said, text, wrong_ in (("", named, 0), ("", other, 1), ("web1", named, 1)):
        answer = Answer(200, said, text)
        assert len([*page.wrong(answer, "index.html", VM, names_itself=False)]) == wrong_


def test_a_right_answer_has_nothing_wrong() -> None:
    assert wrong(Answer(200, "web1", PI)) == []
    assert wrong(Answer(200, "web1", "<p>served by web1.</p>"), "index.html") == []
    php = "<p>served by web1 at 192.168.250.181.</p>"
    assert wrong(Answer(200, "web1", php), "index.php") == []


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(502, "web1", PI), "status 502"),
        (Answer(200, "web2", PI), "it says that web2 served it"),
        (Answer(200, "", PI), "it says that nobody served it"),
        (Answer(200, "web1", PI.replace("web1", "web2")), "the page does not name web1"),
        (Answer(200, "web1", PI.replace(".181", ".182")), "the address 192.168.250.181"),
        (Answer(200, "web1", f"<?php {PI}"), "its PHP was sent, and not run"),
        (
            Answer(200, "web1", PI.replace("736923", "653590")),
            "pi over 1000 intervals is 3.14159265",
        ),
        (Answer(200, "web1", PI.replace("Pi by", "Pie by").replace("is 3", "= 3")), "is None, not"),
    ],
)
def test_what_is_wrong_is_told(answer: Answer, why: str) -> None:
    assert any(why in told for told in wrong(answer))
