"""The web server on a web VM: what it answers, and how it is killed and started."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address

import requests

from halab import redaction, wait
from halab.errors import NodeError
from halab.node import Node, in_turn

APACHE = "apache"
"""The web server that the thesis chose, with its mod_php; see :data:`SERVERS`."""

TOMCAT = "tomcat"
GWAN = "g-wan"

CHANGE = "/etc/apache2/conf-enabled/zz-change.conf"
SERVED_BY = "X-Served-By"
SLOW_PAGE = "/slow.php?ms=1"


class WebServer:
    """The web server of one VM, over the VM's own SSH, whichever it is."""

    program = ""
    """What it calls itself to clients."""
    php = "fpm-fcgi"
    """How PHP runs behind it, by PHP's own word (PHP_SAPI)."""
    names_itself = True
    """Its answers have a header that names the VM."""
    threaded = False
    """Its workers have a thread for each request, and not a process."""
    pid_file = ""
    unit = ""
    by_itself = ""
    """The command that starts it where there is no systemd."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def kill(self) -> None:
        """SIGKILL to its whole process group; its machine stays and refuses connections.

        Returns when all of them have ended: on a busy machine the last that has the socket may
        take connections for a tenth of a second more.
        """
        self.node.run(
            'group=$(cat %s) && kill -s KILL -- "-$group" && rm -f %s && '
            '{ timeout 5 pidwait -g "$group" > /dev/null; [ $? -le 1 ]; }',  # 1: none was left
            self.pid_file,
            self.pid_file,
        )

    def freeze(self) -> None:
        """SIGSTOP to its whole process group: connections are taken, and nobody answers."""
        self.node.run('kill -s STOP -- "-$(cat %s)"', self.pid_file)

    @property
    def thawing(self) -> str:
        """The command that gives it SIGCONT; does no harm where it runs, or is dead."""
        return self._told("CONT", f'"-$(cat {self.pid_file})"')

    def _told(self, signal: str, whom: str) -> str:
        """The command that gives it this signal; its file may have outlived it.

        By ``-s``: dash, which heals, takes no ``--`` behind ``-CONT``.
        """
        dead = f"[ ! -e {self.pid_file} ] || ! kill -s 0 -- {whom} 2>/dev/null"
        return f"{dead} || kill -s {signal} -- {whom}"

    def workers(self) -> frozenset[int]:
        """The PIDs of its workers; none where it is dead."""
        shown = self.node.ask("pgrep -P $(cat %s)", self.pid_file).stdout
        return frozenset(map(int, shown.split()))

    def threads(self) -> int:
        """The most threads that any of its workers has; 0 where there is none."""
        count = "for pid in $(pgrep -P $(cat %s)); do ls /proc/$pid/task | wc -l; done"
        return max(map(int, self.node.ask(count, self.pid_file).stdout.split()), default=0)

    def start(self) -> None:
        """Start it; starting a running one does no harm."""
        self.node.run(self.starting)

    @property
    def starting(self) -> str:
        """The command that does."""
        # one that is just starting refuses another its port
        there = f"timeout 2 sh -c 'until kill -0 $(cat {self.pid_file}); do sleep 0.05; done' 2>&-"
        return (
            f"if [ -d /run/systemd/system ]; then systemctl start {self.unit}; "
            f"else {self.by_itself} || {there}; fi"
        )


class Nginx(WebServer):
    """Debian's; PHP is php-fpm's."""

    program = "nginx"
    pid_file = "/run/nginx.pid"
    unit = "nginx"
    by_itself = "nginx"


class Apache(WebServer):
    """Debian's, with a process for each request, which has PHP in it (prefork, mod_php).

    Its directives can be changed for a while.
    """

    program = "Apache"
    php = "apache2handler"
    pid_file = "/run/apache2/apache2.pid"
    unit = "apache2"
    by_itself = "APACHE_STARTED_BY_SYSTEMD=yes apache2ctl start"

    def change(self, directives: str) -> None:
        """Have it work with these directives too, in all of its workers.

        Requests under way end as they began. Raises :class:`halab.errors.CommandFailed` with what
        Apache has against them.
        """
        self.node.put(CHANGE, directives)
        self.node.run("apache2ctl -t")
        self._renew_workers()

    def change_back(self) -> None:
        """Have it work as it was installed; does no harm where nothing was changed, or it is dead.

        Workers that are at a request have until its end.
        """
        self.node.run("rm -f %s", CHANGE)
        if self.workers():
            self._renew_workers()

    @property
    def changing_back(self) -> str:
        """The command that does, and waits for nothing."""
        return in_turn(f"rm -f {CHANGE}", self._told("USR1", f"$(cat {self.pid_file})"))

    def _renew_workers(self) -> None:
        old = self.workers()
        self.node.run("kill -USR1 $(cat %s)", self.pid_file)

        def renewed() -> bool:
            now = self.workers()
            return bool(now) and not now & old

        wait.until(
            renewed,
            what=f"{self.node.name}'s Apache has new workers only",
            within=20,
            seen=lambda: f"{sorted(self.workers() & old)} of the old ones",
        )


class EventApache(Apache):
    """Debian's, with a thread for each request; PHP is php-fpm's."""

    php = "fpm-fcgi"
    threaded = True


class Tomcat(WebServer):
    """Debian's, with a servlet that does what pi.php does; it has no PHP, and says no name."""

    php = ""
    threaded = True
    pid_file = "/run/tomcat.pid"
    unit = "tomcat10"
    by_itself = "/usr/local/lib/halab/tomcat-start"


class Gwan(WebServer):
    """G-WAN of an operator's own, which serves files only: its PHP would need php-cgi."""

    program = "G-WAN"
    php = ""
    names_itself = False
    threaded = True
    pid_file = "/run/gwan.pid"
    by_itself = "/usr/local/lib/halab/gwan-start"


SERVERS: dict[str, type[WebServer]] = {
    APACHE: Apache,
    "apache-event": EventApache,
    "nginx": Nginx,
    TOMCAT: Tomcat,
    GWAN: Gwan,
}
"""The web servers that a configuration may ask for, by name."""


def accepts(address: IPv4Address, port: int, within: float = 0.5) -> bool:
    """True if a TCP connection to the port succeeds within the seconds given."""
    try:
        with socket.create_connection((str(address), port), within):
            return True
    except OSError:
        return False


@dataclass(frozen=True)
class Answer:
    """What one HTTP request got: the status, which server says it answered, and the page."""

    status: int
    served_by: str
    page: str

    @property
    def pi(self) -> float | None:
        """The value of pi on the page of pi.php, if it has one."""
        found = re.search(r"intervals is ([0-9.]+)\.<", self.page)
        return float(found.group(1)) if found else None

    @property
    def cpu(self) -> float:
        """Seconds of CPU time that pi.php took; raises :class:`NodeError` on any other page."""
        found = re.search(r" seconds, ([0-9.]+) of a CPU\.<", self.page)
        if found is None:
            raise NodeError(f"no page with its CPU time: status {self.status}: {self.page[:80]!r}")
        return float(found.group(1))

    @property
    def php(self) -> str:
        """How PHP runs, by the word of index.php; empty on any other page."""
        found = re.search(r"PHP runs as ([a-z0-9-]+)\.<", self.page)
        return found.group(1) if found else ""


def program(address: IPv4Address, port: int, within: float = 5.0) -> str:
    """What answers there, by its own word: "Apache/2.4.62 (Debian)"; empty if it does not say."""
    return requests.head(f"http://{address}:{port}/", timeout=within).headers.get("Server", "")


def get(
    address: IPv4Address,
    port: int,
    path: str = "/index.html",
    *,
    auth: tuple[str, str] | None = None,
    within: float = 5.0,
) -> Answer:
    """One request on a connection of its own; raises requests' errors as they are."""
    if auth is not None:
        redaction.remember_basic(*auth)
    response = requests.get(
        f"http://{address}:{port}{path}",
        auth=auth,
        timeout=within,
        headers={"Connection": "close"},
    )
    return Answer(response.status_code, response.headers.get(SERVED_BY, ""), response.text)
