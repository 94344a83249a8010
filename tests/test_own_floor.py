"""Where a lab's own floor is kept: by lab, so that no lab is held to another's."""

from __future__ import annotations

import pytest

from fixtures import own_floor
from fixtures.own_floor import UNSET, lab_key


@pytest.fixture
def options(pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """This run's options, to be set for a test; as if nobody had given any of these."""
    for name, value in {
        "lab": "embedded", "guests": "containers", "lab_name": "no-lab-stands-by-this-name",
        "record_thresholds": False, "benchmark_storage": UNSET, "benchmark_enable": False,
        "benchmark_save": None, "benchmark_save_data": False, "benchmark_compare": None,
    }.items():  # fmt: skip
        monkeypatch.setattr(pytestconfig.option, name, value)
    return monkeypatch


def test_another_kind_of_lab_has_another_key(
    pytestconfig: pytest.Config, options: pytest.MonkeyPatch
) -> None:
    keys = set()
    for lab, guests in (
        ("embedded", "containers"),
        ("embedded", "libvirt"),
        ("emulated", "containers"),
    ):
        options.setattr(pytestconfig.option, "lab", lab)
        options.setattr(pytestconfig.option, "guests", guests)
        key = lab_key(pytestconfig)
        assert key.startswith(f"thesis-{lab}-{guests}-")
        keys.add(key)
    assert len(keys) == 3


def test_another_machine_or_topology_has_another_key(
    pytestconfig: pytest.Config, options: pytest.MonkeyPatch
) -> None:
    here = lab_key(pytestconfig)
    with options.context() as elsewhere:
        elsewhere.setattr(own_floor, "_cpu_model", lambda: "another CPU")
        assert lab_key(pytestconfig) != here
    with options.context() as elsewhere:
        elsewhere.setattr(own_floor, "fingerprint", lambda _: "another topology")
        assert lab_key(pytestconfig) != here
    assert lab_key(pytestconfig) == here


def test_a_record_goes_to_the_lab_s_own_place(
    pytestconfig: pytest.Config, options: pytest.MonkeyPatch
) -> None:
    """Saved with all rounds, under a name that later runs look for."""
    options.setattr(pytestconfig.option, "record_thresholds", True)
    own_floor.pytest_configure(pytestconfig)
    option = pytestconfig.option
    assert option.benchmark_storage == f"file://floors/{lab_key(pytestconfig)}"
    assert (option.benchmark_enable, option.benchmark_save_data) == (True, True)
    assert option.benchmark_save == own_floor.SAVED


def test_a_record_under_another_name_would_be_looked_for_in_vain(
    pytestconfig: pytest.Config, options: pytest.MonkeyPatch
) -> None:
    options.setattr(pytestconfig.option, "record_thresholds", True)
    options.setattr(pytestconfig.option, "benchmark_save", "mine")
    with pytest.raises(pytest.UsageError, match="leave --benchmark-save out"):
        own_floor.pytest_configure(pytestconfig)
    options.setattr(pytestconfig.option, "benchmark_save", own_floor.SAVED)
    own_floor.pytest_configure(pytestconfig)


def test_a_place_that_was_named_is_kept(
    pytestconfig: pytest.Config, options: pytest.MonkeyPatch
) -> None:
    options.setattr(pytestconfig.option, "benchmark_storage", "file://elsewhere")
    options.setattr(pytestconfig.option, "benchmark_compare", "0001")
    own_floor.pytest_configure(pytestconfig)
    assert pytestconfig.option.benchmark_storage == "file://elsewhere"
    assert pytestconfig.option.benchmark_enable
