"""What a client says with each request: the page it wants, and the cookies it was given."""

from __future__ import annotations

import argparse

from halab.prober.response import Response


class Session:
    """One client's session. It carries cookies only if it is to.

    An answer changes only the cookies that its own request carried: so requests that are under
    way together are of one session, where each of them might have begun another.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        keeps = "keep-alive" if options.kind == "keepalive" else "close"
        self._lines = (
            f"GET {options.path} HTTP/1.1\r\nHost: {options.target}\r\n"
            f"User-Agent: prober\r\nAccept: */*\r\nConnection: {keeps}\r\n"
        ).encode()
        self._carries: bool = options.cookies
        self._cookies: dict[bytes, bytes] = {}
        self.number = 0  # how often the cookies have changed
        self.request = self._lines + b"\r\n"

    def answered(self, number: int, response: Response) -> None:
        """Take the cookies of an answer to a request that was sent when ``number`` was this."""
        if not self._carries or number != self.number:
            return
        cookies = dict(self._cookies)
        for line in response.fields(b"\r\nset-cookie:"):
            name, _, value = line.partition(b";")[0].partition(b"=")
            cookies[name.strip()] = value.strip()
        # HAProxy takes a cookie back by setting it to nothing.
        cookies = {name: value for name, value in cookies.items() if value}
        if cookies != self._cookies:
            self._cookies = cookies
            self.number += 1
            line = b"; ".join(name + b"=" + value for name, value in cookies.items())
            self.request = self._lines + (b"Cookie: " + line + b"\r\n" if line else b"") + b"\r\n"
