"""One way to break a cluster, and the test that must notice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from halab.cluster import Cluster
from tests.mutations.breakage.node import Break

if TYPE_CHECKING:
    # imported first by pytest, which rewrites its assertions
    from fixtures.platforms import Platforms


@dataclass(frozen=True)
class Mutation:
    """How to break the cluster, or platforms, the test that must fail, and what it must say.

    ``fast`` are those that a developer's every run can afford: about two seconds each. ``lab``
    is the kind of lab that can be broken so, and ``guests`` what its VMs must be; ``nics`` is how
    many NICs emulated directors must at least have, and ``queues`` how many queues each.
    ``cause`` is the known cause (halab/causes.py) that the report must tell, and words of it.
    """

    name: str
    test: str
    says: str
    breaks: Callable[[Cluster], Break] | Callable[[Platforms], Break]
    fast: bool = False
    lab: str = "embedded"
    guests: str = "containers"
    queues: int = 1
    nics: int = 1
    cause: tuple[str, str] | None = None
