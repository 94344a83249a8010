"""keepalived on a director, through its unit and its deployed configuration."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address

from halab import wait
from halab.errors import NodeError
from halab.keepalived_conf import Deployed, VrrpInstance
from halab.keepalived_dump import Dump
from halab.node import Node, in_turn
from halab.unit import Unit
from halab.vrrp import snaplen
from halab.wait import Condition

CONFIG = "/etc/keepalived/keepalived.conf"
BEFORE = CONFIG + ".halab-before"
"""A name that no operator has a copy of his own under."""
FIREWALL = "/etc/keepalived/vrrp.nft"
DROP_IN = "/etc/systemd/system/keepalived.service.d/vrrp.conf"
"""Has the firewall stand before keepalived does, at every start."""
UNIT = "keepalived.service"
DUMP = "/tmp/keepalived.data"
# a raw socket's port is its protocol: 112, VRRP (RFC 9568 section 5.1.1.4)
_VRRP_SOCKET = r"^ *\d+: [0-9A-F]+:0070 "
# add-wants, not enable: that would have Debian's scripts look through /etc/init.d for 0.3 s
AT_BOOT = (
    f"test -e /etc/systemd/system/multi-user.target.wants/{UNIT} || "
    f"systemctl --quiet --no-reload add-wants multi-user.target {UNIT}"
)


@dataclass
class Log:
    """What keepalived said; ``text`` is empty until the time in question is over."""

    read: Callable[[], str]
    text: str = ""

    def says(self, words: str) -> Condition:
        """It has said this by now."""
        return Condition(f"keepalived's log has {words!r}", lambda: words in self.read())


def tracks_processes(text: str) -> bool:
    """True for a keepalived.conf that begins to work with a restart only.

    keepalived 2.2.7 asks the kernel to tell of processes only where it tracks any when it starts;
    a reload that brings the first leaves it deaf to them, and it does not say so
    (core/track_process.c: reload_track_processes, and handle_proc_ev, which knows no CPU then).
    """
    return bool(re.search(r"^\s*vrrp_track_process\b", text, re.MULTILINE))


class Keepalived:
    """The keepalived of one director; ``at_boot`` has whoever starts it see to its boots too."""

    def __init__(self, node: Node, *, at_boot: bool = True) -> None:
        self.node = node
        self.unit = Unit(node, UNIT)
        self._at_boot = f"{AT_BOOT}; " if at_boot else ""

    def __repr__(self) -> str:
        return f"<keepalived on {self.node.name}>"

    def deployed(self) -> Deployed:
        """The configuration that is really there; the password does not leave the node."""
        text = self.node.run("sed -E 's/(auth_pass[[:space:]]+).*/\\1********/' %s", CONFIG)
        return Deployed.parse(text)

    def instance(self) -> VrrpInstance:
        """Its VRRP instance; raises :class:`NodeError` if there is not exactly one."""
        return self.instance_of(self.deployed())

    def instance_of(self, deployed: Deployed) -> VrrpInstance:
        """The one of a configuration that has been read; raises as :meth:`instance` does."""
        if len(deployed.instances) != 1:
            raise NodeError(
                f"{self.node.name}: {CONFIG} has {len(deployed.instances)} vrrp_instances, "
                "one is expected"
            )
        return deployed.instances[0]

    def dump(self) -> Dump:
        """What it says of itself; raises :class:`NotReached` when it writes nothing.

        The dump has the password in clear: the line is left out on the node, and the file removed.
        One that is written later, by a keepalived that hung, finds a folder in its place.
        """
        try:
            self.node.run(
                "rm -rf -- %s; kill -s $(keepalived --signum=DATA) $(systemctl show -P MainPID %s)",
                DUMP,
                UNIT,
            )
            text = wait.until(
                lambda: (
                    self.node.ask(
                        "grep -q '< Interfaces >' %s && sed -n '/< VRRP Topology >/,/< VRRP Sock/{"
                        "/Password/d;p}' %s",
                        DUMP,
                        DUMP,
                    ).stdout
                ),
                what=f"{self.node.name}: keepalived writes {DUMP}",
                within=5,
            )
        except BaseException:
            self.node.run("rm -rf -- %s; mkdir -m 700 -- %s", DUMP, DUMP)
            raise
        self.node.run("rm -f -- %s", DUMP)
        return Dump.parse(text)

    @contextmanager
    def logging(self) -> Iterator[Log]:
        """Its log of the block, which is there when the block has ended.

        The cursor is of an entry of its own: after another's, journalctl 252 with a unit passes
        over the first entry of that unit too.
        """
        shown = self.node.run("journalctl -q -n 0 --show-cursor -u %s", UNIT)
        cursor = shown.rpartition("cursor: ")[2].strip()
        after = ("--after-cursor=%s", cursor) if cursor else ("-u %s", UNIT)
        show = f"journalctl --sync; journalctl -q --no-pager -o cat -u %s {after[0]}"
        log = Log(lambda: self.node.run(show, UNIT, after[1]))
        yield log
        log.text = log.read()

    def start(self) -> None:
        """Start it, now and at every boot; does no harm if it runs."""
        self.node.run(self.starting)

    @property
    def starting(self) -> str:
        """The command that starts it."""
        return (
            f"{self._at_boot}systemctl --quiet is-active {UNIT} || "
            f"{{ systemctl reset-failed {UNIT}; systemctl start {UNIT}; }}"
        )

    def stop(self) -> None:
        """Stop it in good order: it resigns with an advert of priority 0."""
        self.node.run("systemctl stop %s", UNIT)

    def restart(self) -> None:
        """Stop it in good order and start it anew, now and at every boot."""
        self.node.run(f"{self._at_boot}systemctl restart %s", UNIT)

    def kill(self) -> None:
        """SIGKILL to its whole process tree: no resignation, and the VIP stays on the NIC."""
        self.unit.kill()

    def reload(self) -> None:
        """Take a changed configuration over, now and at every boot; start it if it does not run."""
        self.node.run(f"{self._at_boot}systemctl reload-or-restart %s", UNIT)

    def take_over(self, text: str) -> None:
        """Take this file over, which is deployed: by a reload, or by a restart if it needs one.

        See :func:`tracks_processes`.
        """
        (self.restart if tracks_processes(text) else self.reload)()

    def not_restarted_for(self) -> str:
        """The ``vrrp_track_process`` in a file that is newer than its start; see
        :func:`tracks_processes`. Nothing where there is none, or it has started since.
        """
        return self.node.run(
            "started=$(systemctl show -P ActiveEnterTimestamp %s); "
            '[ -n "$started" ] && [ $(stat -c %%Y %s) -gt $(date -d "$started" +%%s) ] && '
            "grep -E '^[[:space:]]*vrrp_track_process' %s || true",
            UNIT,
            CONFIG,
            CONFIG,
        ).strip()

    def hears(self) -> Condition:
        """Its VRRP socket is open: what comes from now on it will read, though it may be later.

        systemd calls it started before that.
        """
        return Condition(
            f"{self!r} hears adverts",
            lambda: re.search(_VRRP_SOCKET, self.node.run("cat /proc/net/raw"), re.MULTILINE),
        )

    def hear(self, other: IPv4Address) -> None:
        """Wait for an advert of the other's: from then on it counts that one's silence.

        Until it has heard any, it counts from its own start.
        """
        self.hears().until(within=15)
        self.node.run(
            f"timeout 15 tcpdump -n --immediate-mode -c 1 -s {snaplen(0)} -i %s -w /dev/null -- %s",
            self.node.nic,
            f"vrrp and src host {other}",
        )

    def set_priority(self, priority: int) -> None:
        """Change the priority in the deployed file and take it over, until it is put back.

        The file stays on the node, since it has the password. Raises
        :class:`halab.errors.CommandFailed` when the file has that priority already.
        """
        self.node.run(
            # whole or not at all, since it is what will be put back
            "{ test -e %s || { cp -p %s %s && mv %s %s; }; } "
            "&& sed -i -E 's/^([[:space:]]*priority) .*/\\1 %s/' %s && ! cmp -s %s %s",
            BEFORE, CONFIG, f"{BEFORE}.new", f"{BEFORE}.new", BEFORE,
            str(priority), CONFIG, CONFIG, BEFORE,
        )  # fmt: skip
        self.reload()

    def put_priority_back(self) -> None:
        """Put back the file as :meth:`set_priority` found it, if it has changed it."""
        self.node.run(self.putting_priority_back)

    @property
    def putting_priority_back(self) -> str:
        """The command that does."""
        # it is gone only once it is taken over; -l: a full disk has room for no copy
        back = f"cp -lf {BEFORE} {CONFIG} && systemctl reload-or-restart {UNIT} && rm {BEFORE}"
        return in_turn(f"rm -f {BEFORE}.new", f"! [ -e {BEFORE} ] || {{ {back}; }}")
