"""Passwords from a file or from the environment, in place of those in topology.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest

from halab.errors import TopologyError
from halab.topology import Topology

THESIS = (Path(__file__).parent.parent / "topology.yaml").read_text()
AUTH, STATS = "auth_type: PASS", "user: operator"
VRRP_PW, STATS_PW = "Kx7qZp4w", "stats-Kx7qZp4w"


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Load the thesis's file with these words added to its two secrets' holders."""
    monkeypatch.setenv("VRRP_PW", VRRP_PW)
    monkeypatch.setenv("TOO_LONG", VRRP_PW * 2)
    files = {"stats.pw": (f"{STATS_PW}\n", 0o600), "open.pw": (STATS_PW, 0o644)}
    files |= {"two.pw": (f"{STATS_PW}\nmore", 0o600), "binary.pw": ("", 0o600)}
    for name, (text, mode) in files.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(mode)
    (tmp_path / "binary.pw").write_bytes(b"\xff\xfe")

    def load(auth: str = "", stats: str = "") -> Topology:
        text = THESIS.replace(AUTH, f"{AUTH}{auth}").replace(STATS, f"{STATS}{stats}")
        path = tmp_path / "topology.yaml"
        path.write_text(text)
        return Topology.load(path)

    return load


def test_they_are_as_if_they_were_written_there(loaded) -> None:  # type: ignore[no-untyped-def]
    """A file's last newline is not part of it; its path begins where topology.yaml is."""
    topology = loaded(", auth_pass_env: VRRP_PW", ", password_file: stats.pw")
    vrrp, stats = topology.vrrp.authentication.auth_pass, topology.haproxy.stats.password
    assert vrrp.get_secret_value() == VRRP_PW
    assert stats.get_secret_value() == STATS_PW
    assert VRRP_PW not in topology.model_dump_json()


@pytest.mark.parametrize(
    ("auth", "stats", "key", "message"),
    [
        (", auth_pass_env: NOT_SET", "", "auth_pass_env", "no such variable"),
        (", auth_pass_env: 'A=B'", "", "auth_pass_env", "no such variable"),
        (", auth_pass_env: TOO_LONG", "", "auth_pass_env", "longer than 8 characters"),
        (", auth_pass_env: [x]", "", "auth_pass_env", "must be text"),
        (", auth_pass_env: VRRP_PW, auth_pass: x1", "", "auth_pass_env", "both given"),
        ("", ", password_file: stats.pw, password_env: X", "password_file", "both given"),
        ("", ", password_file: gone.pw", "password_file", "No such file"),
        ("", ", password_file: .", "password_file", "Is a directory"),
        ("", ", password_file: open.pw", "password_file", "others may read"),
        ("", ", password_file: two.pw", "password_file", "printable ASCII"),
        ("", ", password_file: binary.pw", "password_file", "not a text file"),
        ("", ", password_file: 'a\\0b'", "password_file", "No such file"),
        ("", ', password_file: "a\\0b"', "password_file", "not a text file"),
    ],
)
def test_what_cannot_be_had_is_told_where_it_is_named(  # type: ignore[no-untyped-def]
    loaded, auth: str, stats: str, key: str, message: str
) -> None:
    """With its line, and never with the secret."""
    with pytest.raises(TopologyError) as refused:
        loaded(auth, stats)
    holder = "vrrp.authentication" if auth else "haproxy.stats"
    line = THESIS.count("\n", 0, THESIS.index(AUTH if auth else STATS)) + 1
    (problem,) = [p for p in refused.value.problems if p.path == f"{holder}.{key}"]
    assert problem.line == line
    assert message in problem.message
    assert "Kx7qZp4w" not in str(refused.value)
