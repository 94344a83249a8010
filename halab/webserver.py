"""Apache on a web VM: what it answers, and how it is killed and started."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address

import requests

from halab.node import Node

PID_FILE = "/run/apache2/apache2.pid"
SERVED_BY = "X-Served-By"


class Apache:
    """The Apache of one web VM, over the VM's own SSH."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def kill(self) -> None:
        """SIGKILL to Apache's whole process group; its machine stays and refuses connections."""
        self.node.run('kill -KILL -- "-$(cat %s)" && rm -f %s', PID_FILE, PID_FILE)

    def start(self) -> None:
        """Start it; starting a running one does no harm."""
        self.node.run(
            "if [ -d /run/systemd/system ]; then systemctl start apache2; "
            "else APACHE_STARTED_BY_SYSTEMD=yes apache2ctl start; fi"
        )


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


def get(
    address: IPv4Address,
    port: int,
    path: str = "/index.html",
    *,
    auth: tuple[str, str] | None = None,
    within: float = 5.0,
) -> Answer:
    """One request on a connection of its own; raises requests' errors as they are."""
    response = requests.get(
        f"http://{address}:{port}{path}",
        auth=auth,
        timeout=within,
        headers={"Connection": "close"},
    )
    return Answer(response.status_code, response.headers.get(SERVED_BY, ""), response.text)
