"""The shape of a load in thresholds.yaml: what one target has, of which there may be many."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from halab.load import Load
from halab.topology_part import Count, Part


class Shape(Part):
    """A load as one target has it: one frontend port, or one web VM. All have it at once.

    ``limit`` is the seconds after which one that ends by requests has hung. ``http2``: clients
    speak HTTP/2 with HAProxy, which h2load alone does, and over kept connections.
    """

    generator: Literal["h2load", "weighttp", "ab", "wrk"]
    connections: Count
    requests: Count = Field(default=0, ge=0)
    seconds: float = Field(default=0, ge=0)
    keep_alive: bool = False
    threads: Count = 1
    warm_up: float = Field(default=0, ge=0)
    limit: float = Field(default=60, gt=0)
    http2: bool = False

    @model_validator(mode="after")
    def _ends(self) -> Shape:
        if bool(self.requests) == bool(self.seconds):
            raise ValueError("ends by requests or by seconds; give one of them")
        return self

    @model_validator(mode="after")
    def _spoken(self) -> Shape:
        if self.http2 and not (self.generator == "h2load" and self.keep_alive):
            raise ValueError("http2 is h2load's, and over kept connections: add keep_alive")
        return self

    def at(self, connections: int) -> Shape:
        """The same with so many connections, and no more threads than these."""
        threads = min(self.threads, connections)
        return self.model_copy(update={"connections": connections, "threads": threads})

    def load(self, page: str, targets: int, clients: int) -> Load:
        """On so many targets from so many clients.

        Each client has a generator for each target, and each generator a connection or more.
        """
        return Load(
            page=page,
            connections=max(self.connections, clients * self.threads) * targets,
            seconds=self.seconds or None,
            requests=self.requests * targets or None,
            keep_alive=self.keep_alive,
            warm_up=self.warm_up,
            threads=self.threads,
            limit=self.limit,
            http2=self.http2,
        )
