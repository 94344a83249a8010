"""What each generator says, read from real outputs of it in tests/samples."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from halab.errors import NodeError, UserError
from halab.load import AB, GENERATORS, H2LOAD, WEIGHTTP, WRK, Generator, Load, Tally

SAMPLES = Path(__file__).with_name("samples")
TIMED = Load(connections=8, seconds=1.0)
COUNTED = Load(connections=8, seconds=None, requests=2000)


def sample(name: str) -> tuple[int, str, str, str]:
    """Status, stdout, stderr's first line and the report of a sample."""
    command, ended, said = (SAMPLES / f"{name}.txt").read_text().split("\n", 2)
    assert command.startswith("# ")
    status, _, err = ended.removeprefix("# exit status ").partition("; stderr: ")
    out, _, report = said.partition("# report\n")
    return int(status), out, err.partition("first: ")[2], report


def told(generator: Generator, name: str, load: Load = COUNTED) -> Tally:
    return generator.tally(load, *sample(f"{generator.name}-{name}"))


def weighttp(version: str, name: str) -> Tally:
    return WEIGHTTP.tally(COUNTED, *sample(f"weighttp-{version}-{name}"))


SUCCESS = ["h2load-ok", "ab-ok", "weighttp-0.4-ok", "weighttp-0.5-ok"]
SUCCESS += ["weighttp-0.4-keepalive", "weighttp-0.5-keepalive"]


@pytest.mark.parametrize("name", SUCCESS)
def test_all_succeeded(name: str) -> None:
    generator = GENERATORS[name.partition("-")[0]]
    tally = generator.tally(COUNTED, *sample(name))
    requests = 20_000 if "weighttp" in name else 2000
    assert (tally.started, tally.succeeded, tally.failed) == (requests, requests, {})
    assert tally.cut == 0
    assert tally.said == ""
    assert 0.1 < tally.seconds < 1
    assert tally.bytes > 40 * requests


def test_h2load_sees_no_status_without_a_reason_phrase() -> None:
    """As in "HTTP/1.1 200 " of Tomcat: it is told, and is no success of a kind that nobody saw."""
    tally = H2LOAD.tally(replace(COUNTED, requests=12), *sample("h2load-nameless"))
    assert (tally.started, tally.succeeded) == (12, 0)
    assert tally.failed == {"without a reason phrase": 12}


@pytest.mark.parametrize("generator", [H2LOAD, AB, WRK], ids=lambda g: g.name)
def test_by_time_what_was_cut_off_is_neither(generator: Generator) -> None:
    tally = told(generator, "keepalive", TIMED)
    assert tally.started == tally.succeeded > 10_000
    assert tally.failed == {}
    assert tally.cut == 8
    assert tally.seconds == pytest.approx(1.0, abs=0.11)


@pytest.mark.parametrize("name", ["h2load-ok", "ab-ok", "wrk-ok", "wrk-keepalive", "ab-keepalive"])
def test_latencies_rise_with_the_percentile(name: str) -> None:
    tally = told(GENERATORS[name.partition("-")[0]], name.partition("-")[2], TIMED)
    assert tally.latency is not None
    assert list(tally.latency) == [50, 90, 99]
    assert 0 < tally.latency[50] <= tally.latency[90] <= tally.latency[99] < 0.1


def test_latencies_are_those_that_the_tools_wrote() -> None:
    assert weighttp("0.5", "ok").latency == {50: 781e-6, 90: 1889e-6, 99: 4834e-6}
    assert weighttp("0.4", "ok").latency is None
    lines = sample("ab-ok")[3].splitlines()
    assert told(AB, "ok").latency == {
        p: float(lines[p + 1].split(",")[1]) / 1000 for p in (50, 90, 99)
    }


def test_seconds_are_the_programs_own() -> None:
    assert weighttp("0.4", "ok").seconds == pytest.approx(0.803092)
    assert weighttp("0.5", "ok").seconds == pytest.approx(0.691953)


FAILED = {
    ("h2load", "status404"): "4xx",
    ("h2load", "status500"): "5xx",
    ("h2load", "refused"): "errored",
    ("h2load", "reset"): "errored",
    ("weighttp", "0.4-status404"): "4xx",
    ("weighttp", "0.4-status500"): "5xx",
    ("weighttp", "0.4-refused"): "errored",
    ("weighttp", "0.5-status404"): "4xx",
    ("weighttp", "0.5-status500"): "5xx",
    ("weighttp", "0.5-refused"): "errored",
    ("ab", "status404"): "not 2xx",
    ("ab", "status500"): "not 2xx",
    ("ab", "refused"): "errored",
    ("ab", "refused-timed"): "errored",
    ("wrk", "status404"): "not 2xx",
    ("wrk", "status500"): "not 2xx",
    ("wrk", "reset"): "errored",
    ("wrk", "refused"): "refused",
}


@pytest.mark.parametrize(("generator", "name"), FAILED, ids="-".join)
def test_what_failed_is_no_success(generator: str, name: str) -> None:
    tally = told(GENERATORS[generator], name)
    assert tally.succeeded == 0
    assert tally.failed == {FAILED[generator, name]: tally.started}
    assert tally.started > 0


@pytest.mark.parametrize("name", ["h2load-refused-timed", "wrk-silent"])
def test_a_tool_that_counts_no_failure_had_no_success(name: str) -> None:
    """h2load -D on a dead port, wrk on a silent one: no error, status 0, nothing counted."""
    generator, _, case = name.partition("-")
    tally = told(GENERATORS[generator], case, TIMED)
    assert (tally.started, tally.succeeded) == (0, 0)


def test_two_tools_succeed_where_nobody_was_served() -> None:
    """Only HAProxy's count of 2xx tells: see halab.load.validity.disagreement."""
    assert told(AB, "reset").succeeded == 2000
    assert told(WRK, "moved", TIMED).succeeded > 10_000


BAD = {
    "h2load-badargs": "-n, -c: the number of requests must be greater than or equal",
    "wrk-badargs": "number of connections must be >= threads",
    "ab-badargs": "ab: Cannot use concurrency level greater than total number of requests",
    "ab-silent": "The timeout specified has expired",
    "weighttp-0.4-badargs": "status 1: error: insane arguments",
    "weighttp-0.5-badargs": "status 1: ",
}


@pytest.mark.parametrize("name", BAD)
def test_a_tool_that_did_not_work_says_why(name: str) -> None:
    generator = GENERATORS[name.partition("-")[0]]
    tally = generator.tally(COUNTED, *sample(name))
    assert tally.succeeded == 0
    assert BAD[name] in tally.said


@pytest.mark.parametrize("generator", GENERATORS.values(), ids=GENERATORS)
def test_one_that_had_to_be_killed(generator: Generator) -> None:
    assert "time was long up" in generator.tally(TIMED, 137, "", "", "").said


@pytest.mark.parametrize("generator", GENERATORS.values(), ids=GENERATORS)
def test_output_that_is_not_understood(generator: Generator) -> None:
    with pytest.raises(NodeError, match=generator.name):
        generator.tally(TIMED, 0, "all went well", "", "")


def test_commands() -> None:
    url = "http://192.168.250.250:8081/pi.php?n=100000"
    by_time, by_count = TIMED, Load(connections=8, seconds=None, requests=20, keep_alive=True)
    commands = [
        g.command(load, url)
        for g in GENERATORS.values()
        for load in (by_time, by_count)
        if (g.times(load) or load.seconds is None) and not (g is WRK and load.seconds is None)
    ]
    q = f"'{url}'"
    assert commands == [
        f'h2load --h1 -c 8 -t 1 -n 20 --log-file="$RECORD" {q}',
        f"weighttp -n 20 -c 8 -t 1 -k {q}",
        f'ab -q -l -r -s 10 -e "$RECORD" -c 8 -t 1 -n 200000 {q}',
        f'ab -q -l -r -k -s 10 -e "$RECORD" -c 8 -n 20 {q}',
        f"wrk -c 8 -t 1 -d 1 --latency -H 'Connection: close' {q}",
    ]


def test_what_a_tool_cannot_do() -> None:
    with pytest.raises(UserError, match="wrk ends by seconds"):
        WRK.command(COUNTED, "http://192.168.250.250/")
    with pytest.raises(UserError, match="one thread"):
        AB.command(Load(threads=2), "http://192.168.250.250/")


@pytest.mark.parametrize(
    "wrong",
    [
        {"requests": 10},
        {"seconds": None},
        {"seconds": 0.0},
        {"connections": 0},
        {"warm_up": -1.0},
        {"seconds": None, "requests": 0},
    ],
)
def test_a_load_that_cannot_be(wrong: dict[str, int]) -> None:
    with pytest.raises(UserError):
        Load(**wrong)


def test_a_load_is_dealt_out_whole() -> None:
    shares = Load(connections=10, seconds=None, requests=100).shares(3)
    assert [share.connections for share in shares] == [4, 3, 3]
    assert [share.requests for share in shares] == [34, 33, 33]
    with pytest.raises(UserError, match="each thread needs one"):
        Load(connections=10).shares(11)
    with pytest.raises(UserError, match="fewer than a connection each"):
        Load(connections=10, seconds=None, requests=9).shares(1)
