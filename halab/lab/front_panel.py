"""A lab's front panel: power, cables and what else is done to a machine from outside of it.

The rack works it, see :mod:`halab.lab.rack`; every verb here bears being done twice.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from halab.errors import LabError
from halab.lab.switch import Loss
from halab.node import Node


class FrontPanel:
    """What its buttons do; raises :class:`LabError` for what the rack cannot."""

    nodes: dict[str, Node]

    def __init__(self, name: str, control: Path) -> None:
        self.name = name
        self._control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._control.settimeout(30)
        self._control.connect(str(control))
        self._answers = self._control.makefile()

    def hang_up(self) -> None:
        """Close the connection to the rack."""
        self._answers.close()
        self._control.close()

    def operators_place(self) -> int:
        """The network namespace from which the tests speak: an open file, to be closed."""
        with self._rack_answering():
            self._control.sendall(b'{"do": "enter"}')
            answer, fds, _, _ = socket.recv_fds(self._control, 4096, 1)
        if not fds:
            raise LabError(f"the lab {self.name!r} cannot be entered: {answer.decode()}")
        return fds[0]

    # -- power and cables --------------------------------------------------------------------

    def power_off(self, machine: str) -> None:
        """Cut a machine's power, at once and without a word to anyone."""
        self.nodes[machine].close()
        self._do("power_off", machine)

    def power_on(self, machine: str) -> None:
        """Switch a machine on; returns before it has booted."""
        self._do("power_on", machine)

    def port_down(self, machine: str) -> None:
        """Take the carrier from a machine's cable, at the switch."""
        self._do("port_down", machine)

    def port_up(self, machine: str) -> None:
        """Give a machine's cable its carrier back."""
        self._do("port_up", machine)

    def nic_up(self, machine: str) -> None:
        """Bring up a machine's NIC where the lab reaches into it; a guest's is in its own hands."""
        self._do("nic_up", machine)

    def status(self) -> dict[str, str]:
        """``on``, ``off`` or ``died (status)`` for each machine."""
        answer: dict[str, str] = self._do("status")
        return answer

    def console(self, machine: str) -> str:
        """The last 4,000 characters of a machine's console."""
        return str(self._do("console", machine))

    # -- a machine that is slow or hangs -----------------------------------------------------

    def freeze(self, machine: str) -> None:
        """Have no process of a machine run any more; its NIC still takes packets."""
        self.nodes[machine].close()
        self._do("freeze", machine)

    def thaw(self, machine: str) -> None:
        """Let a frozen machine go on."""
        self._do("thaw", machine)

    def starve(self, machine: str, share: float) -> None:
        """Give a machine this share of one CPU's time and no more, 0.01 or above."""
        self._do("starve", machine, share=share)

    def feed(self, machine: str) -> None:
        """Let a starved machine have all the time that there is."""
        self._do("feed", machine)

    def cpu_time(self, machine: str) -> float:
        """Seconds of this host's CPU time that a machine has had since it was switched on."""
        return float(self._do("cpu_time", machine))

    # -- faults on the wire ------------------------------------------------------------------

    def lose(self, loss: Loss) -> None:
        """Have the switch lose frames."""
        self._do("lose", loss=loss._asdict())

    def lose_no_more(self, loss: Loss) -> None:
        """Have the switch lose them no more."""
        self._do("lose_no_more", loss=loss._asdict())

    def _do(self, do: str, machine: str = "", **how: Any) -> Any:
        with self._rack_answering():
            self._control.sendall(json.dumps({"do": do, "machine": machine, **how}).encode())
            line = self._answers.readline()
            if not line:
                raise ConnectionResetError("it has ended")
        answer = json.loads(line)
        if "error" in answer:
            raise LabError(f"lab {self.name!r}: {answer['error']}")
        return answer["ok"]

    @contextmanager
    def _rack_answering(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise LabError(
                f"the rack of the lab {self.name!r} does not answer ({error}); the next run, or "
                "./run lab down, clears up what it left"
            ) from error
