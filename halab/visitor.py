"""A visitor of the site: one browser on a client node, with the cookies that it was given."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address

from halab.client import Client
from halab.webserver import SERVED_BY


class Visitor:
    """It asks for pages one by one, each on a connection of its own.

    ``number`` tells it from others on the same client, which share an address and no cookie.
    """

    def __init__(self, client: Client, number: int, site: IPv4Address, port: int) -> None:
        self.client = client
        self.name = f"visitor {number} on {client.name}"
        self._jar = f"/run/halab-visitor-{number}.cookies"
        self._page = f"http://{site}:{port}/index.html"
        client.node.run("rm -f -- %s", self._jar)

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def served_by(self) -> str:
        """The server that says it answered; raises :class:`CommandFailed` for any but a 2xx."""
        return self.client.node.run(
            "curl -sS --fail -m 5 -o /dev/null -b %s -c %s -w %s %s",
            self._jar,
            self._jar,
            f"%header{{{SERVED_BY}}}",
            self._page,
        ).strip()


def seen_by(visitors: Iterable[Visitor]) -> dict[str, str]:
    """The server that each of them gets now, one after the other, by the visitor's name."""
    return {visitor.name: visitor.served_by() for visitor in visitors}
