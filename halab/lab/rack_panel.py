"""The front panel of a built lab, which the rack works: see :mod:`halab.lab.rack`."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from halab.errors import LabError
from halab.lab.front_panel import FrontPanel


class RackPanel(FrontPanel):
    """Its buttons are the rack's; :meth:`plug_in` connects them."""

    def plug_in(self, control: Path) -> None:
        """Connect to the rack."""
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
