"""A desired state of the cluster, as a test module declares it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from halab.errors import ConfigurationError
from halab.topology import Topology


@dataclass(frozen=True, order=True)
class Configuration:
    """What the cluster is to be; the defaults are the thesis's first set-up with 24 VMs.

    ``vms_per_server``: 4 gives the thesis's 24 backends, 8 its 48.
    ``haproxy_processes``: one on each of the frontend ports, in their order.
    """

    vms_per_server: int = 4
    haproxy_processes: int = 1

    @classmethod
    def declared(cls, **settings: Any) -> Configuration:
        """The configuration with these settings; an unknown one is named, with what there is."""
        known = [setting.name for setting in fields(cls)]
        unknown = sorted(set(settings) - set(known))
        if unknown:
            raise ConfigurationError(
                f"no such setting: {', '.join(unknown)}; a configuration has {', '.join(known)}"
            )
        return cls(**settings)

    def check(self, topology: Topology) -> None:
        """Raise :class:`ConfigurationError` with the limit that this topology sets."""
        topology.backends(self.vms_per_server)
        ports = len(topology.haproxy.frontend_ports)
        if not 1 <= self.haproxy_processes <= ports:
            raise ConfigurationError(
                f"haproxy_processes={self.haproxy_processes}: the topology has {ports} frontend "
                f"ports, so 1 to {ports} processes"
            )

    @property
    def label(self) -> str:
        """Short, for a test's id: only what is not the default."""
        differing = [
            f"{f.name}={getattr(self, f.name)}"
            for f in fields(self)
            if getattr(self, f.name) != f.default
        ]
        return ",".join(differing) or "default"

    def __str__(self) -> str:
        return ", ".join(f"{f.name}={getattr(self, f.name)}" for f in fields(self))
