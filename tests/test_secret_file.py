"""Who else can read a file with a secret, by its mode."""

from __future__ import annotations

from pathlib import Path

import pytest

from halab import secret_file
from tests.answering import Here


@pytest.mark.parametrize(
    ("mode", "opened"),
    [("600", False), ("400", False), ("640", False), ("644", True), ("660", True), ("4601", True)],
)
def test_others_may_do_nothing_and_the_group_may_read(mode: str, opened: bool) -> None:
    """Debian's group ssl-cert reads keys; nobody but the owner changes them."""
    files = {"/etc/key": f"{mode} root:root"}
    assert bool(secret_file.open_to_others(files)) is opened


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("-----BEGIN OPENSSH PRIVATE KEY-----", True),
        ("\t\tauth_pass walrus", True),
        ("\tstats auth watcher:walrus", True),
        ("    stats   auth\twatcher:walrus", True),
        ("  user watcher insecure-password walrus", True),
        ("-----BEGIN CERTIFICATE-----", False),
        ("# stats auth watcher:walrus", False),
        ("  user haproxy", False),
        ("  user of a password is asked", False),
    ],
)
def test_files_with_a_secret_are_found(tmp_path: Path, text: str, secret: bool) -> None:
    """However the words of a configuration are set apart."""
    elsewhere = {"root": "/root", "srv": "/srv", "home": "/home", "lib": "/var/lib"}
    node = Here("lb1", tmp_path / "lb1", etc="/etc", **elsewhere)
    file = node.place / "etc/x.cfg"
    file.parent.mkdir()
    file.write_text(f"first line\n{text}\n")
    file.chmod(0o644)
    found = secret_file.secret_files(node)
    assert [told[:3] for told in found.values()] == (["644"] if secret else [])
