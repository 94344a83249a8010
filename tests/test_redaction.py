"""Secrets are hidden in texts and in what pytest makes of a failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from halab.errors import CommandFailed
from halab.lab.keys import KeyPair
from halab.lab.plan import Secrets
from halab.redaction import HIDDEN, redact, redacted, remember

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
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    pytester.makeconftest("pytest_plugins = ['fixtures.secrecy']")
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

        @pytest.mark.skip(reason=SECRET)
        def test_skipped():
            pass
        """
    )
    run = pytester.runpytest_subprocess(
        "--tb=long", "-l", "-vv", "-ra", "--junitxml=junit.xml", "--html=report.html",
        "--self-contained-html", f"--rootdir={pytester.path}",
    )  # fmt: skip
    run.assert_outcomes(failed=2, errors=1, skipped=1, warnings=1)
    written = [run.outlines, run.errlines]
    written += [(pytester.path / name).read_text() for name in ("junit.xml", "report.html")]
    assert HIDDEN in written[2]
    assert not [text for text in written if "marked-0815" in str(text)]
