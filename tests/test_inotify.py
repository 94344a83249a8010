"""The limit of this host's that a lab raises: put back as it was, whatever became of raising it."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from halab.lab import inotify


@pytest.fixture
def limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that stands for it: other labs rest on the host's."""
    file = tmp_path / "max_user_instances"
    file.write_text("128\n")
    monkeypatch.setattr(inotify, "LIMIT", file)
    return file


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process may grow."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def test_limit_is_raised_and_put_back(limit: Path, tmp_path: Path) -> None:
    """Twice does no harm: what is remembered is what was there first."""
    record = tmp_path / "record"
    inotify.raise_limit(record)
    inotify.raise_limit(record)
    assert int(limit.read_text()) == inotify.NEEDED
    inotify.restore_limit(record)
    inotify.restore_limit(record)
    assert int(limit.read_text()) == 128
    assert not record.exists()


def test_what_cannot_be_remembered_is_not_raised(limit: Path, tmp_path: Path) -> None:
    """Nor is half of a record left, of which nothing could be put back."""
    with full_disk(), pytest.raises(OSError, match="too large"):
        inotify.raise_limit(tmp_path / "record")
    assert limit.read_text() == "128\n"
    assert [file.name for file in tmp_path.iterdir()] == [limit.name]
