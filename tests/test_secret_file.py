"""Who else can read a file with a secret, by its mode."""

from __future__ import annotations

import pytest

from halab import secret_file


@pytest.mark.parametrize(
    ("mode", "opened"),
    [("600", False), ("400", False), ("640", False), ("644", True), ("660", True), ("4601", True)],
)
def test_others_may_do_nothing_and_the_group_may_read(mode: str, opened: bool) -> None:
    """Debian's group ssl-cert reads keys; nobody but the owner changes them."""
    files = {"/etc/key": f"{mode} root:root"}
    assert bool(secret_file.open_to_others(files)) is opened
