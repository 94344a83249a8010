"""What of an haproxy.cfg a stage needs to know, and the slowdown that is injected."""

from __future__ import annotations

from pathlib import Path

import pytest

from halab.gate import session
from halab.gate.stage import Contender, NotComparable, place
from halab.lab.plan import Secrets
from halab.set_up import HAPROXY, PATHS, SetUp
from halab.topology import Topology

TOPOLOGY = Topology.load(Path("topology.yaml"))
TODAY = SetUp().deployed("lb2", TOPOLOGY, Secrets("abcd1234", "hidden"))[PATHS[HAPROXY]]


def test_first_frontend_is_asked_and_every_server_stood_in_for() -> None:
    told = place(Contender(TODAY))
    assert told["url"] == "http://192.168.250.250:8081/index.html"
    assert told["ready"] == [("192.168.250.250", 8081)]
    assert told["chroot"] == "/var/lib/haproxy"
    assert told["origin"].count("bind 192.168.250.") == 24
    assert told["haproxy"] == TODAY


def test_a_check_on_another_port_is_stood_in_for_too() -> None:
    told = place(Contender(TODAY.replace("check port 80", "check port 81")))
    assert told["origin"].count(":81\n") == 24


def test_an_address_of_any_is_reached_by_the_loopback() -> None:
    told = place(Contender(TODAY.replace("bind 192.168.250.250:8081", "bind *:8081")))
    assert told["url"].startswith("http://127.0.0.1:8081/")
    assert told["ready"] == [("0.0.0.0", 8081)]


@pytest.mark.parametrize(("port", "asked"), [(8081, 8081), (8099, 8080), (None, 8080)])
def test_a_frontend_that_comes_first_is_not_asked_in_the_place_of_todays(
    port: int | None, asked: int
) -> None:
    """Such as one that redirects: what it answers is no page, and no cost of today's."""
    first = "frontend first\n    mode http\n    bind *:8080\n\nfrontend http-frontend"
    text = TODAY.replace("frontend http-frontend", first)
    assert place(Contender(text, port=port))["ready"][0][1] == asked


def test_the_candidate_is_asked_where_todays_is(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Contender] = {}

    def duets(_node: object, _today: Contender, others: dict, **_: object) -> None:
        seen.update(others)

    monkeypatch.setattr(session, "duets", duets)
    session.hold(None, Contender(TODAY), Contender(TODAY, "/other"))  # type: ignore[arg-type]
    assert seen[session.CANDIDATE] == Contender(TODAY, "/other", 8081)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("bind 192.168.250.250:8081", "bind 192.168.250.250:8081 ssl crt x", "bind with ssl"),
        ("check port 80", "ssl check port 80", "server with ssl"),
        ("mode http", "mode tcp", "no frontend of mode http"),
        ("global\n", "global\n    master-worker\n", r"haproxy.cfg:\d+: master-worker: a duet"),
        ("    server web", "    # server web", "no server"),
    ],
)
def test_what_cannot_be_compared_says_why(old: str, new: str, said: str) -> None:
    with pytest.raises(NotComparable, match=said):
        place(Contender(TODAY.replace(old, new)))


FIRST = "frontend first\n    mode http\n    bind /run/first.sock\n\nfrontend http-frontend"


def test_slowdown_is_injected_where_requests_are_asked() -> None:
    """A frontend before it that binds no port is asked nothing, and would slow nobody."""
    text = TODAY.replace("frontend http-frontend", FIRST)
    assert text != TODAY
    lines = session.slowed(Contender(text)).text.splitlines()
    assert lines[lines.index(session.RULE) - 1] == "frontend http-frontend"


def test_todays_that_cannot_be_compared_says_why_too() -> None:
    """Undecided, as the candidate's: it is no crash."""
    with pytest.raises(NotComparable, match="no frontend of mode http"):
        session.slowed(Contender(TODAY.replace("mode http", "mode tcp")))


def test_contender_shows_no_configuration() -> None:
    assert "hidden" in TODAY
    assert "hidden" not in repr(Contender(TODAY))


def test_slowed_has_more_to_do_in_its_frontend_and_nothing_else() -> None:
    lines = session.slowed(Contender(TODAY)).text.splitlines()
    assert lines.count(session.RULE) == session.RULES
    assert lines[lines.index(session.RULE) - 1] == "frontend http-frontend"
    assert [line for line in lines if line != session.RULE] == TODAY.splitlines()
