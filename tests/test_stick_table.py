"""Stick tables, as HAProxy 2.6 shows them."""

from __future__ import annotations

import pytest

from halab import stick_table
from halab.errors import NodeError

TABLE = """\
# table: wwwbackend, type: ip, size:102400, used:3
0x5581e0: key=192.168.250.113 use=0 exp=1799211 server_id=9 server_key=web17
0x5581f0: key=192.168.250.115 use=1 exp=1799911 server_id=10 server_key=web18
0x558200: key=192.168.250.116 use=0 exp=1799911

"""


def test_each_key_has_its_server() -> None:
    """An entry that has none yet says nothing of a session."""
    assert stick_table.parse(TABLE) == {"192.168.250.113": "web17", "192.168.250.115": "web18"}


@pytest.mark.parametrize("text", ["", "No such table\n"])
def test_no_table_is_an_error(text: str) -> None:
    """And not an empty one."""
    with pytest.raises(NodeError, match="shows no stick table"):
        stick_table.parse(text)
