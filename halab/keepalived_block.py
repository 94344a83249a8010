"""keepalived.conf as a tree of blocks and lines; what they say, :mod:`halab.keepalived_conf` reads.

Limits are keepalived 2.2.7's (keepalived.conf(5)).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from halab.errors import NodeError

_MOST = 2**32 - 1
# Which keywords take which number, the least and the most (vrrp_parser.c, global_parser.c).
_NUMBERS: tuple[tuple[Any, ...], ...] = (
    ("virtual_router_id priority", int, 1, 255),
    ("version vrrp_version", int, 2, 3),
    ("advert_int", float, 0.01, 255),
    ("down_timer_adverts vrrp_down_timer_adverts", int, 1, 100),
    ("preempt_delay", float, 0, 1000),
    ("interval timeout", lambda text: float(int(text) or 1), 1, _MOST // 10**6),
    ("fall rise quorum", int, 1, 65535),
    ("weight", int, -254, 254),
    ("delay fork_delay terminate_delay", float, 0, 3600),
    ("garp_master_delay vrrp_garp_master_delay vrrp_garp_lower_prio_delay", float, 0, _MOST),
    ("vrrp_garp_master_refresh vrrp_garp_interval vrrp_startup_delay", float, 0, _MOST),
    ("vrrp_garp_master_repeat vrrp_garp_master_refresh_repeat", int, 0, _MOST),
    ("vrrp_garp_lower_prio_repeat", int, 0, _MOST),
    ("delay_loop delay_before_retry connect_timeout", float, 0, _MOST // 10**6),
    ("retry", int, 0, _MOST),
)
_LIMITS = {word: (kind, *ends) for words, kind, *ends in _NUMBERS for word in words.split()}
# What makes the file mean something else than it says: better no facts than wrong ones.
_UNREAD = ("include", "@", "$", "~")


@dataclass
class Block:
    """A line's words and, where a brace follows, what is in it: a block."""

    line: int
    words: list[str]
    body: list[Block] = field(default_factory=list)

    def fail(self, why: str) -> NodeError:
        """What is wrong with this line; nothing but its keyword is told."""
        # The keyword only: the rest of the line may be a password.
        return NodeError(f"keepalived.conf:{self.line}: {self.words[0]}: {why}")

    def text(self) -> str:
        """Its value; raises :class:`NodeError` if it has none."""
        if len(self.words) < 2:
            raise self.fail("a value is missing")
        return self.words[1]

    def number(self) -> Any:
        """Its value as a number, within the keyword's limits; raises :class:`NodeError`."""
        kind, least, most = _LIMITS[self.words[0]]
        try:
            value = kind(self.text())
            if least <= value <= most:
                return value
        except ValueError:
            pass
        raise self.fail(f"{self.text()} is not a number from {least:g} to {most:g}")

    def numbers(self, fact: type) -> dict[str, Any]:
        """The lines in it that are numbers of that fact, by keyword."""
        known = _LIMITS.keys() & {f.name for f in fields(fact)}
        return {e.words[0]: e.number() for e in self.body if e.words[0] in known}

    def blocks(self, keyword: str) -> list[Block]:
        """The lines in it that begin so."""
        return [entry for entry in self.body if entry.words[0] == keyword]


def _statements(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each line's words, cut at braces, which come as statements of their own."""
    for number, line in enumerate(text.splitlines(), start=1):
        # Braces need no space around them, but a password may hold them.
        lexer = shlex.shlex(line, posix=True, punctuation_chars="" if "auth_pass" in line else "{}")
        lexer.whitespace_split, lexer.commenters, lexer.quotes, lexer.escape = True, "#!", '"', ""
        words: list[str] = []
        try:
            for word in lexer:
                if word.strip("{}"):
                    words.append(word)
                else:
                    yield from ((number, cut) for cut in (words, *map(list, word)) if cut)
                    words = []
        except ValueError:
            raise NodeError(f"keepalived.conf:{number}: a quote does not close") from None
        if words:
            yield number, words


def tree(text: str) -> Block:
    """The whole file as a block without a keyword; passwords in it are stars.

    Raises :class:`NodeError` with the line for braces or quotes that do not close, and for what
    would need more than this file (include, @host, $DEFINITION).
    """
    top = Block(0, ["keepalived.conf"])
    open_blocks = [top]
    for line, words in _statements(text):
        body = open_blocks[-1].body
        if words == ["{"]:
            if not body:
                raise NodeError(f"keepalived.conf:{line}: a block without a keyword")
            open_blocks.append(body[-1])
        elif words == ["}"]:
            if len(open_blocks) == 1:
                raise NodeError(f"keepalived.conf:{line}: closes a block that is not open")
            open_blocks.pop()
        else:
            if words[0] == "auth_pass":  # goes no further than here, not into a traceback either
                words = ["auth_pass", *("*" * len(word) for word in words[1:])]
            body.append(Block(line, words))
            if words[0].startswith(_UNREAD):
                raise body[-1].fail("is not followed; deploy the file without it")
    if open_blocks != [top]:
        raise open_blocks[-1].fail("the block does not close")
    return top
