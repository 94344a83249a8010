"""A cluster whose directors have an operator's own set-up in the place of the templates'."""

from __future__ import annotations

from halab.cluster import Cluster
from halab.configuration import Configuration
from halab.director import UNIT
from halab.lab.lab import Lab
from halab.set_up import SetUp

HAPROXY = "/usr/sbin/haproxy"


class ChangedCluster(Cluster):
    """As :class:`Cluster`; ``program`` is where another HAProxy is on its directors, if one is."""

    def __init__(self, lab: Lab, set_up: SetUp, program: str = "") -> None:
        super().__init__(lab)
        self.set_up = set_up
        self.program = program

    def files(self, director: str, configuration: Configuration) -> dict[str, str]:
        """The templates' files of a director, with the set-up's own in their place."""
        files = super().files(director, configuration)
        files |= self.set_up.own(director, self.topology, self.lab.secrets)
        if self.program:
            files[UNIT] = files[UNIT].replace(HAPROXY, self.program)
        return files
