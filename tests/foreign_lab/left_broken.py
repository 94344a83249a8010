"""A suite whose first test breaks something and mends nothing: run on purpose, never collected."""

from __future__ import annotations

import pytest

from halab.cluster import Cluster

pytestmark = [pytest.mark.disruptive, pytest.mark.usefixtures("steady")]


def test_that_leaves_a_disk_full(cluster: Cluster) -> None:
    """The service goes on all the same: only who looks at the node sees it."""
    cluster.backup.node.run(
        "mount -o remount,size=$(($(df --output=used -B1K /run | tail -n 1) + 64))k /run && "
        "{ head -c 1M /dev/zero > /run/full 2>/dev/null; true; }"
    )


def test_that_comes_after(cluster: Cluster) -> None:
    """It must not run."""
    cluster.backup.node.run("touch /tmp/came-after")
