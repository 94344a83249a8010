"""Secrets are hidden in texts and in what pytest makes of a failure."""

from __future__ import annotations

import html
import json
import logging
import pprint
import reprlib
import shlex
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path

import markupsafe
import pytest
import requests

from fixtures.secrecy import log_record
from halab.errors import CommandFailed
from halab.lab.keys import KeyPair
from halab.lab.plan import Secrets
from halab.redaction import HIDDEN, redact, redacted, remember, remember_basic

pytest_plugins = ["pytester"]


def test_longer_secret_is_hidden_whole() -> None:
    """Though a shorter one is a part of it."""
    remember("marked")
    remember("marked-and-more")
    assert redacted("a marked-and-more b marked") == f"a {HIDDEN} b {HIDDEN}"


def test_short_text_is_no_secret() -> None:
    """Of three characters nothing is left to hide, and everything would be full of stars."""
    remember("abc")
    remember("")
    assert redacted("abc") == "abc"


def test_secret_is_hidden_as_repr_writes_it() -> None:
    """Locals of a traceback are written so."""
    remember("mark'ed\ttext")
    assert "ed" not in redacted(repr("mark'ed\ttext"))


AWKWARD = "m&a<r>k'e\"d\\-0815"


@pytest.mark.parametrize(
    "written",
    [
        html.escape,
        lambda text: html.escape(text, quote=False),
        lambda text: str(markupsafe.escape(text)),
        json.dumps,
        lambda text: html.escape(json.dumps([text])),
        lambda text: str(markupsafe.escape(json.dumps(text))),
        urllib.parse.quote,
        urllib.parse.quote_plus,
        shlex.quote,
        repr,
        lambda text: repr({"a": text}),
    ],
)
def test_secret_is_hidden_however_it_is_written(written: Callable[[str], str]) -> None:
    """By pages, files, shells and addresses, each with its own escapes."""
    remember(AWKWARD)
    assert "0815" not in redacted(f"a {written(AWKWARD)} b")


@pytest.mark.parametrize("other", ["", "'", '"', "'\""])
@pytest.mark.parametrize("secret", ["it's-0815", 'so"-0815', "ñandú-0815", AWKWARD])
@pytest.mark.parametrize("kind", [str, str.encode])
def test_secret_is_hidden_in_the_repr_of_what_it_is_part_of(
    kind: Callable[[str], str | bytes], secret: str, other: str
) -> None:
    """Which quotes are escaped there depends on what is around it; bytes are written otherwise."""
    remember(secret)
    shown = redacted(repr(kind(f"a {secret} b {other}")))
    assert "0815" not in shown
    assert HIDDEN in shown


def pieces(secret: str) -> set[str]:
    """What is left of it where it was cut and must not be seen, in each way to write it."""
    return {form[:4] for form in (secret, html.escape(secret))} | {secret[-4:]}


PLANTED = "Zq4&<>p7Xk"
HAPROXY = f"listen statistics\n\tstats auth operator:{PLANTED}\n\tstats enable\n" * 3


@pytest.mark.parametrize("as_page", [str, html.escape, lambda text: str(markupsafe.escape(text))])
@pytest.mark.parametrize("kind", [str, str.encode])
def test_piece_of_a_secret_is_hidden_where_a_repr_was_cut(
    kind: Callable[[str], str | bytes], as_page: Callable[[str], str]
) -> None:
    """Pytest leaves out the middle of what is long: at each place that it can be cut at."""
    remember(PLANTED)
    cut = reprlib.Repr()
    for size in range(20, 180):
        cut.maxstring = cut.maxother = size
        shown = redacted(as_page(cut.repr(kind(HAPROXY))))
        assert "..." in shown
        assert not [piece for piece in pieces(PLANTED) if piece in shown], shown


@pytest.mark.parametrize("written", [str, html.escape, json.dumps, repr])
def test_piece_of_a_secret_is_hidden_where_bytes_are_broken(written: Callable[[str], str]) -> None:
    """pprint has no regard for words; a piece in the middle is one, too."""
    remember(PLANTED)
    key = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW"
    remember(key)
    for width in range(20, 100):
        broken = written(pprint.pformat([HAPROXY.encode(), [key.encode()]], width=width))
        shown = redacted(broken)
        assert not [piece for piece in pieces(PLANTED) if piece in shown], shown
        assert not [at for at in range(len(key) - 7) if key[at : at + 8] in shown], shown
        assert shown.count("\n") == broken.count("\n")


def test_words_that_a_secret_begins_with_stay_readable() -> None:
    """But where a text was cut."""
    remember("haproxy-0815")
    shown = ["haproxy", "'haproxy'", "the haproxy\nis", "'haproxy',\n 'stats'"]
    assert [redacted(text) for text in shown] == shown
    assert redacted("of haproxy... and") == f"of {HIDDEN}... and"
    assert redacted("of hap... and") == "of hap... and"


def test_secret_is_hidden_in_colours() -> None:
    """Pygments takes %d in a string for something else than what is around it."""
    remember("marked%d-0815")
    assert redacted("'marked\x1b[34m%d\x1b[33m-0815'") == f"'{HIDDEN}'"
    assert redacted("\x1b[34mmarked\x1b[0m") == "\x1b[34mmarked\x1b[0m"


def test_lines_stay_as_many_as_they_were() -> None:
    """A report has them apart, though what is broken goes on in the next."""
    remember("marked-0815")
    lines = ["E     - b'a mark'", "E     ?    ^^", "E     + b'ed-0815'", "a\nmarked-0815", ""]
    hidden = [f"E     - b'a {HIDDEN}'", lines[1], f"E     + b'{HIDDEN}'", f"a\n{HIDDEN}", ""]
    assert redact(lines) == hidden


def test_piece_is_hidden_where_pytest_leaves_out_what_is_alike() -> None:
    """Then a line of what differs begins and ends within a word."""
    remember("marked-0815")
    lines = ["E   Skipping 9 identical leading characters in diff", "E   - ed-0815 a", "E   + mark"]
    assert redact(lines)[1:] == [f"E   - {HIDDEN} a", f"E   + {HIDDEN}"]


def test_hiding_takes_no_time() -> None:
    """A report of a large failure, with many cuts, and a key and passwords that are known."""
    remember(KeyPair.generate().private)
    text = "b'auth_pass aaaa'\n b'bbbb' ... and more of it, 'as it was', in a line\n" * 4000
    text += "\\" * 20_000 + " " * 20_000 + "-" * 20_000
    began = time.process_time()
    assert redacted(text) == text
    assert time.process_time() - began < 4


def test_basic_authentication_is_hidden() -> None:
    """It is on requests' own locals; the word of a manual that was tried stays readable."""
    remember_basic("operator", "admin")
    sent = requests.Request("GET", "http://lb1", auth=("operator", "admin")).prepare()
    assert redacted(sent.headers["Authorization"]) == f"Basic {HIDDEN}"
    assert redacted("admin") == "admin"


def test_lines_of_a_private_key_are_secrets() -> None:
    """Its first and last line are not: every key has them."""
    key = KeyPair.generate()
    body = key.private.splitlines()[1:-1]
    hidden = redacted(key.private)
    assert not [line for line in body if line in hidden]
    assert hidden.startswith("-----BEGIN OPENSSH PRIVATE KEY-----")


def test_errors_quote_no_secret() -> None:
    """A program on a node may quote its configuration."""
    Secrets(vrrp="vrrp-pw", stats="stats-pw")
    error = CommandFailed("lb1: haproxy: unknown word operator:stats-pw")
    assert str(error) == f"lb1: haproxy: unknown word operator:{HIDDEN}"


def test_log_has_none_whoever_writes_it() -> None:
    """Neither in its text nor in what is to be put into it."""
    remember("marked-0815")
    record = log_record("halab", logging.WARNING, "", 1, "said %s", ("marked-0815",), None)
    assert (record.getMessage(), record.args) == (f"said {HIDDEN}", None)


def test_what_is_no_text_is_left_alone() -> None:
    """Containers are gone through, other objects not."""
    remember("marked")
    other = object()
    assert redact(["marked", ("marked", 1), {"a": "marked"}, other]) == [
        HIDDEN, (HIDDEN, 1), {"a": HIDDEN}, other,
    ]  # fmt: skip


def test_report_of_a_failure_has_none(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In tracebacks with all their locals, in captured output, on the terminal, in JUnit's file."""
    monkeypatch.setenv("PYTHONPATH", f"{Path(__file__).parents[1]}:{pytester.path}")
    pytester.makeconftest("pytest_plugins = ['fixtures.secrecy', 'late']")
    pytester.makepyfile(
        late="""
        import pytest

        @pytest.hookimpl(wrapper=True, tryfirst=True)
        def pytest_runtest_makereport():
            report = yield
            with open("seen", "a") as seen:
                seen.write(report.longreprtext)
            report.sections.append(("added late", "".join(["mar", "ked", "-0815"])))
            return report
        """
    )
    pytester.makepyfile(
        """
        import logging
        import warnings

        import pytest

        from halab.redaction import remember

        SECRET = "".join(["mar", "ked", "-0815"])
        remember(SECRET)

        @pytest.fixture
        def broken():
            text = f"auth_pass {SECRET}"
            raise ValueError(text)

        def test_fixture(broken):
            pass

        def test_call():
            content = {"file": [SECRET, SECRET.encode()]}
            print(SECRET)
            logging.warning(SECRET)
            warnings.warn(SECRET)
            try:
                raise ValueError(SECRET)
            except ValueError as error:
                raise RuntimeError(SECRET) from error

        def test_assert():
            assert {"a": SECRET} == {"a": "x" + SECRET}

        def test_broken():
            content = (b"a b c d e f " * 7)[:70] + SECRET.encode() + b" 1 2 3"
            assert content == b""

        @pytest.mark.skip(reason=SECRET)
        def test_skipped():
            pass

        @pytest.mark.parametrize("name", [SECRET, SECRET + "-2"])
        def test_named(name):
            assert False
        """
    )
    run = pytester.runpytest_subprocess(
        "--tb=long", "-l", "-vv", "-ra", "--junitxml=junit.xml", "--html=report.html",
        "--self-contained-html", f"--rootdir={pytester.path}",
    )  # fmt: skip
    run.assert_outcomes(failed=5, errors=1, skipped=1, warnings=1)
    written = [run.outlines, run.errlines]
    written += [(pytester.path / name).read_text() for name in ("junit.xml", "report.html", "seen")]
    assert HIDDEN in written[2]
    assert sum("added late" in line for line in run.outlines) >= 5
    assert not [text for text in written if "marked" in str(text) or "ed-0815" in str(text)]
